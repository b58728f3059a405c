/** Rows as what the page is told of them. */

import type { Event } from '../event.js'
import { piecesOf, type Value } from './csv.js'

/** Rows of `table` that go in together. */
export function* slice(table: string, rows: Iterable<readonly Value[]>, as?: string): Generator<Event> {
  yield { kind: 'begin', table, ...(as === undefined ? {} : { as }) }
  for (const piece of piecesOf(rows)) {
    yield { kind: 'piece', ...piece }
  }
  yield { kind: 'end' }
}

/** What makes files of the rows of `table`. */
export function flush(table: string): Event {
  return { kind: 'run', sql: `STORAGE FLUSH TABLE ${table}`, step: 'writing a file' }
}
