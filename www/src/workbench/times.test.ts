import { expect, test } from 'vitest'
import { timeOf } from './times.js'

const now = new Date(2026, 10, 26, 12)

test.each([
  [new Date(2026, 10, 26, 9, 5, 7), '09:05:07'],
  [new Date(2026, 10, 25, 23, 59, 59), 'Nov 25, 23:59:59'],
  [new Date(2025, 10, 26, 0, 0, 0), 'Nov 26, 2025, 00:00:00'],
])('%s', (at, text) => expect(timeOf(at, now)).toBe(text))
