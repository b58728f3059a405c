/** The notes: a table in the browser, and the functions that write it. */

import { FirnDB } from 'firndb'

export interface Note {
  id: bigint
  body: string
  changed: Date
}

/** The store, once it is open. */
export const opening = FirnDB.open('notes').then(async (db) => {
  await db.exec(`CREATE TABLE IF NOT EXISTS notes (
    id BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID(), body TEXT NOT NULL, changed TIMESTAMP NOT NULL DEFAULT NOW())`)
  return db
})

/** All notes, the latest first. */
export const LIST = 'SELECT * FROM notes ORDER BY changed DESC, id DESC'

export const add = async (body: string) => (await opening).sql`INSERT INTO notes (body) VALUES (${body})`

export const edit = async (id: bigint, body: string) =>
  (await opening).sql`UPDATE notes SET body = ${body}, changed = NOW() WHERE id = ${id}`

export const remove = async (id: bigint) => (await opening).sql`DELETE FROM notes WHERE id = ${id}`
