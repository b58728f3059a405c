import { expect, test } from 'vitest'
import { bytes, count, counted, duration, share, shortCount } from './numbers.js'

const plain = (text: string) => text.replaceAll('\u00a0', ' ')

test('counts have separators, and one of a thing is one', () => {
  expect([count(999), count(13_033), count(9_007_199_254_740_993n)]).toEqual(['999', '13,033', '9,007,199,254,740,993'])
  expect([0, 1, 12_891].map((n) => counted(n, 'row'))).toEqual(['0 rows', '1 row', '12,891 rows'])
  expect([counted(1n, 'row'), counted(2, 'entry', 'entries')]).toEqual(['1 row', '2 entries'])
  expect([9_999, 13_033, 2_500_000].map(shortCount)).toEqual(['9,999', '13K', '2.5M'])
})

test('bytes are in the unit that keeps them short', () => {
  const sizes = [0, 1, 999, 1_000, 1_500, 9_960, 85_461_275, 999_600, 5e15]
  expect(sizes.map(bytes).map(plain)).toEqual(['0 B', '1 B', '999 B', '1.0 kB', '1.5 kB', '10 kB', '85 MB', '1.0 MB', '5000 TB'])
})

test('durations have three digits, and minutes', () => {
  const times = [0, 0.001, 0.25, 3.4, 9.996, 345, 999.6, 1_234, 12_891, 59_960, 61_000]
  expect(times.map(duration).map(plain)).toEqual([
    '0 ms', '< 0.01 ms', '0.25 ms', '3.40 ms', '10 ms', '345 ms', '1.00 s', '1.23 s', '12.9 s', '1 min 0 s', '1 min 1 s',
  ])
})

test('a share is nothing or all only where it is', () => {
  expect([0, 0.001, 0.034, 0.999, 1].map(share).map(plain)).toEqual(['0 %', '< 1 %', '3 %', '99 %', '100 %'])
})

test('units stay with their numbers', () => {
  expect([bytes(5), duration(5), share(0.5)].some((text) => text.includes(' '))).toBe(false)
})
