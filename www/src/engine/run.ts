/** One statement: what it answered, how long it took, or what is wrong with it. */

import { type FirnDB, FirnDBError, type UserDatabase } from 'firndb'
import { type Rows, rowsOfArrays, rowsOfArrow } from './result.js'
import { answersWithRows } from './statements.js'

/** Rows of one result that the page takes; of more the first are shown. */
export const MOST_ROWS = 1_000_000
/** Bytes of one result that the page takes. */
const MOST_BYTES = 512 * 1024 * 1024

/** What came of a statement. */
export type Outcome = { readonly sql: string; readonly ms: number } & (
  | { readonly kind: 'rows'; readonly rows: Rows; readonly truncated: boolean }
  | { readonly kind: 'affected'; readonly affected: number }
  | { readonly kind: 'failed'; readonly error: FirnDBError; readonly offset: number }
  | { readonly kind: 'cancelled' }
)

/** What statements are run by. */
export type Database = FirnDB | UserDatabase

/**
 * Runs `sql`; never rejects. `offset` is where the statement begins in the text that the user sees; an error's place is told
 * within the statement.
 */
export async function run(db: Database, sql: string, signal: AbortSignal, offset = 0): Promise<Outcome> {
  const begin = performance.now()
  const ms = () => performance.now() - begin
  try {
    if (answersWithRows(sql)) {
      const { rows, truncated } = await readRows(db, sql, signal)
      return { kind: 'rows', sql, ms: ms(), rows, truncated }
    }
    const { rows, fields, affectedRows } = await db.query<unknown[]>(sql, [], {
      rowMode: 'array',
      timestamps: 'micros',
      signal,
    })
    return fields.length > 0
      ? { kind: 'rows', sql, ms: ms(), rows: rowsOfArrays(fields, rows), truncated: false }
      : { kind: 'affected', sql, ms: ms(), affected: affectedRows ?? 0 }
  } catch (error) {
    if (signal.aborted) {
      return { kind: 'cancelled', sql, ms: ms() }
    }
    return { kind: 'failed', sql, ms: ms(), error: asError(error), offset }
  }
}

/** The rows of a query in one piece of Arrow, up to what the page takes. */
async function readRows(db: Database, sql: string, signal: AbortSignal): Promise<{ rows: Rows; truncated: boolean }> {
  // One more than is shown tells whether there are more.
  const limit = MOST_ROWS + 1
  const pieces: Uint8Array[] = []
  let bytes = 0
  let truncated = false
  for await (const piece of db.streamArrow(sql, [], { signal })) {
    pieces.push(piece)
    bytes += piece.byteLength
    if (bytes > MOST_BYTES) {
      truncated = true
      break
    }
  }
  const rows = rowsOfArrow(joined(pieces, bytes))
  if (rows.length < limit) {
    return { rows, truncated }
  }
  return { rows: { ...rows, length: MOST_ROWS }, truncated: true }
}

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}

function asError(error: unknown): FirnDBError {
  return error instanceof FirnDBError ? error : new FirnDBError('Internal', String(error))
}
