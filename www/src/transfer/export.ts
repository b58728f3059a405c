/** What goes out of the store: all of it as an archive, or a table as a file. */

import type { Activities } from '../engine/activities.js'
import { DEFAULT_NAMESPACE, type TableName, calledBy, qualified } from '../engine/names.js'
import type { Queryable } from '../engine/run.js'
import { save } from '../engine/saving.js'
import type { Store } from '../engine/store.js'
import { bytes, counted } from '../style/numbers.js'
import { RowCount } from './row-count.js'

/** The formats that a table can be written in, by the endings of files. */
export const EXPORT_FORMATS = { parquet: 'Parquet', csv: 'CSV', json: 'JSON, an object a line' } as const

export type ExportFormat = keyof typeof EXPORT_FORMATS

/** Saves the whole store as `playground.tar`, from which `Import` and the program `firndb load` make it again. */
export function exportStore({ owner }: Pick<Store, 'owner'>, activities: Activities): Promise<boolean> {
  return activities.run('Export the whole store', 'bytes', async ({ signal, report }) => {
    report(0, undefined, 'gathering')
    const archive = await unlessAborted(owner.dump(), signal)
    report(archive.size, archive.size)
    save(archive, 'playground.tar')
    return `playground.tar has ${bytes(archive.size)}.`
  })
}

/** Saves those rows of `table` that a statement within what `within` gives is shown. */
export function exportTable(
  within: () => Promise<Queryable>,
  activities: Activities,
  table: TableName,
  format: ExportFormat,
): Promise<boolean> {
  const file = fileName(table, format)
  return activities.run(`Export ${calledBy(table)}`, 'bytes', async ({ signal, report }) => {
    const { blob, rows } = await written(await within(), table, format, signal, report)
    save(blob, file)
    return `${file} has ${counted(rows, 'row')}, ${bytes(blob.size)}.`
  })
}

/** The rows of `table` as a file of `format`, and how many they are. Rejects with the engine's own errors. */
export async function written(
  db: Queryable,
  table: TableName,
  format: ExportFormat,
  signal: AbortSignal,
  report: (bytes: number) => void,
): Promise<{ readonly blob: Blob; readonly rows: number }> {
  // By a query, since a name may have dots in it.
  const query = `SELECT * FROM ${qualified(table)}`
  const reader = db.copyTo(query, { format, signal, ...(format === 'csv' ? { header: true } : {}) }).getReader()
  const count = new RowCount(format)
  const parts: Blob[] = []
  let done = 0
  for (;;) {
    const { done: over, value } = await reader.read()
    if (over) {
      break
    }
    count.add(value)
    // The browser keeps large ones on disk.
    parts.push(new Blob([new Uint8Array(value)]))
    done += value.byteLength
    report(done)
  }
  signal.throwIfAborted()
  const blob = new Blob(parts)
  return { blob, rows: await count.of(blob) }
}

/** What the file of `table` is called. */
export function fileName({ namespace, name }: TableName, format: ExportFormat): string {
  const parts = namespace === DEFAULT_NAMESPACE ? [name] : [namespace, name]
  const plain = parts.map((part) => part.replace(/[^\p{L}\p{N}_-]+/gu, '_'))
  return `${plain.join('.')}.${format}`
}

/** What cannot be taken back is not waited for, at least. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}
