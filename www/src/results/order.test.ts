import { describe, expect, it } from 'vitest'
import type { Kind } from '../engine/result.js'
import { codePointKey, nextSort, orderOf } from './order.js'

function sorted(values: readonly unknown[], kind: Kind, descending = false, type = ''): unknown[] {
  return [...orderOf(values.length, (row) => values[row], { kind, type }, descending)].map((row) => values[row])
}

describe('the order of rows', () => {
  it('is by number, with NaN as the greatest and NULLs last', () => {
    expect(sorted([10, null, 9, NaN, -1, Infinity, 2], 'float')).toEqual([-1, 2, 9, 10, Infinity, NaN, null])
  })
  it('has NULLs first where it descends', () => {
    expect(sorted([10, null, 9, NaN, -1], 'float', true)).toEqual([null, NaN, 10, 9, -1])
  })
  it('tells apart integers that are one floating-point number', () => {
    const big = 2n ** 53n
    expect(sorted([big + 1n, 3n, big, null, -big - 1n], 'integer')).toEqual([-big - 1n, 3n, big, big + 1n, null])
  })
  it('takes decimals, which are texts, for numbers', () => {
    expect(sorted(['10.00', '9.50', '-1.25', '100.00'], 'decimal')).toEqual(['-1.25', '9.50', '10.00', '100.00'])
    const long = ['12345678901234567890.02', '12345678901234567890.01', '-12345678901234567890.5', '3']
    expect(sorted(long, 'decimal')).toEqual([long[2], long[3], long[1], long[0]])
  })
  it('is by code point, not by unit of UTF-16', () => {
    expect(sorted(['b', '\u{1f600}', '\ufffd', 'a', 'Z', '', null], 'text')).toEqual([
      '', 'Z', 'a', 'b', '\ufffd', '\u{1f600}', null,
    ])
    const texts = ['', 'a', 'ab', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{1f600}', '\u{1f600}a', '\u{10ffff}']
    const bytes = (text: string) => Buffer.from(text)
    expect(texts.toSorted((a, b) => Buffer.compare(bytes(a), bytes(b)))).toEqual(texts)
    for (let at = 1; at < texts.length; at++) {
      expect(codePointKey(texts[at - 1] ?? '') < codePointKey(texts[at] ?? '')).toBe(true)
    }
  })
  it('is of times, dates, booleans, JSON and bytes', () => {
    expect(sorted([5n, -5n, 0n], 'time', false, 'TIMESTAMP')).toEqual([-5n, 0n, 5n])
    const [early, late] = [new Date(0), new Date(86_400_000)]
    expect(sorted([late, early], 'time', false, 'DATE')).toEqual([early, late])
    expect(sorted([true, false, null, true], 'boolean')).toEqual([false, true, true, null])
    expect(sorted([{ b: 1 }, { a: 1 }, [1]], 'json', false, 'JSON')).toEqual([[1], { a: 1 }, { b: 1 }])
    const bytes = [Uint8Array.of(2), Uint8Array.of(1, 255), Uint8Array.of(1)]
    expect(sorted(bytes, 'binary')).toEqual([bytes[2], bytes[1], bytes[0]])
  })
  it('keeps equal rows as they are, in both directions', () => {
    const values = Array.from({ length: 1_000 }, (_, row) => (row % 7 === 0 ? null : (row * 7919) % 13))
    for (const descending of [false, true]) {
      const order = [...orderOf(values.length, (row) => values[row], { kind: 'integer', type: '' }, descending)]
      expect(new Set(order).size).toBe(values.length)
      const key = (row: number) => values[row] ?? 99
      const expected = values.map((_, row) => row).sort((a, b) => (descending ? key(b) - key(a) : key(a) - key(b)) || a - b)
      expect(order).toEqual(expected)
    }
  })
  it('is of nothing where there is nothing', () => {
    expect(sorted([], 'text')).toEqual([])
    expect(sorted([null, null], 'integer')).toEqual([null, null])
  })
})

describe('the next sort', () => {
  it('goes from none to ascending, descending and none', () => {
    const up = nextSort(undefined, 2)
    const down = nextSort(up, 2)
    expect([up, down, nextSort(down, 2)]).toEqual([
      { column: 2, descending: false }, { column: 2, descending: true }, undefined,
    ])
    expect(nextSort(down, 1)).toEqual({ column: 1, descending: false })
  })
})
