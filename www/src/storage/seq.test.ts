import { expect, test } from 'vitest'
import { unixMsOf } from './seq.js'

// As in core/src/types.rs: `SeqId::at(EPOCH_UNIX_MS + 5, 3)` is `5 << 22 | 3 << 12`.
const AT_5_OF_NODE_3 = (5n << 22n) | (3n << 12n)

test('zero is the epoch', () => {
  expect(new Date(unixMsOf(0n)).toISOString()).toBe('2025-01-01T00:00:00.000Z')
})

test('the counter and the node have no part in the time', () => {
  const ms = 1_735_689_600_005
  expect(unixMsOf(AT_5_OF_NODE_3)).toBe(ms)
  expect(unixMsOf(AT_5_OF_NODE_3 + 4095n)).toBe(ms)
  expect(unixMsOf((5n << 22n) | (1023n << 12n))).toBe(ms)
  expect(unixMsOf(6n << 22n)).toBe(ms + 1)
})

test('ids past 2^53 keep their millisecond', () => {
  const ms = Date.UTC(2026, 10, 26, 18, 30, 0, 123)
  const seq = (BigInt(ms - 1_735_689_600_000) << 22n) | 4095n
  expect(seq > 2n ** 53n).toBe(true)
  expect(unixMsOf(seq)).toBe(ms)
})

test('the sequence ends in 2094', () => {
  expect(new Date(unixMsOf(2n ** 63n - 1n)).getUTCFullYear()).toBe(2094)
})
