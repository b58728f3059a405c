/**
 * A stream of bytes as parts that end where rows do. In a browser's storage the rows of one `copyFrom` are in memory until they
 * are committed, so a large file is loaded a part at a time.
 */

/** How the ends of rows are found: at the end of a line that is in no quotes, or of any line. */
export type Rows = 'csv' | 'lines'

/** Bytes from a stream, up to where a row ends. */
export interface Part {
  /** In which line of the file it begins, from 1. */
  readonly line: number
  /** The pieces, to be read once and before the next part is asked for. */
  readonly pieces: AsyncGenerator<Uint8Array>
}

const QUOTE = 0x22
const NEWLINE = 0x0a

/** Parts of at least `partBytes`, but for the last; `rows` says how they end. */
export async function* partsOf(
  stream: ReadableStream<Uint8Array>,
  rows: Rows,
  partBytes: number,
): AsyncGenerator<Part> {
  const reader = stream.getReader()
  let rest: Uint8Array | undefined
  let over = false
  let line = 1
  let isQuoted = false

  const read = async (): Promise<Uint8Array | undefined> => {
    if (rest) {
      const piece = rest
      rest = undefined
      return piece
    }
    const { done, value } = await reader.read()
    over = done
    return value
  }

  /** Where the first row ends in `piece` from `from` on, -1 for nowhere; keeps count of lines and quotes. */
  const endOfRow = (piece: Uint8Array, from: number): number => {
    let end = -1
    let at = 0
    for (; at < piece.length; at++) {
      const byte = piece[at]
      if (byte === QUOTE && rows === 'csv') {
        isQuoted = !isQuoted
      } else if (byte === NEWLINE) {
        line++
        if (!isQuoted && at >= from) {
          end = at
          break
        }
      }
    }
    return end
  }

  async function* pieces(): AsyncGenerator<Uint8Array> {
    let bytes = 0
    for (;;) {
      const piece = await read()
      if (!piece) {
        return
      }
      const end = endOfRow(piece, Math.max(partBytes - bytes - 1, 0))
      if (end < 0) {
        bytes += piece.length
        yield piece
        continue
      }
      if (end + 1 < piece.length) {
        rest = piece.subarray(end + 1)
      }
      yield piece.subarray(0, end + 1)
      return
    }
  }

  try {
    for (;;) {
      // Whether there is another part is known by its first piece.
      const first = await read()
      if (!first) {
        return
      }
      rest = first
      yield { line, pieces: pieces() }
    }
  } finally {
    if (!over) {
      await reader.cancel().catch(() => undefined)
    }
    reader.releaseLock()
  }
}
