/** How many rows a file has that is being written. */

import type { ExportFormat } from './export.js'

const QUOTE = 0x22
const NEWLINE = 0x0a

/** Counts the rows of one file: lines that end in no quotes, or what Parquet says at its end. */
export class RowCount {
  readonly #format: ExportFormat
  #lines = 0
  #isQuoted = false

  constructor(format: ExportFormat) {
    this.#format = format
  }

  /** Looks at the next bytes. */
  add(piece: Uint8Array): void {
    if (this.#format === 'parquet') {
      return
    }
    // In JSON a line never ends within a text.
    const isCsv = this.#format === 'csv'
    for (const byte of piece) {
      if (byte === NEWLINE && !this.#isQuoted) {
        this.#lines++
      } else if (byte === QUOTE && isCsv) {
        this.#isQuoted = !this.#isQuoted
      }
    }
  }

  /** The rows of `file`, which is all of it. */
  async of(file: Blob): Promise<number> {
    if (this.#format !== 'parquet') {
      return this.#format === 'csv' ? Math.max(this.#lines - 1, 0) : this.#lines
    }
    // Only whoever writes Parquet needs it.
    const { parquetMetadataAsync } = await import('hyparquet')
    const slice = (start: number, end?: number) => file.slice(start, end).arrayBuffer()
    return Number((await parquetMetadataAsync({ byteLength: file.size, slice })).num_rows)
  }
}
