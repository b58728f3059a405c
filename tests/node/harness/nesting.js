/** Runs statements that nest deep, and prints of each whether it was answered or why not. */

import { FirnDB } from '../../../bindings/npm/dist/node.js'

const db = await FirnDB.open('memory://')
await db.query('CREATE TABLE t (a BIGINT PRIMARY KEY)')

const nested = (times, before, inner, after = '') => before.repeat(times) + inner + after.repeat(times)
const STATEMENTS = [
  nested(15, 'SELECT * FROM (', 'SELECT a FROM t', ')'),
  nested(40, 'SELECT * FROM (', 'SELECT a FROM t', ')'),
  `SELECT a FROM t WHERE ${nested(40, 'NOT ', '(a = 1)')}`,
  `SELECT ${nested(40, 'CASE WHEN a = 1 THEN ', '1', ' END')} FROM t`,
  Array(200).fill('SELECT a FROM t').join(' UNION ALL '),
  `SELECT ${Array(250).fill('a').join(' + ')} FROM t`,
  `SELECT ${Array(2_000).fill('a').join(' + ')} FROM t`,
]
for (const sql of STATEMENTS) {
  console.log(await db.query(sql).then(() => 'ok', ({ code }) => code))
}
await db.close()
