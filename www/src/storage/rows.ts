/** Rows of the system tables, and what they tell as a snapshot. */

import type { BatchFile, Job, ScopeStorage, StorageSnapshot, TableStorage } from './snapshot.js'

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

/** The id of the table that `row` is about, whose name is in the column `name`. */
export function idOf(row: SystemRow, name: string): string {
  return `${text(row, 'namespace')}.${text(row, name)}`
}

export function text(row: SystemRow, name: string): string {
  return optionalText(row, name) ?? ''
}

function optionalText(row: SystemRow, name: string): string | undefined {
  const value = row[name]
  return value === null || value === undefined ? undefined : String(value)
}

export function number(row: SystemRow, name: string): number {
  return optionalNumber(row, name) ?? 0
}

export function optionalNumber(row: SystemRow, name: string): number | undefined {
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
