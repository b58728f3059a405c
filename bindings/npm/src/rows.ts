/** Rows of JavaScript values, out of the Arrow IPC streams in which the engine answers. */

import { tableFromIPC, TimeUnit, Type } from '@uwdata/flechette'
import type { Answer } from './protocol.js'
import type { ArrowRows, Field, QueryOptions, Result } from './types.js'

/** An Arrow type, as far as it is looked at. */
interface ArrowType {
  typeId: number
  bitWidth?: number
  signed?: boolean
  precision?: number
  scale?: number
  timezone?: string | null
  /** Of times and durations: a {@link TimeUnit}. */
  unit?: number
  children?: { type: ArrowType }[]
}

/** A column: its Arrow type, and what the metadata say where Arrow has no type of its own. */
interface Column {
  name: string
  type: ArrowType
  metadata?: ReadonlyMap<string, string> | null
}

/** How values are given. */
type Reading = Pick<QueryOptions, 'timestamps' | 'json'>

type Read = (row: number) => unknown

/** Makes of a value, which is not NULL, what the API gives; absent where that is the same. */
type Convert = ((value: unknown) => unknown) | undefined

/** `answer` as the API gives it. */
export function toResult<R>(answer: Answer, options: QueryOptions = {}): Result<R> {
  if (answer.kind === 'rows') {
    return decode<R>(answer.ipc, options)
  }
  return { rows: [], fields: [], affectedRows: answer.kind === 'affected' ? answer.rows : 0 }
}

function decode<R>(ipc: Uint8Array, options: QueryOptions): Result<R> {
  const { fields, length, at } = readArrow(ipc, options)
  const reads = fields.map((_, column): Read => (row) => at(row, column))
  const make = options.rowMode === 'array' ? arrayOf(reads) : objectOf(fields.map(({ key }) => key), reads)
  return { rows: Array.from({ length }, (_, row) => make(row)) as R[], fields: [...fields] }
}

/**
 * The rows of an Arrow IPC stream, as `queryArrow` gives it, each value as `query` gives it; a value is made when it is
 * asked for, so that of a million rows only those that are looked at cost something.
 */
