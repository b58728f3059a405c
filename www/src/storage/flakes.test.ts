import { expect, test } from 'vitest'
import { pileOf } from './flakes.js'
import { heap, HEAP_HEIGHT, roomFor } from './heap.js'

const hot = (rows: number, versions = rows, tombstones = 0) => ({ rows, versions, tombstones, bytes: undefined })

test('few rows are a flake each, many share one', () => {
  expect(pileOf(hot(5), 100)).toMatchObject({ each: 1, flakes: { length: 5 } })
  expect(pileOf(hot(200_000), 100)).toMatchObject({ each: 5000, flakes: { length: 40 } })
})

test('whatever there is has a flake', () => {
  const { each, flakes } = pileOf(hot(99_000, 100_000, 1), 100)
  expect(each).toBe(2000)
  expect(flakes.filter((kind) => kind !== 'row')).toEqual(['tombstone', 'superseded'])
  expect(pileOf(hot(0), 100).flakes).toEqual([])
})

test('a heap lies within its ground, no flake on another', () => {
  const width = 20
  const places = heap(roomFor(width), width)
  expect(new Set(places.map(({ x, y }) => `${x} ${y}`)).size).toBe(roomFor(width))
  expect(places.every(({ x, y }) => x > 0 && x < width + 0.2 && y > 0 && y < HEAP_HEIGHT)).toBe(true)
})
