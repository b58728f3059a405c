/** Rows of JavaScript values, out of the Arrow IPC streams in which the engine answers. */

import { tableFromIPC, Type } from '@uwdata/flechette'
import type { Answer } from './protocol.js'
import type { Field, QueryOptions, Result } from './types.js'

/** An Arrow type, as far as it is looked at. */
interface ArrowType {
  typeId: number
  bitWidth?: number
  signed?: boolean
  precision?: number
  scale?: number
  children?: { type: ArrowType }[]
}

type Read = (row: number) => unknown

/** `answer` as the API gives it. */
export function toResult<R>(answer: Answer, options: QueryOptions = {}): Result<R> {
  if (answer.kind === 'rows') {
    return decode<R>(answer.ipc, options)
  }
  return { rows: [], fields: [], affectedRows: answer.kind === 'affected' ? answer.rows : 0 }
}

function decode<R>(ipc: Uint8Array, options: QueryOptions): Result<R> {
  const table = tableFromIPC(ipc, {
    useBigInt: true,
    useDate: true,
    useDecimalInt: true,
    useBigIntTimestamp: options.timestamps === 'micros',
  })
  const columns = table.schema.fields.map((field, at) => {
    const column = table.getChildAt(at)
    return { name: field.name, type: field.type as ArrowType, read: reader(field.type as ArrowType, (row) => column.at(row)) }
  })
  const keys = uniqueKeys(columns.map(({ name }) => name))
  const fields = columns.map(({ name, type }, at): Field => ({ name, key: keys[at] ?? name, type: sqlType(type) }))
  const reads = columns.map(({ read }) => read)
  const make = options.rowMode === 'array' ? arrayOf(reads) : objectOf(keys, reads)
  const rows = Array.from({ length: table.numRows }, (_, row) => make(row))
  return { rows: rows as R[], fields }
}

/** Names for the properties of a row: a name that was there before gets a number, so that no value is lost. */
export function uniqueKeys(names: readonly string[]): string[] {
  const taken = new Set<string>()
  const all = new Set(names)
  return names.map((name) => {
    let key = name
    for (let n = 2; taken.has(key); n++) {
      const candidate = `${name}_${n}`
      key = all.has(candidate) ? key : candidate
    }
    taken.add(key)
    return key
  })
}

function arrayOf(reads: readonly Read[]): Read {
  return (row) => reads.map((read) => read(row))
}

function objectOf(keys: readonly string[], reads: readonly Read[]): Read {
  // Assigning to `__proto__` would set the prototype instead.
  if (keys.includes('__proto__')) {
    return (row) => Object.fromEntries(keys.map((key, at) => [key, reads[at]?.(row)]))
  }
  return (row) => {
    const object: Record<string, unknown> = {}
    for (let at = 0; at < keys.length; at++) {
      object[keys[at] as string] = (reads[at] as Read)(row)
    }
    return object
  }
}

/** Reads values of `type`, where what the library gives is not what the API gives. */
function reader(type: ArrowType, read: Read): Read {
  switch (type.typeId) {
    case Type.Decimal:
      return (row) => {
        const value = read(row)
        return value === null ? null : decimalText(BigInt(value as bigint | number), type.scale ?? 0)
      }
    case Type.Binary:
    case Type.LargeBinary:
    case Type.BinaryView:
    case Type.FixedSizeBinary:
      // A view would keep the whole stream in memory for as long as one value is.
      return (row) => {
        const value = read(row)
        return value instanceof Uint8Array ? value.slice() : value
      }
    case Type.Int:
      return type.bitWidth === 64 ? asBigInt(read) : read
    default:
      return read
  }
}

function asBigInt(read: Read): Read {
  return (row) => {
    const value = read(row)
    return typeof value === 'number' ? BigInt(value) : value
  }
}

/** `unscaled` with `scale` digits after the point. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) {
    return String(unscaled * 10n ** BigInt(-scale))
  }
  const sign = unscaled < 0n ? '-' : ''
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

const NAMES: Readonly<Record<number, string>> = {
  [Type.Null]: 'NULL',
  [Type.Utf8]: 'TEXT',
  [Type.LargeUtf8]: 'TEXT',
  [Type.Utf8View]: 'TEXT',
  [Type.Binary]: 'BYTEA',
  [Type.LargeBinary]: 'BYTEA',
  [Type.BinaryView]: 'BYTEA',
  [Type.FixedSizeBinary]: 'BYTEA',
  [Type.Bool]: 'BOOLEAN',
  [Type.Date]: 'DATE',
  [Type.Time]: 'TIME',
  [Type.Timestamp]: 'TIMESTAMP',
  [Type.Interval]: 'INTERVAL',
  [Type.Duration]: 'INTERVAL',
  [Type.Struct]: 'STRUCT',
  [Type.Map]: 'MAP',
}

function sqlType(type: ArrowType): string {
  switch (type.typeId) {
    case Type.Int: {
      const name = { 8: 'TINYINT', 16: 'SMALLINT', 32: 'INTEGER', 64: 'BIGINT' }[type.bitWidth ?? 0] ?? 'INTEGER'
      return type.signed === false ? `${name} UNSIGNED` : name
    }
    case Type.Float:
      return type.precision === 2 ? 'DOUBLE PRECISION' : 'REAL'
    case Type.Decimal:
      return `DECIMAL(${type.precision},${type.scale})`
    case Type.List:
    case Type.LargeList:
    case Type.FixedSizeList:
      return `${type.children?.[0] ? sqlType(type.children[0].type) : 'NULL'}[]`
    default:
      return NAMES[type.typeId] ?? 'UNKNOWN'
  }
}
