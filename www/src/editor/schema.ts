/** Tables and columns, for completion and for the list of tables. */

import type { SQLNamespace } from '@codemirror/lang-sql'
import type { Database } from '../engine/run.js'
import { DIALECT } from './dialect.js'

/** A table as whoever asks is shown it. */
export interface TableInfo {
  readonly namespace: string
  readonly name: string
  /** SHARED, USER, STREAM or VIEW. */
  readonly kind: string
  readonly columns: readonly ColumnInfo[]
}

/** A column of a table. */
export interface ColumnInfo {
  readonly name: string
  readonly type: string
  readonly inPrimaryKey: boolean
}

/** The namespace whose tables need no prefix. */
export const DEFAULT_NAMESPACE = 'main'

/** The tables in the store, the engine's own not among them. */
export async function readTables(db: Database): Promise<TableInfo[]> {
  const [tables, columns] = await Promise.all([
    db.query<{ namespace: string; name: string; kind: string }>(
      'SELECT namespace, name, kind FROM system.tables ORDER BY namespace, name',
    ),
    db.query<{ namespace: string; table_name: string; name: string; type: string; key_position: bigint | null }>(
      'SELECT namespace, table_name, name, type, key_position FROM system.columns ORDER BY namespace, table_name, position',
    ),
  ])
  const found = new Map<string, ColumnInfo[]>()
  for (const { namespace, table_name, name, type, key_position } of columns.rows) {
    const key = JSON.stringify([namespace, table_name])
    const list = found.get(key) ?? []
    list.push({ name, type, inPrimaryKey: key_position !== null })
    found.set(key, list)
  }
  return tables.rows.map((table) => ({ ...table, columns: found.get(JSON.stringify([table.namespace, table.name])) ?? [] }))
}

/** The name by which `table` is called in a statement, quoted where it has to be. */
export function calledBy({ namespace, name }: Pick<TableInfo, 'namespace' | 'name'>): string {
  return namespace === DEFAULT_NAMESPACE ? quoted(name) : `${quoted(namespace)}.${quoted(name)}`
}

/** A name as SQL has it: in quotes where it is a word of SQL, or not plain. */
export function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !KEYWORDS.has(name) ? name : `"${name.replaceAll('"', '""')}"`
}

const KEYWORDS = new Set(DIALECT.spec.keywords?.split(' '))

/** The name, as `name` or `namespace.name`, by which a table is called in a statement. */
export function calledByPath(path: string): string {
  const [namespace, name] = path.includes('.') ? path.split('.', 2) : [DEFAULT_NAMESPACE, path]
  return calledBy({ namespace: namespace ?? DEFAULT_NAMESPACE, name: name ?? path })
}

/** `tables` in the form that completion takes. */
export function namespaceOf(tables: readonly TableInfo[]): SQLNamespace {
  const all: Record<string, Record<string, string[]>> = { ...OWN_TABLES }
  for (const { namespace, name, columns } of tables) {
    all[namespace] = { ...all[namespace], [name]: columns.map((column) => column.name) }
  }
  return all
}

/** Tables of the engine's own that people ask most. */
const OWN_TABLES: Record<string, Record<string, string[]>> = {
  system: {
    audit_log: ['number', 'at', 'actor', 'role', 'subject', 'outcome', 'error', 'statement', 'rows'],
    batches: ['namespace', 'table_name', 'scope', 'number', 'path', 'status', 'rows', 'dead_rows', 'bytes', 'min_seq', 'max_seq'],
    counters: ['name', 'value'],
    jobs: ['id', 'type', 'parameters', 'state', 'progress', 'error', 'created_at', 'finished_at'],
    manifests: ['namespace', 'table_name', 'scope', 'version', 'generated_at', 'files', 'rows', 'dead_rows', 'bytes', 'state'],
    scopes: ['namespace', 'table_name', 'scope', 'hot_rows', 'hot_bytes', 'files', 'cold_rows', 'cold_bytes'],
    settings: ['name', 'value', 'default_value', 'source', 'description'],
    tables: ['namespace', 'name', 'kind', 'columns', 'primary_key', 'flush_policy', 'ttl_seconds'],
    users: ['id', 'role', 'has_password', 'created_at', 'dropped_at'],
  },
}
