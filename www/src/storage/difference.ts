/** What happened between two snapshots, as far as they tell. */

import { bytes as bytesOf, count, counted } from '../style/numbers.js'
import { ownerOf } from './owner.js'
import { type BatchFile, isLive, type Job, isUnderWay, type ScopeStorage, type StorageSnapshot, type TableStorage } from './snapshot.js'
import { fileName } from './wording.js'

/** Something that happened to one scope of a table. */
export type ScopeEvent = { readonly table: string; readonly scope: string } & (
  | { readonly kind: 'written'; readonly versions: number }
  | { readonly kind: 'flushed'; readonly files: readonly number[]; readonly rows: number; readonly bytes: number }
  | {
      readonly kind: 'compacted'
      readonly from: readonly number[]
      readonly to: readonly number[]
      /** Bytes of the files before and after. */
      readonly before: number
      readonly after: number
    }
  | { readonly kind: 'hidden'; readonly rows: number; readonly files: number }
  | { readonly kind: 'collected'; readonly files: number; readonly bytes: number }
  | { readonly kind: 'evicted'; readonly versions: number }
)

/** Something that happened. */
export type StorageEvent =
  | ScopeEvent
  | { readonly kind: 'created' | 'dropped'; readonly table: string }
  | { readonly kind: 'job'; readonly id: number; readonly type: string; readonly state: string; readonly error: string | undefined }

/** What made `after` of `before`: tables in order, of each scope what made files before what they lie in. */
export function difference(before: StorageSnapshot, after: StorageSnapshot): StorageEvent[] {
  const events: StorageEvent[] = []
  const known = new Map(before.tables.map((table) => [table.id, table]))
  for (const table of after.tables) {
    const old = known.get(table.id)
    known.delete(table.id)
    if (!old) {
      events.push({ kind: 'created', table: table.id })
    }
    events.push(...ofTable(old, table))
  }
  for (const table of known.keys()) {
    events.push({ kind: 'dropped', table })
  }
  return [...events, ...ofJobs(before.jobs ?? [], after.jobs ?? [])]
}

function ofTable(before: TableStorage | undefined, after: TableStorage): ScopeEvent[] {
  return after.scopes.flatMap((scope) => {
    const old = before?.scopes.find((each) => each.scope === scope.scope)
    return differenceOfScope(after.id, old ?? { ...scope, hot: NOTHING_HOT, files: [] }, scope)
  })
}

const NOTHING_HOT = { rows: 0, versions: 0, tombstones: 0, bytes: 0 }

/** What made `after` of the same scope of `table` before: files first, then what they lie in. */
export function differenceOfScope(table: string, before: ScopeStorage, after: ScopeStorage): ScopeEvent[] {
  const names = { table, scope: after.scope }
  const events: ScopeEvent[] = []
  const old = new Map(before.files.map((file) => [file.number, file]))
  const here = new Map(after.files.map((file) => [file.number, file]))
  const added = after.files.filter((file) => !old.has(file.number))
  const replaced = [
    ...before.files.filter((file) => isLive(file) && !isLiveIn(here, file)),
    // Come and gone between two looks.
    ...added.filter((file) => !isLive(file)),
  ]
  const made = added.filter((file) => isLive(file) && replaced.length > 0 && isMadeOf(file, replaced))
  const flushed = added.filter((file) => !made.includes(file))
  if (flushed.length > 0) {
    events.push({
      ...names,
      kind: 'flushed',
      files: flushed.map((file) => file.number),
      rows: sum(flushed, (file) => file.rows),
      bytes: sum(flushed, (file) => file.bytes),
    })
  }
  const versions = after.hot.versions - before.hot.versions
  if (versions > 0) {
    events.push({ ...names, kind: 'written', versions })
  } else if (versions < 0 && added.length === 0) {
    events.push({ ...names, kind: 'evicted', versions: -versions })
  }
  if (replaced.length > 0) {
    events.push({
      ...names,
      kind: 'compacted',
      from: replaced.map((file) => file.number),
      to: made.map((file) => file.number),
      before: sum(replaced, (file) => file.bytes),
      after: sum(made, (file) => file.bytes),
    })
  }
  const hidden = after.files.filter((file) => isLive(file) && file.deadRows > (old.get(file.number)?.deadRows ?? 0))
  if (hidden.length > 0) {
    const rows = sum(hidden, (file) => file.deadRows - (old.get(file.number)?.deadRows ?? 0))
    events.push({ ...names, kind: 'hidden', rows, files: hidden.length })
  }
  const collected = before.files.filter((file) => !isLive(file) && !here.has(file.number))
  if (collected.length > 0) {
    events.push({ ...names, kind: 'collected', files: collected.length, bytes: sum(collected, (file) => file.bytes) })
  }
  return events
}

