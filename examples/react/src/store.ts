/** The notes: a table in the browser, and the functions that read and write it. */

import { FirnDB } from 'firndb'

export interface Note {
  id: bigint
  body: string
  changed: Date
}

const opening = FirnDB.open('notes').then(async (db) => {
  await db.exec(`CREATE TABLE IF NOT EXISTS notes (
    id BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID(), body TEXT NOT NULL, changed TIMESTAMP NOT NULL DEFAULT NOW())`)
  return db
})

export const list = async () => (await (await opening).sql<Note>`SELECT * FROM notes ORDER BY changed DESC, id DESC`).rows

export const add = (body: string) => write((db) => db.sql`INSERT INTO notes (body) VALUES (${body})`)

export const edit = (id: bigint, body: string) =>
  write((db) => db.sql`UPDATE notes SET body = ${body}, changed = NOW() WHERE id = ${id}`)

export const remove = (id: bigint) => write((db) => db.sql`DELETE FROM notes WHERE id = ${id}`)

/** Tells the other tabs; a tab does not hear itself. */
const channel = new BroadcastChannel('notes')

async function write(work: (db: FirnDB) => Promise<unknown>): Promise<void> {
  await work(await opening)
  channel.postMessage('changed')
}

/** Has `changed` called when another tab has written; gives what ends that. */
export function watch(changed: () => void): () => void {
  channel.addEventListener('message', changed)
  return () => channel.removeEventListener('message', changed)
}
