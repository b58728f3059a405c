import { describe, expect, it } from 'vitest'
import type { Column, Rows } from '../engine/result.js'
import { drawingOf, evenly, stepsOf } from './drawing.js'
import { summaryOf } from './summary.js'

const columns: readonly Column[] = [
  { name: 'at', type: 'TIMESTAMP', kind: 'time' },
  { name: 'kind', type: 'TEXT', kind: 'text' },
  { name: 'price', type: 'DECIMAL(9,2)', kind: 'decimal' },
]

function rows(length: number): Rows {
  return {
    columns,
    length,
    value: (row, column) => [BigInt(length - row) * 1_000_000n, 'ab'[row % 2], row % 10 === 9 ? null : `${row % 10}.50`][column] ?? null,
  }
}

describe('what is drawn', () => {
  it('is a sample at equal distances, and says so', async () => {
    const { points, notes } = await drawingOf(rows(1_000_000), { mark: 'line', x: 0, y: 2, colour: 1 })
    expect(notes[0]).toBe('A sample of 2,000 of 1,000,000 rows, evenly spaced.')
    expect(points.length).toBeLessThanOrEqual(2_000)
    const xs = points.map(({ x }) => Number(x))
    expect(xs).toEqual([...xs].sort((a, b) => a - b))
    expect(new Set(points.map(({ colour }) => colour))).toEqual(new Set(['a', 'b']))
  })
  it('sums bars up over all rows, in the order of the result', async () => {
    const drawing = await drawingOf(rows(20), { mark: 'bar', x: 1, y: 2 })
    expect(drawing.points).toEqual([{ x: 'a', y: 45 }, { x: 'b', y: 36 }])
    expect(drawing.notes).toEqual(['Each bar is the sum of price over its rows.', '2 rows without a value to draw left out.'])
    expect(summaryOf(drawing, columns)).toBe('Bar chart of price by kind. 2 values of kind. price from 36 to 45, highest at a.')
  })
  it('counts rows where nothing is measured', async () => {
    expect((await drawingOf(rows(5), { mark: 'row', x: 1 })).points).toEqual([{ x: 'a', y: 3 }, { x: 'b', y: 2 }])
  })
  it('has every value in one bin', async () => {
    const { points } = await drawingOf(rows(1_000), { mark: 'histogram', x: 2 })
    expect(points.reduce((sum, { y }) => sum + y, 0)).toBe(900)
    const times = await drawingOf(rows(1_000), { mark: 'histogram', x: 0 })
    expect(times.points.reduce((sum, { y }) => sum + y, 0)).toBe(1_000)
    expect(times.points[0]?.x).toBeInstanceOf(Date)
  })
  it('is given up', async () => {
    const controller = new AbortController()
    const drawing = drawingOf(rows(10_000_000), { mark: 'histogram', x: 2 }, controller.signal)
    controller.abort()
    await expect(drawing).rejects.toThrow()
  })
})

it('takes rows from the first to the last', () => {
  expect(evenly(3, 5)).toEqual([0, 1, 2])
  expect(evenly(101, 3)).toEqual([0, 50, 100])
  expect(evenly(1, 5)).toEqual([0])
  expect(evenly(0, 5)).toEqual([])
})

it('steps over round numbers', () => {
  expect(stepsOf(3, 297)).toEqual({ begin: 0, step: 10, length: 30 })
  expect(stepsOf(5, 5)).toEqual({ begin: 5, step: 1, length: 1 })
})
