/** Makes a table of a file. */

import { type FirnDB, FirnDBError } from 'firndb'
import type { Progress } from '../engine/activities.js'
import type { Store } from '../engine/store.js'
import { type Draft, copyOptions, createSql, namesWhileLoading, renameSql } from './draft.js'
import type { Head } from './head.js'
import { quotedTable } from './names.js'
import { type Rows, partsOf } from './parts.js'

/** Bytes of a part of a large file: the engine answers nobody while it commits one, which is to be short. */
const PART_BYTES = 8 * 1024 * 1024

/** Loads `file` as `draft` says; nothing is left of the table where that fails or is cancelled. Resolves to what came of it. */
export async function importFile(
  store: Pick<Store, 'owner' | 'changed'>,
  file: File,
  head: Head,
  draft: Draft,
  progress: Progress,
): Promise<string> {
  const { owner } = store
  const { signal, report } = progress
  report(0, file.size, 'making the table')
  await owner.query(createSql(draft, namesWhileLoading(draft, head)), [], { signal })
  try {
    const { rows, rejected } = await copyParts(owner, file, head, draft, progress)
    signal.throwIfAborted()
    for (const sql of renameSql(draft, head)) {
      await owner.query(sql)
    }
    const left = rejected === 0 ? '' : ` ${rejected.toLocaleString()} bad ${rejected === 1 ? 'row was' : 'rows were'} left out.`
    return `${rows.toLocaleString()} rows of ${file.name} are in ${draft.table}.${left}`
  } catch (error) {
    await owner.query(`DROP TABLE IF EXISTS ${quotedTable(draft.table)}`)
    throw error
  } finally {
    store.changed()
  }
}

async function copyParts(owner: FirnDB, file: File, head: Head, draft: Draft, { signal, report }: Progress) {
  const db = draft.kind === 'USER' && draft.user !== '' ? owner.as(draft.user) : owner
  let read = 0
  const counted = file.stream().pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(piece, out) {
        read += piece.byteLength
        report(read, file.size, 'loading')
        out.enqueue(piece)
      },
    }),
  )
  const stream = inUtf8(counted, head.encoding)
  if (head.format === 'parquet' || head.isArray === true) {
    return await db.copyFrom(draft.table, stream, { ...copyOptions(draft, head, true), signal, name: file.name })
  }
  const how: Rows = head.format === 'csv' ? 'csv' : 'lines'
  let rows = 0
  let rejected = 0
  let isFirst = true
  for await (const { line, pieces } of partsOf(stream, how, PART_BYTES)) {
    const options = { ...copyOptions(draft, head, isFirst), signal, name: file.name }
    const copied = await db.copyFrom(draft.table, pieces, options).catch((error: unknown) => {
      throw isFirst ? error : inPart(error, line)
    })
    rows += copied.rows
    rejected += copied.rejected
    isFirst = false
    if (read < file.size) {
      report(read, file.size, 'writing a file')
      // Without it all of a large file would be hot.
      await owner.query(`STORAGE FLUSH TABLE ${quotedTable(draft.table)}`, [], { signal })
    }
  }
  return { rows, rejected }
}

/** The engine counts lines from the beginning of what it was given. */
function inPart(error: unknown, line: number): unknown {
  return error instanceof FirnDBError
    ? new FirnDBError(error.code, `${error.message} (lines are counted from line ${line.toLocaleString()} of the file)`)
    : error
}

/** The engine reads UTF-8. */
function inUtf8(stream: ReadableStream<Uint8Array<ArrayBuffer>>, encoding = 'utf-8'): ReadableStream<Uint8Array> {
  return encoding === 'utf-8'
    ? stream
    : stream.pipeThrough(new TextDecoderStream(encoding)).pipeThrough(new TextEncoderStream())
}
