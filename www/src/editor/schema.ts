/** Tables and columns, for completion and for the list of tables. */

import type { SQLNamespace } from '@codemirror/lang-sql'
import type { TableName } from '../engine/names.js'
import type { Database } from '../engine/run.js'

/** A table as whoever asks is shown it. */
export interface TableInfo extends TableName {
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
