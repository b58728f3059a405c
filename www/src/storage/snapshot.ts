/** What lies in either tier at one moment: tables, their scopes, and the files of those. */

import type { Database } from '../engine/run.js'
import { BATCHES, JOBS, KEYS, SCOPES, TABLES } from './sql.js'

/** The store as one reading of the system tables has it. */
export interface StorageSnapshot {
  readonly tables: readonly TableStorage[]
  /** What runs in the background or did lately; `undefined` for whom may not know. */
  readonly jobs: readonly Job[] | undefined
}

/** A table in both tiers. */
export interface TableStorage {
  /** `namespace.name`. */
  readonly id: string
  readonly namespace: string
  readonly name: string
  /** `SHARED`, `USER` or `STREAM`. */
  readonly kind: string
  /** The first column of the primary key, which files have ranges of. */
  readonly key: KeyColumn | undefined
  readonly scopes: readonly ScopeStorage[]
}

/** A column and its SQL type. */
export interface KeyColumn {
  readonly name: string
  readonly type: string
}

/** The part of a table that one user has, or all share. */
export interface ScopeStorage {
  /** `shared`, or the name of the user's directory. */
  readonly scope: string
  readonly hot: HotTier
  /** By number; those that were replaced too. */
  readonly files: readonly BatchFile[]
  readonly manifestVersion: number | undefined
}

/** What is in memory and in the key-value store. */
export interface HotTier {
  readonly rows: number
  /** Versions of rows, tombstones and those that newer ones replaced among them. */
  readonly versions: number
  readonly tombstones: number
  /** What they take; `undefined` for whom may not know. */
  readonly bytes: number | undefined
}

/** A Parquet file. */
export interface BatchFile {
  readonly number: number
  readonly path: string
  /** `active`, `compacting`, or `archived` when another took its place. */
  readonly status: string
  readonly rows: number
  /** Rows that its deletion vector hides. */
  readonly deadRows: number
  readonly bytes: number
  readonly rowGroups: number
  readonly minSeq: bigint
  readonly maxSeq: bigint
  readonly schemaVersion: number
  /** The ends of its range of the key's first column, as SQL writes them; `undefined` where they are not known. */
  readonly minKey: string | undefined
  readonly maxKey: string | undefined
}

/** Work in the background. */
export interface Job {
  readonly id: number
  readonly type: string
  readonly parameters: string
  readonly state: string
  /** From 0 to 1. */
  readonly progress: number
  readonly error: string | undefined
}

/** A row of a system table, by the names of its columns. */
export type SystemRow = Readonly<Record<string, unknown>>

/** The rows that a snapshot is made of. */
export interface SystemRows {
  readonly tables: readonly SystemRow[]
  readonly keys: readonly SystemRow[]
  readonly scopes: readonly SystemRow[]
  readonly batches: readonly SystemRow[]
  readonly jobs: readonly SystemRow[] | undefined
}

/** Whether queries read the file. */
export function isLive(file: BatchFile): boolean {
  return file.status !== ARCHIVED
}

const ARCHIVED = 'archived'

/** Whether the job is not over. */
export function isUnderWay(job: Job): boolean {
  return job.state === 'running' || job.state === 'queued'
}

/** Reads the system tables as whoever `db` is of sees them. */
export async function readRows(db: Database): Promise<SystemRows> {
  // One after the other: the engine does one thing at a time, and others wait for it too.
  const tables = await read(db, TABLES)
  const keys = await read(db, KEYS)
  const jobs = await readIfPossible(db, JOBS)
  for (let tries = 1; ; tries += 1) {
    const scopes = (await readIfPossible(db, SCOPES)) ?? []
    const batches = await read(db, BATCHES)
    if (tries === TRIES || isOfOneMoment(scopes, batches)) {
      return { tables, keys, scopes, batches, jobs }
    }
  }
}

/** How often is read what a flush or a compaction came in between of. */
const TRIES = 3

/** Whether `scopes` and `batches` tell the same of the files, so that no flush or compaction was between them. */
export function isOfOneMoment(scopes: readonly SystemRow[], batches: readonly SystemRow[]): boolean {
  const sums = new Map<string, [number, number, number]>()
  for (const file of batches) {
    if (text(file, 'status') !== ARCHIVED) {
      const [files, rows, dead] = sums.get(placeOf(file)) ?? [0, 0, 0]
      sums.set(placeOf(file), [files + 1, rows + number(file, 'rows'), dead + number(file, 'dead_rows')])
    }
  }
  return scopes.every((scope) => {
    const [files, rows, dead] = sums.get(placeOf(scope)) ?? [0, 0, 0]
    const isAs = (name: string, sum: number) => (optionalNumber(scope, name) ?? sum) === sum
    return isAs('files', files) && isAs('cold_rows', rows) && isAs('dead_rows', dead)
  })
}

function placeOf(row: SystemRow): string {
  return JSON.stringify([idOf(row, 'table_name'), text(row, 'scope')])
}

async function read(db: Database, sql: string): Promise<SystemRow[]> {
  const { rows } = await db.query<SystemRow>(sql)
  return rows
}

