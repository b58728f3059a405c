/** What is drawn of a result: some of its rows, or all of them summed up. */

import type { Rows } from '../engine/result.js'
import { dateOf, numberOf, textOf } from '../results/format.js'
import { inSlices } from '../results/slices.js'
import { count, counted } from '../style/numbers.js'
import { type Chart, MOST_SERIES, roleOf } from './defaults.js'

/** Points that are drawn; more are not told apart. */
export const MOST_POINTS = 2_000
/** Bars that are drawn. */
const MOST_BARS = 50
const BINS = 30

export type Place = number | Date | string

/** A mark at a place; a bin goes on to `until`. */
export interface Point {
  readonly x: Place
  readonly until?: number | Date
  readonly y: number
  readonly colour?: string
}

export interface Drawing {
  readonly chart: Chart
  readonly points: readonly Point[]
  /** What is not seen from the picture: what was left out, and how rows were summed up. */
  readonly notes: readonly string[]
}

/** Reads what `chart` draws of `rows`, bit by bit. */
export function drawingOf(rows: Rows, chart: Chart, signal?: AbortSignal): Promise<Drawing> {
  switch (chart.mark) {
    case 'line':
    case 'dot':
      return chart.y === undefined ? barsOf(rows, chart, signal) : pointsOf(rows, chart, chart.y, signal)
    case 'histogram':
      return binsOf(rows, chart, signal)
    default:
      return barsOf(rows, chart, signal)
  }
}

/** Rows at equal distances, so that all of the result is seen, however it is sorted. */
export function evenly(length: number, most: number): number[] {
  const taken = Math.min(length, most)
  return Array.from({ length: taken }, (_, at) => (taken < 2 ? 0 : Math.round((at * (length - 1)) / (taken - 1))))
}

async function pointsOf(rows: Rows, chart: Chart, y: number, signal?: AbortSignal): Promise<Drawing> {
  const sample = evenly(rows.length, MOST_POINTS)
  const place = placeOf(rows, chart.x)
  const series = new Series(rows, chart.colour)
  const points: Point[] = []
  await inSlices(
    sample.length,
    (at) => {
      const row = sample[at] ?? 0
      const x = place(row)
      const height = numberOf(rows.value(row, y))
      if (x !== undefined && Number.isFinite(height)) {
        points.push({ x, y: height, ...series.of(row) })
      }
    },
    signal,
  )
  // A line goes from the left to the right.
  const drawn = chart.mark === 'line' && typeof points[0]?.x !== 'string' ? points.sort((a, b) => Number(a.x) - Number(b.x)) : points
  const notes = [
    ...(sample.length < rows.length ? [`A sample of ${count(sample.length)} of ${count(rows.length)} rows, evenly spaced.`] : []),
    ...left(sample.length - points.length),
    ...series.notes(),
  ]
  return { chart, points: drawn, notes }
}

async function barsOf(rows: Rows, chart: Chart, signal?: AbortSignal): Promise<Drawing> {
  const { x, y } = chart
  const type = rows.columns[x]?.type ?? ''
  const series = new Series(rows, chart.colour)
  const bars = new Map<string, Map<string | undefined, number>>()
  let drawn = 0
  let summed = 0
  await inSlices(
    rows.length,
    (row) => {
      const height = y === undefined ? 1 : numberOf(rows.value(row, y))
      if (!Number.isFinite(height)) {
        return
      }
      drawn++
      const value = rows.value(row, x)
      const label = value === null ? 'NULL' : textOf(value, type)
      const parts = bars.get(label) ?? new Map<string | undefined, number>()
      bars.set(label, parts)
      const { colour } = series.of(row)
      summed += Number(parts.has(colour))
      parts.set(colour, (parts.get(colour) ?? 0) + height)
    },
    signal,
  )
  const shown = [...bars].slice(0, MOST_BARS)
  const points = shown.flatMap(([label, parts]) =>
    [...parts].map(([colour, height]): Point => ({ x: label, y: height, ...(colour !== undefined && { colour }) })),
  )
  const name = rows.columns[x]?.name ?? ''
  const notes = [
    ...(y !== undefined && summed > 0 ? [`Each bar is the sum of ${rows.columns[y]?.name} over its rows.`] : []),
    ...(shown.length < bars.size ? [`The first ${MOST_BARS} of ${count(bars.size)} values of ${name}.`] : []),
    ...left(rows.length - drawn),
    ...series.notes(),
  ]
  return { chart, points, notes }
}

