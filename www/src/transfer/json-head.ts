/** The beginning of a file of JSON: an object a line, or one array of objects. */

import { type Head, PREVIEW_ROWS, Unreadable, foundColumn, shown } from './head.js'
import type { Text } from './text.js'
import { type Value, typeOfValues } from './types.js'

/** Rows that are looked at. */
const MOST_ROWS = 5_000
/** What numbers are marked with, so that they stay as they are written. */
const MARK = '\u0000'

/** What `text` is. */
export function jsonHead({ text: given, isWhole, encoding, notes }: Text): Head {
  const text = given.replace(/^\ufeff/, '')
  const isArray = text.trimStart().startsWith('[')
  const texts = isArray ? elements(text) : lines(text, isWhole)
  const rows: Map<string, Value | null>[] = []
  for (const each of texts) {
    if (rows.length === MOST_ROWS) {
      break
    }
    rows.push(objectOf(each, rows.length + 1, isArray))
  }
  if (rows.length === 0) {
    throw new Unreadable(isArray && isWhole ? 'The array has no objects.' : 'No object ends within half a megabyte.')
  }
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))]
  if (names.length === 0) {
    throw new Unreadable('The objects have no properties, which would be columns.')
  }
  const columns = names.map((name) => {
    const values = rows.map((row) => row.get(name))
    const type = typeOfValues(values.filter((value) => value != null))
    return foundColumn(name, type, values)
  })
  return {
    format: 'json',
    columns,
    preview: rows.slice(0, PREVIEW_ROWS).map((row) => names.map((name) => textOrNull(row.get(name)))),
    notes,
    encoding,
    isArray,
  }
}

function textOrNull(value: Value | null | undefined): string | null {
  return value ? shown(value.text) : null
}

function* lines(text: string, isWhole: boolean): Generator<string> {
  const all = text.split('\n')
  for (const [at, line] of all.entries()) {
    // The last may not be there as a whole.
    if (line.trim() !== '' && (isWhole || at < all.length - 1)) {
      yield line
    }
  }
}

/** The objects of an array, as far as they are there. */
function* elements(text: string): Generator<string> {
  let depth = 0
  let from = -1
  // A text may have no end here, and what is in it are no brackets.
  for (const { 0: sign, index } of text.matchAll(/"(?:[^"\\]|\\.)*(?:"|\\?$)|[[\]{}]/gs)) {
    if (sign === '[' || sign === '{') {
      if (depth === 1) {
        from = index
      }
      depth++
    } else if (sign === ']' || sign === '}') {
      depth--
      if (depth === 1) {
        yield text.slice(from, index + 1)
      }
    }
    if (depth === 0) {
      return
    }
  }
}

function objectOf(text: string, number: number, isArray: boolean): Map<string, Value | null> {
  let parsed: unknown
  try {
    JSON.parse(text)
    parsed = JSON.parse(withNumbersMarked(text))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Unreadable(
      isArray
        ? `Object ${number} of the array is not JSON: ${why}`
        : `Line ${number} is not JSON. Expected is an object on each line, or one array of objects: ${why}`,
    )
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Unreadable(`${isArray ? 'Element' : 'Line'} ${number} is no object: rows are objects, with columns by name.`)
  }
  return new Map(Object.entries(parsed).map(([name, value]) => [name, valueOf(value)]))
}

/** Makes texts of numbers, since 88.0 is no BIGINT, and digits of long ones would be lost. */
function withNumbersMarked(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs, (token) =>
    token.startsWith('"') ? token : `"\\u0000${token}"`,
  )
}

function valueOf(value: unknown): Value | null {
  if (value === null || value === undefined) {
    return null
  }
  if (typeof value === 'string') {
    return value.startsWith(MARK) ? { text: value.slice(1), kind: 'number' } : { text: value, kind: 'text' }
  }
  if (typeof value === 'object') {
    return { text: JSON.stringify(value).replace(/"\\u0000([^"]*)"/g, '$1'), kind: 'nested' }
  }
  return { text: String(value), kind: 'boolean' }
}
