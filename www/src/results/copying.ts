/** Cells and rows to the clipboard. */

import type { Column, Rows } from '../engine/result.js'
import { count, counted } from '../style/numbers.js'
import { csvHeader, csvLine, tsvLine } from './delimited.js'
import { textOf } from './format.js'
import { type Range, sizeOf } from './selection.js'
import { inSlices } from './slices.js'

/** Rows of a result that go to the clipboard; other programs choke on more. */
export const MOST_ROWS_COPIED = 50_000
/** Cells of a range that go to the clipboard. */
const MOST_CELLS_COPIED = 500_000

/** Copies a range as TSV, a single cell as it is; resolves to what to tell the user. */
export async function copyRange(rows: Rows, sourceOf: (row: number) => number, range: Range): Promise<string> {
  if (sizeOf(range) === 1) {
    const column = rows.columns[range.left]
    await write(column ? textOf(rows.value(sourceOf(range.top), range.left), column.type) : '')
    return 'Copied the cell'
  }
  const wide = range.right - range.left + 1
  const all = range.bottom - range.top + 1
  const length = Math.min(all, Math.max(1, Math.floor(MOST_CELLS_COPIED / wide)))
  const lines: string[] = []
  await inSlices(length, (at) => lines.push(tsvLine(rows, sourceOf(range.top + at), range.left, range.right)))
  await write(lines.join('\n'))
  return length < all
    ? `Copied only the first ${counted(length, 'row')} of ${count(all)} selected`
    : `Copied ${counted(length, 'row')} of ${counted(wide, 'column')}`
}

/** Copies the names of columns as TSV. */
export async function copyHeader(columns: readonly Column[], { left, right }: Range): Promise<string> {
  const names = columns.slice(left, right + 1).map(({ name }) => name)
  await write(names.join('\t'))
  return `Copied ${counted(names.length, 'name')}`
}

/** Copies the rows with a header as CSV, as many as the clipboard takes; resolves to what to tell the user. */
export async function copyAsCsv(rows: Rows, signal?: AbortSignal): Promise<string> {
  const length = Math.min(rows.length, MOST_ROWS_COPIED)
  const lines = [csvHeader(rows)]
  await inSlices(length, (row) => lines.push(csvLine(rows, row)), signal)
  await write(lines.join(''))
  return length < rows.length
    ? `Copied only the first ${counted(length, 'row')} of ${count(rows.length)} as CSV: download the file for all`
    : `Copied ${counted(length, 'row')} as CSV`
}

/** Puts `text` on the clipboard. */
export async function write(text: string): Promise<void> {
  // Only pages of HTTPS or of this machine have one.
  const clipboard: Clipboard | undefined = navigator.clipboard
  if (!clipboard) {
    throw new Error('This page is not allowed to use the clipboard.')
  }
  await clipboard.writeText(text)
}
