import { expect, test } from 'vitest'
import type { Value } from './csv.js'
import { Random } from './random.js'
import {
  CUSTOMERS,
  LINES,
  LINES_SEED,
  ORDERS,
  PARTS,
  SUPPLIERS,
  customers,
  nations,
  orderWithLines,
  partSuppliers,
  parts,
  regions,
  suppliers,
} from './tpch.js'

const chance = { orders: new Random(5), lines: new Random(6), counts: new Random(LINES_SEED) }
const made = Array.from({ length: ORDERS }, (_, at) => orderWithLines(at + 1, chance))
const lines = made.flatMap(({ lines }) => lines)
const column = (rows: Iterable<readonly Value[]>, at: number) => [...rows].map((row) => row[at])
const pair = (a: Value, b: Value) => `${a} ${b}`

test('there are as many rows as at the scale 0.01', () => {
  const counts = [regions(), nations(), suppliers(new Random(1)), customers(new Random(2)), parts(new Random(3))]
  expect(counts.map((rows) => [...rows].length)).toEqual([5, 25, SUPPLIERS, CUSTOMERS, PARTS])
  expect([...partSuppliers(new Random(4))].length).toBe(4 * PARTS)
  expect(lines.length).toBe(LINES)
})

test('no key comes twice', () => {
  expect(new Set(column(made.map(({ order }) => order), 0)).size).toBe(ORDERS)
  expect(new Set(lines.map((row) => pair(row[0], row[3]))).size).toBe(LINES)
  const sources = [...partSuppliers(new Random(4))].map((row) => pair(row[0], row[1]))
  expect(new Set(sources).size).toBe(4 * PARTS)
})

test('what is referred to is there', () => {
  const sources = new Set([...partSuppliers(new Random(4))].map((row) => pair(row[0], row[1])))
  expect(lines.every((row) => sources.has(pair(row[1], row[2])))).toBe(true)
  const people = new Set(column(customers(new Random(2)), 0))
  expect(made.every(({ order }) => people.has(order[1]) && Number(order[1]) % 3 !== 0)).toBe(true)
  const countries = new Set(column(nations(), 0))
  const origins = [...column(suppliers(new Random(1)), 3), ...column(customers(new Random(2)), 3)]
  expect(origins.every((nation) => countries.has(nation))).toBe(true)
  const continents = new Set(column(regions(), 0))
  expect(column(nations(), 2).every((region) => continents.has(region))).toBe(true)
})

// One expectation for all rows: each of 60,000 would take seconds.
test('dates follow each other, and say what became of a line', () => {
  const wrong = made.flatMap(({ order, lines }) =>
    lines.filter((row) => {
      const [ordered, shipped, received] = [order[4], row[10], row[12]].map(String)
      if (ordered === undefined || shipped === undefined || received === undefined) {
        return true
      }
      const inOrder = shipped > ordered && received > shipped && received <= '1998-12-31'
      const isOpen = (row[9] === 'O') === shipped > '1995-06-17'
      return !(inOrder && isOpen && (row[8] === 'N') === received > '1995-06-17')
    }),
  )
  expect(wrong).toEqual([])
})

test('the total of an order is that of its lines', () => {
  for (const { order, lines } of made.slice(0, 500)) {
    const sum = lines.reduce((sum, row) => sum + Number(row[5]) * (1 - Number(row[6])) * (1 + Number(row[7])), 0)
    expect(Math.abs(sum - Number(order[3]))).toBeLessThan(0.05)
    const states = new Set(lines.map((row) => row[9]))
    expect(order[2]).toBe(states.size === 2 ? 'P' : [...states][0])
  }
})

test('values are in their ranges', () => {
  const within = (value: Value, low: number, high: number) => Number(value) >= low && Number(value) <= high
  const wrong = lines.filter((row) => !(within(row[4], 1, 50) && within(row[6], 0, 0.1) && within(row[7], 0, 0.08)))
  expect(wrong).toEqual([])
  expect(column(parts(new Random(3)), 7).slice(0, 2)).toEqual(['901.00', '902.00'])
})