/** The rows, unless there is no such table or it is not for whoever asks. */
async function readIfPossible(db: Database, sql: string): Promise<SystemRow[] | undefined> {
  try {
    return await read(db, sql)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'PermissionDenied' || code === 'NotFound') {
      return undefined
    }
    throw error
  }
}

/** The model of the rows: tables by namespace and name, scopes by name, files by number. */
export function snapshotOf(rows: SystemRows): StorageSnapshot {
  const keys = new Map(rows.keys.map((row) => [idOf(row, 'table_name'), { name: text(row, 'name'), type: text(row, 'type') }]))
  const files = groups(rows.batches)
  const hot = groups(rows.scopes)
  const tables = rows.tables.map((row): TableStorage => {
    const id = idOf(row, 'name')
    const batchRows = files.get(id) ?? []
    const scopeRows = hot.get(id) ?? []
    // An engine without `system.scopes` still tells of files.
    const names = new Set([...scopeRows, ...batchRows].map((each) => text(each, 'scope')))
    return {
      id,
      namespace: text(row, 'namespace'),
      name: text(row, 'name'),
      kind: text(row, 'kind'),
      key: keys.get(id),
      scopes: [...names].sort(byText).map((scope) => scopeOf(scope, scopeRows, batchRows)),
    }
  })
  return { tables: tables.sort((a, b) => byText(a.id, b.id)), jobs: rows.jobs?.map(jobOf) }
}

function scopeOf(scope: string, scopeRows: readonly SystemRow[], batchRows: readonly SystemRow[]): ScopeStorage {
  const row = scopeRows.find((each) => text(each, 'scope') === scope) ?? {}
  const files = batchRows.filter((each) => text(each, 'scope') === scope).map(fileOf)
  const rows = number(row, 'hot_rows')
  return {
    scope,
    hot: {
      rows,
      versions: Math.max(rows, number(row, 'hot_versions')),
      tombstones: number(row, 'hot_tombstones'),
      bytes: optionalNumber(row, 'hot_bytes'),
    },
    files: files.sort((a, b) => a.number - b.number),
    manifestVersion: optionalNumber(row, 'manifest_version'),
  }
}

function fileOf(row: SystemRow): BatchFile {
  return {
    number: number(row, 'number'),
    path: text(row, 'path'),
    status: text(row, 'status'),
    rows: number(row, 'rows'),
    deadRows: number(row, 'dead_rows'),
    bytes: number(row, 'bytes'),
    rowGroups: number(row, 'row_groups'),
    minSeq: seq(row, 'min_seq'),
    maxSeq: seq(row, 'max_seq'),
    schemaVersion: number(row, 'schema_version'),
    minKey: optionalText(row, 'min_key'),
    maxKey: optionalText(row, 'max_key'),
  }
}

function jobOf(row: SystemRow): Job {
  return {
    id: number(row, 'id'),
    type: text(row, 'type'),
    parameters: text(row, 'parameters'),
    state: text(row, 'state'),
    progress: number(row, 'progress'),
    error: optionalText(row, 'error'),
  }
}

/** Rows by the table that they are about. */
function groups(rows: readonly SystemRow[]): Map<string, SystemRow[]> {
  const found = new Map<string, SystemRow[]>()
  for (const row of rows) {
    const id = idOf(row, 'table_name')
    const group = found.get(id)
    if (group) {
      group.push(row)
    } else {
      found.set(id, [row])
    }
  }
  return found
}

function idOf(row: SystemRow, name: string): string {
  return `${text(row, 'namespace')}.${text(row, name)}`
}

function text(row: SystemRow, name: string): string {
  return optionalText(row, name) ?? ''
}

function optionalText(row: SystemRow, name: string): string | undefined {
  const value = row[name]
  return value === null || value === undefined ? undefined : String(value)
}

function number(row: SystemRow, name: string): number {
  return optionalNumber(row, name) ?? 0
}

function optionalNumber(row: SystemRow, name: string): number | undefined {
  const value = row[name]
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined
}

/** A `_seq` does not fit a number. */
function seq(row: SystemRow, name: string): bigint {
  const value = row[name]
  return typeof value === 'bigint' ? value : BigInt(optionalNumber(row, name) ?? 0)
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** `after` with whatever is as it was in `before` taken from there, so that it need not be drawn again. */
export function sharing(before: StorageSnapshot, after: StorageSnapshot): StorageSnapshot {
  const known = new Map(before.tables.map((table) => [table.id, table]))
  const tables = after.tables.map((table) => {
    const old = known.get(table.id)
    if (!old) {
      return table
    }
    const scopes = table.scopes.map((scope) => {
      const oldScope = old.scopes.find((each) => each.scope === scope.scope)
      return oldScope && isSame(oldScope, scope) ? oldScope : scope
    })
    const merged = { ...table, key: isSame(old.key, table.key) ? old.key : table.key, scopes }
    return isSame(old, merged) ? old : merged
  })
  return { ...after, tables }
}

/** Whether two values of a snapshot are the same all the way down. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b || typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return a === b
  }
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))]
  return left.length === right.size && left.every(([name, value]) => right.has(name) && isSame(value, right.get(name)))
}
