/** Values of a result as text, for the grid, the chart and exports. */

import type { Column } from '../engine/result.js'
import { counted } from '../style/numbers.js'
import { jsonLaidOut } from './json.js'

/** Characters of a value that a cell of the grid holds; the rest would not be seen. */
const MOST_IN_CELL = 200
/** Bytes of a binary value that a cell of the grid shows. */
const BYTES_IN_CELL = 16

/** Microseconds since 1970 as ISO 8601, with as many digits of a second as there are. */
export function isoOfMicros(micros: bigint, zone: string): string {
  const below = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const date = new Date(Number((micros - below) / 1000n))
  if (Number.isNaN(date.getTime())) {
    return `${micros} µs`
  }
  const fraction = String(below).padStart(6, '0').replace(/0+$/, '')
  return `${date.toISOString().slice(0, -5)}${fraction === '' ? '' : `.${fraction}`}${zone}`
}

/** Bytes in hexadecimal digits. */
export function hexText(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    text += byte.toString(16).padStart(2, '0')
  }
  return text
}

/** A value of the SQL type `type`, all of it, in one line where it has no breaks itself. NULL is the empty text. */
export function textOf(value: unknown, type: string): string {
  if (value === null || value === undefined) {
    return ''
  }
  if (typeof value === 'string') {
    return value
  }
  if (typeof value === 'number' && type === 'REAL') {
    return realText(value)
  }
  if (typeof value === 'bigint' && type.startsWith('TIMESTAMP')) {
    return isoOfMicros(value, type.startsWith('TIMESTAMPTZ') ? 'Z' : '')
  }
  if (value instanceof Date) {
    return dateText(value, type)
  }
  if (value instanceof Uint8Array) {
    return `\\x${hexText(value)}`
  }
  return typeof value === 'object' ? jsonText(value, type) : String(value)
}

/** Digits that tell every REAL from all others. */
const MOST_REAL_DIGITS = 9

/** The shortest number that is the REAL `value`, which has more digits where JavaScript writes it as one of its own. */
function realText(value: number): string {
  for (let digits = 1; digits < MOST_REAL_DIGITS; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) {
      return String(short)
    }
  }
  return String(Number(value.toPrecision(MOST_REAL_DIGITS)))
}

/** A value of the SQL type `type` as JSON, as the engine writes it: numbers with all their digits, times as ISO, bytes as hex. */
export function jsonText(value: unknown, type: string, indent = ''): string {
  if (value === null || value === undefined) {
    return 'null'
  }
  if (Array.isArray(value)) {
    const of = type.endsWith('[]') ? type.slice(0, -2) : type
    return bracketed('[', ']', value.map((each) => jsonText(each, of, deeper(indent))), indent)
  }
  switch (typeof value) {
    case 'boolean':
      return String(value)
    case 'number':
      return Number.isFinite(value) ? textOf(value, type) : JSON.stringify(String(value))
    case 'bigint':
      return type.startsWith('TIMESTAMP') ? JSON.stringify(textOf(value, type)) : String(value)
    case 'object': {
      if (value instanceof Date || value instanceof Uint8Array) {
        return JSON.stringify(textOf(value, type))
      }
      const colon = indent === '' ? ':' : ': '
      const entries = value instanceof Map ? [...value] : Object.entries(value)
      const members = entries.map(
        ([key, each]) => `${JSON.stringify(String(key))}${colon}${jsonText(each, '', deeper(indent))}`,
      )
      return bracketed('{', '}', members, indent)
    }
    default: {
      const text = String(value)
      if (type === 'JSON') {
        return jsonLaidOut(text, indent)
      }
      return type.startsWith('DECIMAL') && /^-?\d+(\.\d+)?$/.test(text) ? text : JSON.stringify(text)
    }
  }
}

/** A value as a cell of the grid shows it: one line, not longer than is seen. */
export function cellText(value: unknown, { type }: Column): string {
  if (value === null || value === undefined) {
    return 'NULL'
  }
  if (value instanceof Uint8Array) {
    const more = value.byteLength > BYTES_IN_CELL ? '…' : ''
    return `\\x${hexText(value.subarray(0, BYTES_IN_CELL))}${more} (${counted(value.byteLength, 'byte')})`
  }
  const text = textOf(value, type)
  const short = text.length > MOST_IN_CELL ? `${text.slice(0, MOST_IN_CELL)}…` : text
  return short.replace(/\r\n|[\r\n]/g, '⏎')
}

/** A value to be read at length: JSON over lines, and of bytes the length, too. */
export function wholeText(value: unknown, { type, kind }: Column): string {
  if (value === null || value === undefined) {
    return 'NULL'
  }
  if (value instanceof Uint8Array) {
    return `${counted(value.byteLength, 'byte')}\n${hexText(value).replace(/.{64}/g, '$&\n')}`
  }
  const structured = kind === 'json' || (typeof value === 'object' && !(value instanceof Date))
  return structured ? jsonText(value, type, '  ') : textOf(value, type)
}

/** A value as a number, as far as a drawing needs it: times in milliseconds; `NaN` for what is none. */
export function numberOf(value: unknown): number {
  switch (typeof value) {
    case 'number':
      return value
    case 'bigint':
      return Number(value)
    case 'boolean':
      return value ? 1 : 0
    case 'string':
      return value.trim() === '' ? NaN : Number(value)
    default:
      return value instanceof Date ? value.getTime() : NaN
  }
}

/** A time as the package gives it, a `Date` or microseconds, as a `Date`; `undefined` for what is none. */
export function dateOf(value: unknown): Date | undefined {
  const date = value instanceof Date ? value : typeof value === 'bigint' ? new Date(Number(value) / 1000) : undefined
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date
}

function dateText(value: Date, type: string): string {
  if (Number.isNaN(value.getTime())) {
    return 'a date out of range'
  }
  const iso = value.toISOString()
  return type.startsWith('TIMESTAMP') ? iso : iso.slice(0, iso.indexOf('T'))
}

/** JSON without line breaks has no indent at all, so that nothing in it has any. */
function deeper(indent: string): string {
  return indent === '' ? '' : `${indent}  `
}

function bracketed(open: string, close: string, parts: readonly string[], indent: string): string {
  if (parts.length === 0) {
    return open + close
  }
  return indent === ''
    ? `${open}${parts.join(',')}${close}`
    : `${open}\n${indent}${parts.join(`,\n${indent}`)}\n${indent.slice(2)}${close}`
}
