import { expect, it } from 'vitest'
import type { Outcome } from '../engine/run.js'
import { messageOf, sentence } from './wording.js'

const affected = (sql: string, count: number): Outcome => ({ kind: 'affected', sql, ms: 345, affected: count })

it('says how many rows a statement changed, where it is one that changes rows', () => {
  expect(sentence(affected('UPDATE t SET a = 1', 12_891))).toBe('12,891 rows affected, 345\u00a0ms')
  expect(sentence(affected('-- all\nDELETE FROM t', 0))).toBe('0 rows affected, 345\u00a0ms')
  expect(sentence(affected('CREATE TABLE t (a INTEGER)', 0))).toBe('Done, 345\u00a0ms')
})

it('says that there are more rows', () => {
  const rows = { columns: [], length: 1_000_000, value: () => null }
  expect(sentence({ kind: 'rows', sql: '', ms: 2, rows, truncated: true })).toBe('First 1,000,000 rows, there are more, 2.00\u00a0ms')
  expect(sentence({ kind: 'rows', sql: '', ms: 2, rows: { ...rows, length: 1 }, truncated: false })).toBe('1 row, 2.00\u00a0ms')
})

it('takes the hint out of the message', () => {
  expect(messageOf('no column\nLINE 1: x\n        ^\nhint: did you mean y?', 'did you mean y?')).toBe(
    'no column\nLINE 1: x\n        ^',
  )
  expect(messageOf('no column', undefined)).toBe('no column')
})