async function binsOf(rows: Rows, chart: Chart, signal?: AbortSignal): Promise<Drawing> {
  const column = rows.columns[chart.x]
  const isTime = column !== undefined && roleOf(column) === 'time'
  const values = new Float64Array(rows.length)
  let found = 0
  let [low, high] = [Infinity, -Infinity]
  await inSlices(
    rows.length,
    (row) => {
      const value = rows.value(row, chart.x)
      const number = isTime ? (dateOf(value)?.getTime() ?? NaN) : numberOf(value)
      if (Number.isFinite(number)) {
        values[found++] = number
        low = Math.min(low, number)
        high = Math.max(high, number)
      }
    },
    signal,
  )
  if (found === 0) {
    return { chart, points: [], notes: left(rows.length) }
  }
  const { begin, step, length } = stepsOf(low, high, isTime)
  const heights = new Float64Array(length)
  await inSlices(
    found,
    (at) => {
      const bin = Math.min(length - 1, Math.max(0, Math.floor(((values[at] ?? 0) - begin) / step)))
      heights[bin] = (heights[bin] ?? 0) + 1
    },
    signal,
  )
  const edge = (at: number) => (isTime ? new Date(begin + at * step) : begin + at * step)
  const points = Array.from(heights, (y, at): Point => ({ x: edge(at), until: edge(at + 1), y }))
  return { chart, points, notes: left(rows.length - found) }
}

/** Some thirty steps from `low` to `high`; of numbers they begin at round ones. */
export function stepsOf(low: number, high: number, exact = false): { begin: number; step: number; length: number } {
  const rough = (high - low) / BINS || 1
  if (exact) {
    return { begin: low, step: rough, length: high === low ? 1 : BINS }
  }
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5, 10].find((each) => each * power >= rough * 0.999_999) ?? 10)
  const begin = Math.floor(low / step) * step
  return { begin, step, length: Math.max(1, Math.floor((high - begin) / step) + 1) }
}

/** What is on the x axis for a row; `undefined` where there is nothing. */
function placeOf(rows: Rows, at: number): (row: number) => Place | undefined {
  const column = rows.columns[at]
  switch (column && roleOf(column)) {
    case 'time':
      return (row) => dateOf(rows.value(row, at))
    case 'number':
      return (row) => {
        const number = numberOf(rows.value(row, at))
        return Number.isFinite(number) ? number : undefined
      }
    default:
      return (row) => textOf(rows.value(row, at), column?.type ?? '') || undefined
  }
}

/** The values that colours stand for: the first, and all others together. */
class Series {
  readonly #rows: Rows
  readonly #column: number | undefined
  readonly #names = new Set<string>()
  #others = false

  constructor(rows: Rows, column: number | undefined) {
    this.#rows = rows
    this.#column = column
  }

  of(row: number): { colour?: string } {
    if (this.#column === undefined) {
      return {}
    }
    const value = this.#rows.value(row, this.#column)
    const name = value === null ? 'NULL' : textOf(value, this.#rows.columns[this.#column]?.type ?? '')
    if (this.#names.size < MOST_SERIES - 1 || this.#names.has(name)) {
      this.#names.add(name)
      return { colour: name }
    }
    this.#others = true
    return { colour: OTHERS }
  }

  notes(): string[] {
    return this.#others ? [`Only ${MOST_SERIES - 1} values have colours of their own.`] : []
  }
}

export const OTHERS = '(others)'

function left(rows: number): string[] {
  return rows > 0 ? [`${counted(rows, 'row')} without a value to draw left out.`] : []
}
