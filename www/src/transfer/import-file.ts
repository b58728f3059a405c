/** Makes a table of a file. */

import { type FirnDB, FirnDBError } from 'firndb'
import type { Progress } from '../engine/activities.js'
import { calledBy, qualified } from '../engine/names.js'
import type { Store } from '../engine/store.js'
import { count, counted } from '../style/numbers.js'
import { type Draft, copyOptions, createSql, namesWhileLoading, renameSql, tableOf } from './draft.js'
import type { Head } from './head.js'
import { partsOf } from './parts.js'
import { type PiecesOfParquet, sourceOf } from './source.js'

/** Bytes of a part of a large file: the engine answers nobody while it commits one, which is to be short. */
const PART_BYTES = 8 * 1024 * 1024

/** Loads `file` as `draft` says; nothing is left of the table where that fails or is cancelled. Resolves to what came of it. */
export async function importFile(
  store: Pick<Store, 'owner' | 'changed'>,
  file: File,
  head: Head,
  draft: Draft,
  progress: Progress,
  piecesOfParquet?: PiecesOfParquet,
): Promise<string> {
  const { owner } = store
  const { signal, report } = progress
  const table = tableOf(draft)
  report(0, file.size, 'making the table')
  signal.throwIfAborted()
  // Not by the signal: whether the table is there must be known, since one of somebody else is not to be dropped.
  await owner.query(createSql(draft, namesWhileLoading(draft, head)))
  try {
    signal.throwIfAborted()
    const { rows, rejected } = await copyParts(owner, file, head, draft, progress, piecesOfParquet)
    signal.throwIfAborted()
    for (const sql of renameSql(draft, head)) {
      await owner.query(sql)
    }
    const left = rejected === 0 ? '' : ` ${counted(rejected, 'bad row was', 'bad rows were')} left out.`
    return `${counted(rows, 'row')} of ${file.name} ${rows === 1 ? 'is' : 'are'} in ${calledBy(table)}.${left}`
  } catch (error) {
    // Where that fails too, what went wrong first is what somebody can do something about.
    await owner.query(`DROP TABLE IF EXISTS ${qualified(table)}`).catch(() => undefined)
    throw error
  } finally {
    store.changed()
  }
}

async function copyParts(
  owner: FirnDB,
  file: File,
  head: Head,
  draft: Draft,
  { signal, report }: Progress,
  piecesOfParquet: PiecesOfParquet | undefined,
) {
  const db = draft.kind === 'USER' && draft.user !== '' ? owner.as(draft.user) : owner
  const { namespace, name } = tableOf(draft)
  // As the package takes it.
  const table = `${namespace}.${name}`
  let read = 0
  const onRead = (bytes: number) => {
    read = bytes
    report(Math.round(read), file.size, 'loading')
  }
  const { stream, head: as, rows: how } = sourceOf(file, head, signal, onRead, piecesOfParquet)
  if (how === undefined) {
    return await db.copyFrom(table, stream, { ...copyOptions(draft, as, true), signal, name: file.name })
  }
  let rows = 0
  let rejected = 0
  let isFirst = true
  for await (const { line, pieces } of partsOf(stream, how, PART_BYTES)) {
    if (!isFirst) {
      report(Math.round(read), file.size, 'writing a file')
      // Without it all of a large file would be hot.
      await owner.query(`STORAGE FLUSH TABLE ${qualified({ namespace, name })}`, [], { signal })
    }
    const options = { ...copyOptions(draft, as, isFirst), signal, name: file.name }
    const copied = await db.copyFrom(table, pieces, options).catch((error: unknown) => {
      throw inPart(error, head, line)
    })
    rows += copied.rows
    rejected += copied.rejected
    isFirst = false
  }
  return { rows, rejected }
}

/** The engine counts lines from the beginning of what it was given. */
function inPart(error: unknown, { format, isArray }: Head, line: number): unknown {
  const at = count(line)
  const where = isArray
    ? `a line is an object of the array, counted from object ${at}`
    : format === 'parquet'
      ? `of the rows as lines of CSV, counted from line ${at}`
      : line > 1
        ? `lines are counted from line ${at} of the file`
        : undefined
  return error instanceof FirnDBError && where !== undefined ? new FirnDBError(error.code, `${error.message} (${where})`) : error
}
