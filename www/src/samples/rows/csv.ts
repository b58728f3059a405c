/** Rows as CSV, in pieces of a size that is cheap to hand from thread to thread. */

/** A value of a row; nothing is NULL. */
export type Value = string | number | bigint | boolean | Date | null | undefined

/** Lines of CSV as bytes. */
export interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly rows: number
}

/** Characters that a piece has at least, but for the last. */
export const PIECE_CHARACTERS = 256 * 1024

/** `rows` as pieces; `none` stands for NULL. */
export function* piecesOf(rows: Iterable<readonly Value[]>, none = ''): Generator<Piece> {
  const encoder = new TextEncoder()
  let text = ''
  let count = 0
  for (const row of rows) {
    text += lineOf(row, none)
    count++
    if (text.length >= PIECE_CHARACTERS) {
      yield { bytes: encoder.encode(text), rows: count }
      text = ''
      count = 0
    }
  }
  if (count > 0) {
    yield { bytes: encoder.encode(text), rows: count }
  }
}

/** A row with the end of its line. */
export function lineOf(row: readonly Value[], none = ''): string {
  let line = ''
  for (let at = 0; at < row.length; at++) {
    line += at === 0 ? fieldOf(row[at], none) : `,${fieldOf(row[at], none)}`
  }
  return `${line}\n`
}

function fieldOf(value: Value, none: string): string {
  if (value === null || value === undefined) {
    return none
  }
  if (typeof value === 'string') {
    // Without its quotes such a text would be NULL.
    return value === '' || value === none || /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
  }
  if (Object.is(value, -0)) {
    return '-0'
  }
  // Without the Z: TIMESTAMP is in no zone.
  return value instanceof Date ? value.toISOString().slice(0, -1) : String(value)
}
