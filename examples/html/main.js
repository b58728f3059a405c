import { FirnDB } from './node_modules/firndb/dist/browser.js'

const db = await FirnDB.open('visits')
await db.exec(`CREATE TABLE IF NOT EXISTS visits (
  id BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID(), at TIMESTAMP NOT NULL DEFAULT NOW(), agent TEXT)`)
await db.sql`INSERT INTO visits (agent) VALUES (${navigator.userAgent})`

const { rows } = await db.query('SELECT at FROM visits ORDER BY id')
const lines = rows.map(({ at }, number) => `${number + 1}. ${at.toISOString()}`)
document.querySelector('output').value = lines.join('\n')
