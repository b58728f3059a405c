/** The order of rows by the values of one column, as the engine's ORDER BY has it. */

import type { Column } from '../engine/result.js'
import { hexText, jsonText, textOf } from './format.js'

/** By what rows are sorted. */
export interface Sort {
  readonly column: number
  readonly descending: boolean
}

/** What a click on a column's header makes of the sort: none, ascending, descending, and none again. */
export function nextSort(sort: Sort | undefined, column: number): Sort | undefined {
  if (sort?.column !== column) {
    return { column, descending: false }
  }
  return sort.descending ? undefined : { column, descending: true }
}

/** Keys that compare as values do; of NULL there is none. */
type Keys = Float64Array | readonly bigint[] | readonly string[]
type Compare = (a: number, b: number) => number

/**
 * The rows in the order of their values, which `value` gives. Rows with equal values stay as they are; NULLs come last
 * ascending and first descending, as in PostgreSQL, and NaN is the greatest number.
 */
export function orderOf(
  length: number,
  value: (row: number) => unknown,
  column: Pick<Column, 'kind' | 'type'>,
  descending: boolean,
): Uint32Array {
  const present = new Uint32Array(length)
  const absent = new Uint32Array(length)
  const values: unknown[] = []
  let nulls = 0
  for (let row = 0; row < length; row++) {
    const each = value(row)
    if (each === null || each === undefined) {
      absent[nulls++] = row
    } else {
      present[values.length] = row
      values.push(each)
    }
  }
  const ascending = comparison(keysOf(values, column))
  const sorted = mergeSorted(values.length, descending ? (a, b) => ascending(b, a) : ascending)
  const order = new Uint32Array(length)
  const begin = descending ? nulls : 0
  for (let at = 0; at < sorted.length; at++) {
    order[begin + at] = present[sorted[at] ?? 0] ?? 0
  }
  order.set(absent.subarray(0, nulls), descending ? 0 : values.length)
  return order
}

function keysOf(values: readonly unknown[], { kind, type }: Pick<Column, 'kind' | 'type'>): Keys {
  switch (kind) {
    case 'integer':
    case 'float':
    case 'boolean':
    case 'time':
      return numericKeys(values)
    case 'decimal':
      return decimalKeys(values.map(String))
    case 'binary':
      return textKeys(values, (value) => (value instanceof Uint8Array ? hexText(value) : String(value)))
    case 'json':
      return textKeys(values, (value) => jsonText(value, type))
    default:
      return textKeys(values, (value) => textOf(value, type))
  }
}

/** Of few different texts, as many columns have, their places among each other: numbers compare faster. */
function textKeys(values: readonly unknown[], text: (value: unknown) => string): Keys {
  const keys = values.map((value) => codePointKey(text(value)))
  const different = new Set<string>()
  for (const key of keys) {
    different.add(key)
    if (different.size > values.length / 4) {
      return keys
    }
  }
  const places = new Map([...different].sort().map((key, place) => [key, place]))
  return Float64Array.from(keys, (key) => places.get(key) ?? 0)
}

/** Numbers, where each is one exactly; big integers otherwise. */
function numericKeys(values: readonly unknown[]): Keys {
  const keys = new Float64Array(values.length)
  for (let at = 0; at < values.length; at++) {
    const value = values[at]
    const number = Number(value)
    if (typeof value === 'bigint' && !Number.isSafeInteger(number)) {
      return values.map((each) => BigInt(each as bigint))
    }
    keys[at] = number
  }
  return keys
}

/** Digits that a number tells apart whatever they are. */
const EXACT_DIGITS = 15

function decimalKeys(texts: readonly string[]): Keys {
  let longest = 0
  let scale = 0
  for (const text of texts) {
    const point = text.indexOf('.')
    longest = Math.max(longest, text.length)
    scale = Math.max(scale, point < 0 ? 0 : text.length - point - 1)
  }
  if (longest <= EXACT_DIGITS) {
    return Float64Array.from(texts, Number)
  }
  return texts.map((text) => {
    const [whole = '', fraction = ''] = text.split('.')
    return BigInt(whole + fraction.padEnd(scale, '0'))
  })
}

function comparison(keys: Keys): Compare {
  if (keys instanceof Float64Array) {
    return (a, b) => {
      const left = keys[a] ?? 0
      const right = keys[b] ?? 0
      return left < right ? -1 : left > right ? 1 : left === right ? 0 : Number(left !== left) - Number(right !== right)
    }
  }
  const plain = keys as readonly (string | bigint)[]
  return (a, b) => {
    const left = plain[a] ?? ''
    const right = plain[b] ?? ''
    return left < right ? -1 : left > right ? 1 : 0
  }
}

/** Units of UTF-16 that do not sort as code points do. */
const MISPLACED = /[\ud800-\uffff]/g

/**
 * A text of which the units of UTF-16 sort as the code points of `text`, and so as its UTF-8. Surrogates, which are what is
 * beyond the first plane, would come before the end of that plane: they change places.
 */
export function codePointKey(text: string): string {
  return text.replace(MISPLACED, (unit) => {
    const code = unit.charCodeAt(0)
    return String.fromCharCode(code < 0xe000 ? code + 0x2000 : code - 0x800)
  })
}

/** Rows that are put in order one by one before they are merged. */
const RUN = 16

/** The numbers below `length`, sorted by merging, which keeps equal ones as they are. */
function mergeSorted(length: number, compare: Compare): Uint32Array {
  let from = new Uint32Array(length)
  let to = new Uint32Array(length)
  for (let begin = 0; begin < length; begin += RUN) {
    insertSorted(from, begin, Math.min(begin + RUN, length), compare)
  }
  for (let width = RUN; width < length; width *= 2) {
    for (let begin = 0; begin < length; begin += 2 * width) {
      merge(from, to, begin, Math.min(begin + width, length), Math.min(begin + 2 * width, length), compare)
    }
    ;[from, to] = [to, from]
  }
  return from
}

function insertSorted(order: Uint32Array, begin: number, end: number, compare: Compare): void {
  for (let row = begin; row < end; row++) {
    let at = row
    while (at > begin && compare(order[at - 1] ?? 0, row) > 0) {
      order[at] = order[at - 1] ?? 0
      at--
    }
    order[at] = row
  }
}

function merge(from: Uint32Array, to: Uint32Array, begin: number, middle: number, end: number, compare: Compare): void {
  let left = begin
  let right = middle
  for (let at = begin; at < end; at++) {
    const takesLeft = left < middle && (right >= end || compare(from[left] ?? 0, from[right] ?? 0) <= 0)
    to[at] = (takesLeft ? from[left++] : from[right++]) ?? 0
  }
}
