/** What lies in either tier at one moment: tables, their scopes, and the files of those. */

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
  readonly state: string
  /** From 0 to 1. */
  readonly progress: number
  readonly error: string | undefined
}

/** Whether queries read the file. */
export function isLive(file: BatchFile): boolean {
  return isLiveStatus(file.status)
}

/** Whether queries read files of this status. */
export function isLiveStatus(status: string): boolean {
  return status !== 'archived'
}

/** Whether the job is not over. */
export function isUnderWay(job: Job): boolean {
  return job.state === 'running' || job.state === 'queued'
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
