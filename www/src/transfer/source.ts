/** What the engine is given of a file: bytes, and how they end in rows. */

import type { Piece } from '../samples/rows/csv.js'
import { pullFrom } from '../samples/pull.js'
import { linesOfArray } from './array-lines.js'
import { type Head, NULL_TEXT } from './head.js'
import type { Rows } from './parts.js'

/** Bytes of a file. */
export interface Source {
  readonly stream: ReadableStream<Uint8Array>
  /** What they are, which may be another format than that of the file. */
  readonly head: Head
  /** How the ends of rows are found; where they are not the file goes in as a whole. */
  readonly rows: Rows | undefined
}

/** Makes CSV of a Parquet file. */
export type PiecesOfParquet = (file: File, signal: AbortSignal) => AsyncGenerator<Piece>

const inWorker: PiecesOfParquet = (file, signal) =>
  pullFrom<Piece>(() => new Worker(new URL('./parquet.worker.ts', import.meta.url), { type: 'module' }), file, signal)

/** What is given of `file`; `onRead` is told how many of its bytes were read so far. */
export function sourceOf(
  file: File,
  head: Head,
  signal: AbortSignal,
  onRead: (bytes: number) => void,
  piecesOfParquet = inWorker,
): Source {
  if (head.format === 'parquet') {
    return head.isSimple
      ? {
          stream: asStream(piecesOfParquet(file, signal), (rows) => onRead(share(rows, head.rows) * file.size)),
          head: { ...head, format: 'csv', header: false, delimiter: ',', nullText: NULL_TEXT },
          rows: 'csv',
        }
      : { stream: counted(file, onRead), head, rows: undefined }
  }
  const stream = inUtf8(counted(file, onRead), head.encoding)
  return head.isArray
    ? { stream: stream.pipeThrough(linesOfArray()), head, rows: 'lines' }
    : { stream, head, rows: head.format === 'csv' ? 'csv' : 'lines' }
}

function share(rows: number, all = 0): number {
  return all === 0 ? 1 : Math.min(rows / all, 1)
}

function counted(file: File, onRead: (bytes: number) => void): ReadableStream<Uint8Array<ArrayBuffer>> {
  let read = 0
  return file.stream().pipeThrough(
    new TransformStream({
      transform(piece: Uint8Array<ArrayBuffer>, out) {
        read += piece.byteLength
        onRead(read)
        out.enqueue(piece)
      },
    }),
  )
}

/** `pieces` as they are asked for; whoever cancels the stream ends them. */
function asStream(pieces: AsyncGenerator<Piece>, onRows: (rows: number) => void): ReadableStream<Uint8Array> {
  let rows = 0
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next()
        if (done) {
          controller.close()
          return
        }
        rows += value.rows
        onRows(rows)
        controller.enqueue(value.bytes)
      },
      async cancel() {
        await pieces.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
}

/** The engine reads UTF-8. */
function inUtf8(stream: ReadableStream<Uint8Array<ArrayBuffer>>, encoding = 'utf-8'): ReadableStream<Uint8Array> {
  return encoding === 'utf-8'
    ? stream
    : stream.pipeThrough(new TextDecoderStream(encoding)).pipeThrough(new TextEncoderStream())
}
