/** What a Parquet file says of itself, and its first rows. */

import { type FileMetaData, type SchemaTree, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { type FoundColumn, type Head, PREVIEW_ROWS, Unreadable, foundColumn, shown } from './head.js'
import { isSimple } from './parquet-rows.js'
import type { Value } from './types.js'

/** Rows that are looked at. */
const SAMPLED_ROWS = 1_000
/** Bytes of a row group up to which its rows are looked at. */
const MOST_GROUP_BYTES = 64 * 1024 * 1024
/** Rows that take seconds to be committed. */
const MANY_ROWS = 500_000

/** What `file` is. */
export async function parquetHead(file: Blob): Promise<Head> {
  const buffer = {
    byteLength: file.size,
    slice: (start: number, end?: number) => file.slice(start, end).arrayBuffer(),
  }
  if (file.size < 12 || (await file.slice(0, 4).text()) !== 'PAR1' || (await file.slice(-4).text()) !== 'PAR1') {
    throw new Unreadable('That is no Parquet file: such a file begins and ends with PAR1. Was it cut off?')
  }
  let metadata: FileMetaData
  try {
    metadata = await parquetMetadataAsync(buffer)
  } catch (error) {
    throw new Unreadable(`What the Parquet file says of itself cannot be read: ${messageOf(error)}`)
  }
  const { children } = parquetSchema(metadata)
  const names = children.map(({ element }) => element.name)
  const notes: string[] = []
  let rows: Record<string, unknown>[] = []
  // What cannot be read here the engine may be able to.
  let canRead = false
  try {
    const size = Number(metadata.row_groups[0]?.total_byte_size ?? 0)
    if (size > MOST_GROUP_BYTES) {
      notes.push('Its first row group is large: no rows are shown.')
    } else {
      const rowEnd = Math.min(SAMPLED_ROWS, Number(metadata.row_groups[0]?.num_rows ?? 0))
      rows = rowEnd === 0 ? [] : await parquetReadObjects({ file: buffer, metadata, compressors, rowStart: 0, rowEnd })
      canRead = true
    }
  } catch (error) {
    notes.push(`Its first rows cannot be shown: ${messageOf(error)}`)
  }
  const nested = children.filter((child) => typeOf(child) === undefined).map(({ element }) => element.name)
  if (nested.length > 0) {
    notes.push(`FirnDB cannot read columns that are structures, maps or lists of lists: ${nested.join(', ')}.`)
  }
  const simple = canRead && isSimple(metadata)
  if (metadata.num_rows > MANY_ROWS && !simple) {
    notes.push('All its rows go in together: other tabs wait for some seconds while they are committed.')
  }
  const columns = children.map((child): FoundColumn => {
    const { name } = child.element
    return foundColumn(name, typeOf(child) ?? 'JSON', rows.map((row) => valueOf(row[name])))
  })
  return {
    format: 'parquet',
    columns,
    preview: rows.slice(0, PREVIEW_ROWS).map((row) => names.map((name) => textOrNull(row[name]))),
    rows: Number(metadata.num_rows),
    notes,
    isSimple: simple,
  }
}

function textOrNull(value: unknown): string | null {
  const found = valueOf(value)
  return found && shown(found.text)
}

function valueOf(value: unknown): Value | null {
  if (value === null || value === undefined) {
    return null
  }
  if (value instanceof Date) {
    return { text: value.toISOString(), kind: 'text' }
  }
  if (typeof value === 'object') {
    return { text: JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)), kind: 'nested' }
  }
  return { text: String(value), kind: 'text' }
}

/** The SQL type of a column; none for what FirnDB has no type for. */
function typeOf({ element, children }: SchemaTree): string | undefined {
  if (children.length === 0) {
    return element.repetition_type === 'REPEATED' ? undefined : typeOfLeaf(element)
  }
  // A list is a group of a repeated group of one element.
  const [item] = children[0]?.children ?? []
  const isList = element.logical_type?.type === 'LIST' || element.converted_type === 'LIST'
  if (isList && children.length === 1 && children[0]?.children.length === 1 && item?.children.length === 0) {
    const type = typeOfLeaf(item.element)
    return type === undefined ? undefined : `${type}[]`
  }
  return undefined
}

function typeOfLeaf({ type, logical_type: logical, converted_type: converted, precision, scale }: SchemaTree['element']) {
  switch (logical?.type) {
    case 'STRING':
    case 'ENUM':
      return 'TEXT'
    case 'JSON':
      return 'JSON'
    case 'UUID':
      return 'BYTEA'
    case 'DATE':
      return 'DATE'
    case 'TIME':
      return 'TIME'
    case 'TIMESTAMP':
      return logical.isAdjustedToUTC ? 'TIMESTAMPTZ' : 'TIMESTAMP'
    case 'DECIMAL':
      return `DECIMAL(${logical.precision},${logical.scale})`
    case 'FLOAT16':
      return 'REAL'
    case 'INTEGER':
      return integer(logical.bitWidth, logical.isSigned)
    default:
  }
  switch (converted) {
    case 'UTF8':
    case 'ENUM':
      return 'TEXT'
    case 'JSON':
      return 'JSON'
    case 'DATE':
      return 'DATE'
    case 'TIME_MILLIS':
    case 'TIME_MICROS':
      return 'TIME'
    case 'TIMESTAMP_MILLIS':
    case 'TIMESTAMP_MICROS':
      return 'TIMESTAMPTZ'
    case 'DECIMAL':
      return `DECIMAL(${precision ?? 38},${scale ?? 0})`
    default:
  }
  const [, sign, bits] = /^(U?)INT_(\d+)$/.exec(converted ?? '') ?? []
  if (bits !== undefined) {
    return integer(Number(bits), sign === '')
  }
  return PHYSICAL[type ?? 'BYTE_ARRAY']
}

function integer(bits: number, signed: boolean): string {
  const needed = signed ? bits : bits + 1
  return needed <= 16 ? 'SMALLINT' : needed <= 32 ? 'INTEGER' : needed <= 64 ? 'BIGINT' : 'DECIMAL(20,0)'
}

const PHYSICAL = {
  BOOLEAN: 'BOOLEAN',
  INT32: 'INTEGER',
  INT64: 'BIGINT',
  INT96: 'TIMESTAMP',
  FLOAT: 'REAL',
  DOUBLE: 'DOUBLE PRECISION',
  BYTE_ARRAY: 'BYTEA',
  FIXED_LEN_BYTE_ARRAY: 'BYTEA',
} as const

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