function isLiveIn(files: ReadonlyMap<number, BatchFile>, { number }: BatchFile): boolean {
  const file = files.get(number)
  return file !== undefined && isLive(file)
}

/** Rows keep their `_seq` when files are merged, and those of a flush are newer. */
function isMadeOf(file: BatchFile, replaced: readonly BatchFile[]): boolean {
  return replaced.some((each) => each.minSeq <= file.maxSeq && file.minSeq <= each.maxSeq)
}

function ofJobs(before: readonly Job[], after: readonly Job[]): StorageEvent[] {
  const known = new Map(before.map((job) => [job.id, job]))
  const newest = Math.max(0, ...known.keys())
  // That one was done is seen by what it did.
  const failed = after.filter(({ state }) => state === 'failed' || state === 'killed')
  const fresh = failed.filter((job) => {
    const old = known.get(job.id)
    return old ? isUnderWay(old) : job.id > newest
  })
  return fresh.map(({ id, type, state, error }) => ({ kind: 'job', id, type, state, error }))
}

function sum(files: readonly BatchFile[], of: (file: BatchFile) => number): number {
  return files.reduce((total, file) => total + of(file), 0)
}

/** The event in a sentence. */
export function sentenceOf(event: StorageEvent): string {
  switch (event.kind) {
    case 'created':
      return `${event.table} was created`
    case 'dropped':
      return `${event.table} was dropped`
    case 'job':
      return `job ${event.id} (${event.type.replaceAll('_', ' ')}) ${event.state === 'killed' ? 'was cancelled' : `failed${event.error ? `: ${event.error}` : ''}`}`
    case 'written':
      return `${counted(event.versions, 'version')} written to ${placeOf(event)}, hot`
    case 'flushed':
      return `flush of ${placeOf(event)}: ${counted(event.rows, 'row')} to ${filesOf(event.files)}, ${bytesOf(event.bytes)}`
    case 'compacted':
      return `compaction of ${placeOf(event)}: ${counted(event.from.length, 'file')} became ${
        event.to.length === 0 ? 'none' : count(event.to.length)
      }, ${bytesOf(event.before)} → ${bytesOf(event.after)}`
    case 'hidden':
      return `${counted(event.rows, 'cold row')} of ${placeOf(event)} hidden in ${counted(event.files, 'file')}`
    case 'collected':
      return `${counted(event.files, 'replaced file')} of ${placeOf(event)} removed, ${bytesOf(event.bytes)}`
    case 'evicted':
      return `${counted(event.versions, 'hot version')} of ${placeOf(event)} removed`
  }
}

function filesOf(numbers: readonly number[]): string {
  const [first] = numbers
  return numbers.length === 1 && first !== undefined ? fileName(first) : `${count(numbers.length)} files`
}

function placeOf({ table, scope }: { table: string; scope: string }): string {
  const owner = ownerOf(scope)
  return owner === undefined ? table : `${table} (${owner})`
}

/** An event and when it was seen. */
export interface Seen {
  readonly id: number
  readonly at: number
  readonly event: StorageEvent
}

/** Entries that a log keeps. */
const KEPT = 50

/** The log with what was seen `at`, the latest first; writes to one scope that follow each other are one entry. */
export function logged(log: readonly Seen[], events: readonly StorageEvent[], at: number): readonly Seen[] {
  let entries = [...log]
  for (const event of events) {
    const [last] = entries
    const id = (last?.id ?? 0) + 1
    if (last && event.kind === 'written' && last.event.kind === 'written' && isSamePlace(event, last.event)) {
      const versions = last.event.versions + event.versions
      entries[0] = { id: last.id, at, event: { ...event, versions } }
    } else {
      entries = [{ id, at, event }, ...entries]
    }
  }
  return entries.slice(0, KEPT)
}

function isSamePlace(a: ScopeEvent, b: ScopeEvent): boolean {
  return a.table === b.table && a.scope === b.scope
}
