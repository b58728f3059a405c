/** One statement: what it answered, how long it took, or what is wrong with it. */

import { type FirnDB, FirnDBError, readArrow, type Transaction, type UserDatabase } from 'firndb'
import { READING, type Rows, rowsOfArrays, rowsOfArrow } from './result.js'
import { answersWithRows } from './statements.js'

/** Rows of one result that the page takes; of more the first are shown. */
export const MOST_ROWS = 1_000_000
/** Bytes of one result that the page takes. */
const MOST_BYTES = 256 * 1024 * 1024

/** What came of a statement. */
export type Outcome = { readonly sql: string; readonly ms: number } & (
  | { readonly kind: 'rows'; readonly rows: Rows; readonly truncated: boolean }
  | { readonly kind: 'affected'; readonly affected: number }
  | { readonly kind: 'failed'; readonly error: FirnDBError; readonly offset: number }
  | { readonly kind: 'cancelled' }
)

/** What statements are run by. */
export type Database = FirnDB | UserDatabase

/** What one statement is run by: a database, or a transaction of it. */
export type Queryable = Database | Transaction

/**
 * Runs `sql`; never rejects. `offset` is where the statement begins in the text that the user sees; an error's place is told
 * within the statement.
 */
export async function run(db: Queryable, sql: string, signal: AbortSignal, offset = 0): Promise<Outcome> {
  const begin = performance.now()
  const ms = () => performance.now() - begin
  try {
    if (answersWithRows(sql)) {
      const { rows, truncated } = await readRows(db, sql, signal)
      return { kind: 'rows', sql, ms: ms(), rows, truncated }
    }
    const { rows, fields, affectedRows } = await db.query<unknown[]>(sql, [], { ...READING, rowMode: 'array', signal })
    return fields.length > 0
      ? { kind: 'rows', sql, ms: ms(), rows: rowsOfArrays(fields, rows), truncated: false }
      : { kind: 'affected', sql, ms: ms(), affected: affectedRows ?? 0 }
  } catch (error) {
    if (signal.aborted) {
      return { kind: 'cancelled', sql, ms: ms() }
    }
    return failed(sql, ms(), error, offset)
  }
}

/** The rows of a query in one piece of Arrow, up to what the page takes. */
async function readRows(db: Queryable, sql: string, signal: AbortSignal): Promise<{ rows: Rows; truncated: boolean }> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  let count = 0
  // The rest is not asked for: neither the engine nor the page has it in memory.
  let truncated = false
  for await (const piece of db.streamArrow(sql, [], { signal })) {
    const [schema] = pieces
    pieces.push(piece)
    bytes += piece.byteLength
    count += schema === undefined ? 0 : readArrow(joined([schema, piece])).length
    truncated = count > MOST_ROWS || bytes > MOST_BYTES
    if (truncated) {
      break
    }
  }
  const rows = rowsOfArrow(joined(pieces))
  return { rows: rows.length > MOST_ROWS ? { ...rows, length: MOST_ROWS } : rows, truncated }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}

/** The outcome of a statement that began at `offset` of the text and ended with `error`. */
export function failed(sql: string, ms: number, error: unknown, offset: number): Outcome {
  return { kind: 'failed', sql, ms, error: asFirnDBError(error), offset }
}

/** `error` as the package's own; what is none is a defect. */
export function asFirnDBError(error: unknown): FirnDBError {
  return error instanceof FirnDBError ? error : new FirnDBError('Internal', String(error))
}
