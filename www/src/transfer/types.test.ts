import { expect, test } from 'vitest'
import { typeOfTexts, typeOfValues } from './types.js'

const CASES: readonly [string, readonly string[]][] = [
  ['TEXT', []],
  ['BIGINT', ['1', '-2', '+3', ' 4 ']],
  ['BIGINT', ['9007199254740993', '9223372036854775807', '-9223372036854775808']],
  ['DECIMAL(38,0)', ['1', '9223372036854775808']],
  ['TEXT', ['1'.repeat(39)]],
  ['TEXT', ['007', '12']],
  ['BIGINT', ['0', '10']],
  ['DOUBLE PRECISION', ['1', '2.5']],
  ['DOUBLE PRECISION', ['0.5', '.5', '5.', '1e10', '-1.5E-3']],
  ['DOUBLE PRECISION', ['1', 'NaN', '-Infinity']],
  ['TEXT', ['NaN']],
  ['DECIMAL(38,10)', ['12345678901234.1234567890', '1.5']],
  ['TEXT', ['1,000', '2']],
  ['TEXT', ['0x10']],
  ['BOOLEAN', ['true', 'FALSE', 't', 'No']],
  ['BIGINT', ['0', '1']],
  ['TEXT', ['true', '1']],
  ['DATE', ['2020-02-29', '1999-12-31']],
  ['TEXT', ['2021-02-29']],
  ['TEXT', ['01/02/2020']],
  ['TIME', ['10:00:00', '23:59:59.5']],
  ['TEXT', ['24:00:00']],
  ['TIMESTAMP', ['2020-01-01T00:00:00', '2020-01-01 10:00:00.123456']],
  ['TIMESTAMP', ['2020-01-01', '2020-01-01 10:00:00']],
  ['TEXT', ['2020-01-01 10:00']],
  ['TIMESTAMPTZ', ['2020-01-01T00:00:00Z', '2020-01-01 10:00:00+02', '2020-01-01 10:00:00.5-05:30']],
  ['TIMESTAMPTZ', ['2020-01-01T00:00:00Z', '2020-01-01']],
  ['UUID', ['b5d7a0f4-6b8d-4f0e-9d0c-0123456789ab']],
  ['JSON', ['{"a":1}', '[1]']],
  ['TEXT', ['{"a":1}', '{a}']],
  ['TEXT', ['1', 'x']],
]

test.each(CASES)('%s: %j', (type, texts) => {
  expect(typeOfTexts(texts)).toBe(type)
})

test('text of JSON stays text, unless it is a time or an id', () => {
  const text = (text: string) => ({ text, kind: 'text' }) as const
  expect(typeOfValues([text('12')])).toBe('TEXT')
  expect(typeOfValues([text('true')])).toBe('TEXT')
  expect(typeOfValues([text('2020-01-01')])).toBe('DATE')
  expect(typeOfValues([text('2020-01-01T00:00:00Z')])).toBe('TIMESTAMPTZ')
  expect(typeOfValues([{ text: '12', kind: 'number' }])).toBe('BIGINT')
  expect(typeOfValues([{ text: '12.0', kind: 'number' }])).toBe('DOUBLE PRECISION')
  expect(typeOfValues([{ text: '12', kind: 'number' }, text('x')])).toBe('TEXT')
  expect(typeOfValues([{ text: '{}', kind: 'nested' }, text('x')])).toBe('JSON')
  expect(typeOfValues([])).toBe('TEXT')
})