export function readArrow(ipc: Uint8Array, options: Reading = {}): ArrowRows {
  const table = tableFromIPC(ipc, {
    useBigInt: true,
    useDate: true,
    useDecimalInt: true,
    useBigIntTimestamp: options.timestamps === 'micros',
  })
  const columns = table.schema.fields as unknown as Column[]
  const keys = uniqueKeys(columns.map(({ name }) => name))
  const fields = columns.map((column, at): Field => ({ name: column.name, key: keys[at] ?? column.name, type: sqlType(column) }))
  const reads = columns.map((column, at): Read => {
    const values = table.getChildAt(at)
    return reader(converter(column.type, options, extension(column)), (row) => values.at(row))
  })
  return { fields, length: table.numRows, at: (row, column) => reads[column]?.(row) }
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

function reader(convert: Convert, read: Read): Read {
  if (convert === undefined) {
    return read
  }
  return (row) => {
    const value = read(row)
    return value === null || value === undefined ? null : convert(value)
  }
}

/** The name that the type of a column has beside Arrow's. */
function extension({ metadata }: Column): string | undefined {
  return metadata?.get('ARROW:extension:name')
}

/** Makes values of the API, where what the library gives is something else. */
function converter(type: ArrowType, options: Reading, name?: string): Convert {
  if (name === 'arrow.json') {
    return options.json === 'text' ? undefined : (value) => JSON.parse(value as string)
  }
  switch (type.typeId) {
    case Type.Decimal:
      return (value) => decimalText(BigInt(value as bigint | number), type.scale ?? 0)
    case Type.Binary:
    case Type.LargeBinary:
    case Type.BinaryView:
    case Type.FixedSizeBinary:
      // A view would keep the whole stream in memory for as long as one value is.
      return (value) => (value instanceof Uint8Array ? value.slice() : value)
    case Type.Int:
      return type.bitWidth === 64 ? (value) => (typeof value === 'number' ? BigInt(value) : value) : undefined
    case Type.Time:
      return (value) => timeText(microsOf(value, type.unit))
    case Type.Timestamp:
      // Functions and casts give other units than columns of tables have; a `Date` is of any.
      return options.timestamps === 'micros' && type.unit !== TimeUnit.MICROSECOND ? (value) => microsOf(value, type.unit) : undefined
    case Type.Duration:
      return (value) => durationText(microsOf(value, type.unit))
    case Type.Interval:
      return (value) => calendarText(value as number | ArrayLike<number>)
    case Type.List:
    case Type.LargeList:
    case Type.FixedSizeList: {
      const element = type.children?.[0] ? converter(type.children[0].type, options) : undefined
      const each = (value: unknown) => (value === null || value === undefined ? null : element ? element(value) : value)
      // What the library gives may be an array of one type, with numbers only.
      return (value) => Array.from(value as Iterable<unknown>, each)
    }
    default:
      return undefined
  }
}

/** Microseconds of what Arrow gives in `unit`, rounded down. */
function microsOf(value: unknown, unit: number = TimeUnit.MICROSECOND): bigint {
  const whole = BigInt(value as bigint | number)
  const below = ((whole % 1000n) + 1000n) % 1000n
  return unit === TimeUnit.NANOSECOND ? (whole - below) / 1000n : whole * 1000n ** BigInt(TimeUnit.MICROSECOND - unit)
}

/** A time of day, in microseconds since midnight, as SQL writes it. */
export function timeText(micros: bigint): string {
  const two = (value: bigint) => String(value).padStart(2, '0')
  const seconds = micros / 1_000_000n
  const fraction = String(micros % 1_000_000n).padStart(6, '0').replace(/0+$/, '')
  const whole = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`
  return fraction === '' ? whole : `${whole}.${fraction}`
}

function durationText(micros: bigint): string {
  return intervalText(0, micros / 86_400_000_000n, micros % 86_400_000_000n)
}

/** An interval of Arrow: months, or days and milliseconds, or months, days and nanoseconds. */
function calendarText(value: number | ArrayLike<number>): string {
  const [first = 0, second = 0, third] = typeof value === 'number' ? [value] : Array.from(value)
  const isOfDays = third === undefined && typeof value !== 'number'
  const [months, days, micros] = isOfDays ? [0, first, second * 1000] : [first, second, (third ?? 0) / 1000]
  return intervalText(months, BigInt(days), BigInt(Math.trunc(micros)))
}

/** An interval as PostgreSQL writes it, such as `1 year 2 mons 3 days 04:05:06`; each part has its own sign. */
export function intervalText(months: number, days: bigint, micros: bigint): string {
  const named = [
    [BigInt(Math.trunc(months / 12)), 'year'],
    [BigInt(months % 12), 'mon'],
    [days, 'day'],
  ] as const
  const parts = named.filter(([count]) => count !== 0n).map(([count, unit]) => `${count} ${unit}${count === 1n ? '' : 's'}`)
  if (micros !== 0n || parts.length === 0) {
    parts.push(micros < 0n ? `-${timeText(-micros)}` : timeText(micros))
  }
  return parts.join(' ')
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
  [Type.Interval]: 'INTERVAL',
  [Type.Duration]: 'INTERVAL',
  [Type.Struct]: 'STRUCT',
  [Type.Map]: 'MAP',
}

function sqlType(column: Column): string {
  switch (extension(column)) {
    case 'arrow.json':
      return 'JSON'
    case 'firndb.uuid':
      return 'UUID'
    case 'firndb.varchar':
      return `VARCHAR(${column.metadata?.get('ARROW:extension:metadata')})`
    default:
      return arrowType(column.type)
  }
}

function arrowType(type: ArrowType): string {
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
      return `${type.children?.[0] ? arrowType(type.children[0].type) : 'NULL'}[]`
    case Type.Timestamp:
      return type.timezone ? 'TIMESTAMPTZ' : 'TIMESTAMP'
    default:
      return NAMES[type.typeId] ?? 'UNKNOWN'
  }
}
