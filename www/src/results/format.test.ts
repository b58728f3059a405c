import { describe, expect, it } from 'vitest'
import type { Column } from '../engine/result.js'
import { cellText, dateOf, isoOfMicros, jsonText, numberOf, textOf, wholeText } from './format.js'

const column = (type: string, kind: Column['kind']): Column => ({ name: 'x', type, kind })

describe('texts of values', () => {
  it('gives times as ISO, to the microsecond, before 1970 too', () => {
    expect(isoOfMicros(1_704_164_645_678_901n, '')).toBe('2024-01-02T03:04:05.678901')
    expect(textOf(1_704_164_645_000_000n, 'TIMESTAMPTZ')).toBe('2024-01-02T03:04:05Z')
    expect(isoOfMicros(-1n, '')).toBe('1969-12-31T23:59:59.999999')
    expect(isoOfMicros(2n ** 63n - 1n, '')).toBe('9223372036854775807 µs')
    expect(textOf(new Date(Date.UTC(2024, 1, 29)), 'DATE')).toBe('2024-02-29')
  })
  it('keeps all digits of integers and decimals', () => {
    expect(textOf(9_007_199_254_740_993n, 'BIGINT')).toBe('9007199254740993')
    expect(textOf('1.500', 'DECIMAL(10,3)')).toBe('1.500')
  })
  it('shows bytes in hex with their number', () => {
    expect(cellText(Uint8Array.of(0, 255), column('BYTEA', 'binary'))).toBe('\\x00ff (2 bytes)')
    expect(cellText(new Uint8Array(1234), column('BYTEA', 'binary'))).toBe(`\\x${'00'.repeat(16)}… (1,234 bytes)`)
    expect(wholeText(Uint8Array.of(1), column('BYTEA', 'binary'))).toBe('1 byte\n01')
  })
  it('has of REAL the digits that it holds', () => {
    expect(textOf(Math.fround(0.1), 'REAL')).toBe('0.1')
    expect(textOf(Math.fround(16777216), 'REAL')).toBe('16777216')
    expect(textOf(Math.fround(3.4028235e38), 'REAL')).toBe('3.4028235e+38')
    expect(textOf(-Infinity, 'REAL')).toBe('-Infinity')
    expect(jsonText([Math.fround(0.3), null], 'REAL[]')).toBe('[0.3,null]')
    expect(textOf(Math.fround(0.1), 'DOUBLE PRECISION')).toBe('0.10000000149011612')
    for (const real of Float32Array.of(1 / 3, Math.PI, 1e-45, 123456.789, 1.17549435e-38)) {
      expect(Math.fround(Number(textOf(real, 'REAL')))).toBe(real)
    }
  })
  it('shows JSON as it is in cells, and over lines as a whole, with all digits', () => {
    const text = '{"a": [1, {"b":null}],"c":{}, "d, \\": [":12345678901234567890}'
    expect(cellText(text, column('JSON', 'json'))).toBe(text)
    expect(jsonText(text, 'JSON')).toBe('{"a":[1,{"b":null}],"c":{},"d, \\": [":12345678901234567890}')
    const whole = wholeText(text, column('JSON', 'json'))
    expect(whole).toBe(JSON.stringify(JSON.parse(text), null, 2).replace('12345678901234567000', '12345678901234567890'))
    expect(cellText('"text"', column('JSON', 'json'))).toBe('"text"')
    expect(wholeText(['[1]', null], column('JSON[]', 'other'))).toBe('[\n  [\n    1\n  ],\n  null\n]')
  })
  it('shows NULL, and makes one short line of long text', () => {
    expect(cellText(null, column('TEXT', 'text'))).toBe('NULL')
    expect(cellText('a\nb', column('TEXT', 'text'))).toBe('a⏎b')
    expect(cellText('x'.repeat(500), column('TEXT', 'text'))).toHaveLength(201)
  })
  it('writes JSON of every type', () => {
    expect(jsonText([1n, null], 'BIGINT[]')).toBe('[1,null]')
    expect(jsonText([0n], 'TIMESTAMP[]')).toBe('["1970-01-01T00:00:00"]')
    expect(jsonText(NaN, 'REAL')).toBe('"NaN"')
    expect(jsonText('a"b', 'TEXT')).toBe('"a\\"b"')
    expect(jsonText(true, 'BOOLEAN')).toBe('true')
    expect(jsonText('-1.50', 'DECIMAL(9,2)')).toBe('-1.50')
  })
})

describe('measures', () => {
  it('makes numbers and dates of what the package gives', () => {
    expect([7n, '1.50', true, 2.5].map(numberOf)).toEqual([7, 1.5, 1, 2.5])
    expect([null, 'x', '', {}].map(numberOf)).toEqual([NaN, NaN, NaN, NaN])
    expect(dateOf(1_000_000n)).toEqual(new Date(1_000))
    expect(dateOf('x')).toBeUndefined()
  })
})
