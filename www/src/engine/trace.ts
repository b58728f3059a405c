/** What EXPLAIN (ANALYZE, FORMAT JSON) tells of a statement. */

import type { Database } from './run.js'

/** What became of a batch file. */
export type FileOutcome = 'pruned_by_statistics' | 'pruned_by_bloom' | 'pruned_dynamically' | 'not_needed' | 'read' | 'kept'

/** An operator of a plan, with what it took. */
export interface PlanNode {
  readonly operator: string
  readonly detail: string
  readonly rows?: number
  readonly elapsed_ms?: number
  readonly metrics?: Readonly<Record<string, number | string | Readonly<Record<string, number>>>>
  readonly children: readonly PlanNode[]
}

/** How a statement read one table. */
export interface Scan {
  /** `namespace.table`. */
  readonly table: string
  readonly scope: string
  readonly hot_rows: number
  readonly rows_hidden: number
  readonly counts: Readonly<Record<string, number>>
  readonly files: readonly { readonly number: number; readonly outcome: FileOutcome }[]
}

/** A statement, its plan, and what was read. */
export interface Trace {
  readonly sql: string
  readonly plan: PlanNode
  readonly scans: readonly Scan[]
  readonly rows?: number
  readonly elapsed_ms?: number
}

/** Runs the query `sql` once more, and tells what it read. */
export async function trace(db: Database, sql: string, signal: AbortSignal): Promise<Trace> {
  const { rows } = await db.query<[Omit<Trace, 'sql'>]>(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, [], {
    rowMode: 'array',
    signal,
  })
  const [[told]] = rows as [[Omit<Trace, 'sql'>]]
  return { sql, ...told }
}
