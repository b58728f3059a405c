/** The page's side of the worker that looks at files. */

import { type Head, type Hints, Unreadable, formatOf } from './head.js'
import type { Look, Seen } from './head.worker.js'

/** How long a look may take: a file that is made to take longer is none to go on with. */
const MOST_MS = 30_000

/** Looks at the beginning of `file`. Rejects with {@link Unreadable} for what is none of the formats. */
export async function lookAt(file: File, hints: Hints = {}): Promise<Head> {
  const format = formatOf(file.name)
  if (format === undefined || format === 'archive') {
    throw new Unreadable('The name does not end in .csv, .tsv, .json, .jsonl, .ndjson, .parquet, or .tar for a whole store.')
  }
  const worker = new Worker(new URL('./head.worker.ts', import.meta.url), { type: 'module' })
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    const seen = await new Promise<Seen>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Seen>) => resolve(data)
      worker.onerror = ({ message }) => reject(new Unreadable(message || 'The worker that looks at files cannot be loaded.'))
      timer = setTimeout(() => reject(new Unreadable('It takes too long to read the beginning of the file.')), MOST_MS)
      worker.postMessage({ file, format, hints } satisfies Look)
    })
    if ('message' in seen) {
      throw new Unreadable(seen.message)
    }
    return seen.head
  } finally {
    clearTimeout(timer)
    worker.terminate()
  }
}

/** Says what is wrong where `file` is not a tar, as archives of stores are. */
export async function archiveProblem(file: Blob): Promise<string | undefined> {
  const magic = await file.slice(257, 262).text()
  return magic === 'ustar' ? undefined : 'That is no archive of a store: such a file is a tar, as “Export the whole store” writes it.'
}
