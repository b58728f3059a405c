/** What goes out of the store: all of it as an archive, or a table as a file. */

import type { Activities } from '../engine/activities.js'
import type { Store } from '../engine/store.js'

/** The formats that a table can be written in, by the endings of files. */
export const EXPORT_FORMATS = { parquet: 'Parquet', csv: 'CSV', json: 'JSON, an object a line' } as const

export type ExportFormat = keyof typeof EXPORT_FORMATS

/** Saves the whole store as `playground.tar`, from which `Import` and the program `firndb load` make it again. */
export function exportStore({ owner }: Pick<Store, 'owner'>, activities: Activities): Promise<boolean> {
  return activities.run('Export everything', 'bytes', async ({ signal, report }) => {
    report(0, undefined, 'gathering')
    const archive = await unlessAborted(owner.dump(), signal)
    report(archive.size, archive.size)
    save(archive, 'playground.tar')
    return `playground.tar has ${archive.size.toLocaleString()} bytes.`
  })
}

/** Saves `table`, as `name` or `namespace.name`; of a USER table the rows of `user`, where one is named. */
export function exportTable(
  { owner }: Pick<Store, 'owner'>,
  activities: Activities,
  table: string,
  format: ExportFormat,
  user?: string,
): Promise<boolean> {
  const file = `${table.replace(/[^\p{L}\p{N}._-]+/gu, '_')}.${format}`
  return activities.run(`Export ${table}`, 'bytes', async ({ signal, report }) => {
    const db = user === undefined ? owner : owner.as(user)
    const stream = db.copyTo(table, { format, signal, ...(format === 'csv' ? { header: true } : {}) })
    let done = 0
    const counted = stream.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(piece, out) {
          done += piece.byteLength
          report(done)
          out.enqueue(piece)
        },
      }),
    )
    // The browser keeps a large one on disk.
    const blob = await new Response(counted as ReadableStream<Uint8Array<ArrayBuffer>>).blob()
    signal.throwIfAborted()
    save(blob, file)
    return `${file} has ${blob.size.toLocaleString()} bytes.`
  })
}

/** Has the browser save `blob` as `name`. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // Not before the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

/** What cannot be taken back is not waited for, at least. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}
