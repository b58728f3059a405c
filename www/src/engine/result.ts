/** What a statement answered, column by column, so that a million rows need no million objects. */

import { type Field, readArrow } from 'firndb'

/** What a column holds, as far as showing, sorting and drawing it go. */
export type Kind = 'integer' | 'float' | 'decimal' | 'text' | 'boolean' | 'time' | 'json' | 'binary' | 'other'

/** A column of a result. */
export interface Column {
  readonly name: string
  /** The SQL type, in capitals. */
  readonly type: string
  readonly kind: Kind
}

/** The rows of a result. */
export interface Rows {
  readonly columns: readonly Column[]
  readonly length: number
  /** A value as the package gives it: `null` for NULL, `bigint` for BIGINT, text for DECIMAL and JSON, microseconds for times. */
  value(row: number, column: number): unknown
  /** The Arrow IPC stream that they were read from, where there is one. */
  readonly ipc?: Uint8Array
}

/** How values are asked for: with all that they have. */
export const READING = { timestamps: 'micros', json: 'text' } as const

/** The rows of an Arrow IPC stream. */
export function rowsOfArrow(ipc: Uint8Array): Rows {
  const { fields, length, at } = readArrow(ipc, READING)
  return { columns: fields.map(columnOf), length, value: (row, column) => at(row, column) ?? null, ipc }
}

/** The rows that a statement answered at once, as arrays of values. */
export function rowsOfArrays(fields: readonly Field[], rows: readonly (readonly unknown[])[]): Rows {
  return { columns: fields.map(columnOf), length: rows.length, value: (row, column) => rows[row]?.[column] ?? null }
}

function columnOf({ name, type }: Field): Column {
  return { name, type, kind: kindOf(type) }
}

function kindOf(type: string): Kind {
  if (type.endsWith('[]')) {
    return 'other'
  }
  const [, kind] = KINDS.find(([begin]) => type.startsWith(begin)) ?? []
  return kind ?? 'other'
}

/** Kinds by how the name of the type begins. */
const KINDS: readonly [string, Kind][] = [
  ['TINYINT', 'integer'],
  ['SMALLINT', 'integer'],
  ['INTEGER', 'integer'],
  ['BIGINT', 'integer'],
  ['REAL', 'float'],
  ['DOUBLE', 'float'],
  ['DECIMAL', 'decimal'],
  ['TEXT', 'text'],
  ['VARCHAR', 'text'],
  ['UUID', 'text'],
  ['BOOLEAN', 'boolean'],
  ['TIMESTAMP', 'time'],
  ['DATE', 'time'],
  ['JSON', 'json'],
  ['BYTEA', 'binary'],
]
