import { describe, expect, test } from 'vitest'
import { keyAxis, timeAxis } from './keyaxis.js'
import { lanesOf } from './lanes.js'
import type { BatchFile } from './snapshot.js'

function file(number: number, minKey: string | undefined, maxKey: string | undefined, change: Partial<BatchFile> = {}): BatchFile {
  const rest = { path: '', status: 'active', rows: 1, deadRows: 0, bytes: 1, rowGroups: 1, schemaVersion: 1 }
  return { number, minKey, maxKey, minSeq: 0n, maxSeq: 0n, ...rest, ...change }
}

describe('the axis of keys', () => {
  test('has numbers by their value', () => {
    const files = [file(1, '-100', '0'), file(2, '50', '300')]
    const axis = keyAxis(files, { name: 'id', type: 'BIGINT' })
    expect(files.map((each) => axis.extentOf(each))).toEqual([
      { from: 0, to: 0.25 },
      { from: 0.375, to: 1 },
    ])
    expect(axis.title).toBe('id')
    expect(axis.ticks.map((tick) => tick.label)).toEqual(['-100', '0', '100', '200', '300'])
  })

  test('has numbers by their value where the type is not known', () => {
    const files = [file(1, '9', '10'), file(2, '100', '109')]
    expect(keyAxis(files, undefined).extentOf(file(1, '9', '10'))).toEqual({ from: 0, to: 0.01 })
  })

  test('has days and times by their value', () => {
    const files = [file(1, '2026-03-01', '2026-03-02'), file(2, '2026-03-04', '2026-03-05')]
    expect(keyAxis(files, { name: 'day', type: 'DATE' }).extentOf(file(1, '2026-03-01', '2026-03-02'))).toEqual({ from: 0, to: 0.25 })
    const times = [file(1, '2026-03-01 12:00:00+00', '2026-03-01 12:00:00.5+00'), file(2, '2026-03-01 12:00:01+00', '2026-03-01 12:00:02+00')]
    expect(keyAxis(times, { name: 'at', type: 'TIMESTAMPTZ' }).extentOf(file(1, '2026-03-01 12:00:00+00', '2026-03-01 12:00:00.5+00'))).toEqual({
      from: 0,
      to: 0.25,
    })
  })

  test('has text by its rank', () => {
    const files = [file(1, 'a', 'k'), file(2, 'b', 'zz'), file(3, 'a', 'b')]
    const axis = keyAxis(files, { name: 'word', type: 'TEXT' })
    expect(files.map((each) => axis.extentOf(each))).toEqual([
      { from: 0, to: 2 / 3 },
      { from: 1 / 3, to: 1 },
      { from: 0, to: 1 / 3 },
    ])
    expect(axis.ticks.map((tick) => tick.label)).toEqual(['a', 'zz'])
  })

  test('has text that looks like numbers by its rank', () => {
    const axis = keyAxis([file(1, '10', '9')], { name: 'code', type: 'TEXT' })
    expect(axis.extentOf(file(1, '10', '9'))).toEqual({ from: 0, to: 1 })
  })

  test('has no place for a file whose range is not known, and the middle for one key', () => {
    expect(keyAxis([file(1, undefined, undefined)], undefined).extentOf(file(1, undefined, undefined))).toBeUndefined()
    expect(keyAxis([file(1, '5', '5')], undefined).extentOf(file(1, '5', '5'))).toEqual({ from: 0.5, to: 0.5 })
  })

  test('tells numbers that are close together apart', () => {
    const axis = keyAxis([file(1, '1000000', '1000003')], { name: 'id', type: 'BIGINT' })
    expect(axis.ticks.map((tick) => tick.label)).toEqual(['1000000', '1000003'])
  })
})

test('the axis of times has files by their commits', () => {
  const at = (ms: number) => BigInt(ms) << 22n
  const files = [file(1, '1', '2', { minSeq: at(0), maxSeq: at(1000) }), file(2, '1', '2', { minSeq: at(3000), maxSeq: at(4000) })]
  expect(files.map((each) => timeAxis(files).extentOf(each))).toEqual([
    { from: 0, to: 0.25 },
    { from: 0.75, to: 1 },
  ])
})

describe('lanes', () => {
  const some = (n: number, change: (at: number) => Partial<BatchFile> = () => ({})) =>
    Array.from({ length: n }, (_, at) => file(at + 1, String(at * 10), String(at * 10 + 9), change(at)))

  test('shrink, and are shared at last', () => {
    const density = (n: number) => lanesOf(some(n), keyAxis(some(n), undefined), 24).density
    expect([6, 20, 60, 300].map(density)).toEqual(['told', 'named', 'thin', 'shared'])
  })

  test('have every file once, within the chart', () => {
    for (const n of [1, 6, 20, 60, 300]) {
      const { bars, more } = lanesOf(some(n), keyAxis(some(n), undefined), 24)
      expect(new Set(bars.map((bar) => bar.file.number)).size + more).toBe(n)
      expect(bars.every((bar) => bar.x >= 0 && bar.x + bar.width <= 24.001)).toBe(true)
    }
  })

  test('are shared by files that do not overlap', () => {
    const apart = some(300)
    expect(lanesOf(apart, keyAxis(apart, undefined), 24).height).toBeLessThan(5)
    const same = some(300, () => ({ minKey: '0', maxKey: '9' }))
    expect(lanesOf(same, keyAxis(same, undefined), 24).more).toBe(210)
  })

  test('have what was replaced beneath', () => {
    const files = some(4, (at) => (at < 3 ? { status: 'archived' } : {}))
    const { bars, replacedFrom } = lanesOf(files, keyAxis(files, undefined), 24)
    expect(bars.map((bar) => bar.y >= (replacedFrom ?? 0))).toEqual([false, true, true, true])
  })
})
