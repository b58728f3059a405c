/** Which chart suits a result. */

import type { Column } from '../engine/result.js'
import { textOf } from '../results/format.js'

export const MARKS = ['line', 'bar', 'row', 'dot', 'histogram'] as const
/** How values are drawn; a `row` is a horizontal bar. */
export type Mark = (typeof MARKS)[number]

/** A chart: columns of the result by their places. Without `y`, rows are counted. */
export interface Chart {
  readonly mark: Mark
  readonly x: number
  readonly y?: number
  readonly colour?: number
}

/** What a column is good for. */
export type Role = 'time' | 'number' | 'category'

export function roleOf({ kind }: Column): Role | undefined {
  switch (kind) {
    case 'time':
      return 'time'
    case 'integer':
    case 'float':
    case 'decimal':
      return 'number'
    case 'text':
    case 'boolean':
      return 'category'
    default:
      return undefined
  }
}

/** Values of a column that are told apart by colours. */
export const MOST_SERIES = 10
/** Characters of labels that fit beside each other, and how many such labels do. */
const LONG_LABEL = 8
const MANY_LABELS = 12
/** Steps of a number that have a bar each; of more a line is drawn. */
const MANY_STEPS = 50

/** Whether the values of a column say something about which chart suits it; of others the kind says enough. */
export function isTold(column: Column): boolean {
  return roleOf(column) === 'category' || column.kind === 'integer'
}

/** The chart that suits columns of which `sample` has some rows; `undefined` where nothing can be drawn. */
export function defaultChart(columns: readonly Column[], sample: readonly (readonly unknown[])[]): Chart | undefined {
  const of = (role: Role) => columns.flatMap((column, at) => (roleOf(column) === role ? [at] : []))
  const [time] = of('time')
  const measures = of('number').sort((a, b) => Number(isKey(columns[a])) - Number(isKey(columns[b])))
  const [number, second] = measures
  const categories = of('category')
  const labels = categories.find((at) => isLabel(valuesOf(sample, columns, at)))
  const [category = undefined] = labels === undefined ? categories : [labels]
  const colour = categories.find((at) => isSeries(valuesOf(sample, columns, at)))
  const series = colour === undefined ? {} : { colour }

  if (time !== undefined) {
    return number === undefined ? { mark: 'histogram', x: time } : { mark: 'line', x: time, y: number, ...series }
  }
  if (category !== undefined && number !== undefined && (labels !== undefined || second === undefined || isKey(columns[second]))) {
    return { mark: barFor(valuesOf(sample, columns, category)), x: category, y: number }
  }
  if (number !== undefined && second !== undefined) {
    const [left, right] = number < second ? [number, second] : [second, number]
    const steps = [left, right].find((at) => isStep(columns[at], sample.map((row) => row[at])))
    if (steps !== undefined) {
      return { mark: sample.length > MANY_STEPS ? 'line' : 'bar', x: steps, y: steps === left ? right : left }
    }
    return { mark: 'dot', x: left, y: right, ...series }
  }
  if (number !== undefined) {
    return { mark: 'histogram', x: number }
  }
  return category === undefined ? undefined : { mark: barFor(valuesOf(sample, columns, category)), x: category }
}

/** Bars that stand while their labels fit beneath them, and lie otherwise. */
function barFor(values: readonly string[]): Mark {
  const labels = new Set(values)
  return labels.size > MANY_LABELS || [...labels].some((label) => label.length > LONG_LABEL) ? 'row' : 'bar'
}

/** Whether a column names its rows, as that of a GROUP BY does. */
function isLabel(values: readonly string[]): boolean {
  return values.length > 0 && new Set(values).size === values.length
}

/** Whether a column goes from step to step, as an integer does by which rows were grouped and sorted. */
function isStep(column: Column | undefined, values: readonly unknown[]): boolean {
  return (
    column?.kind === 'integer' &&
    values.length > 1 &&
    values.every((value, at) => {
      const before = values[at - 1]
      return isInteger(value) && (at === 0 || (isInteger(before) && before < value))
    })
  )
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** Whether a column tells a few series apart. */
function isSeries(values: readonly string[]): boolean {
  const { size } = new Set(values)
  return size > 1 && size <= MOST_SERIES && size <= values.length / 2
}

/** Whether a column numbers its rows rather than measures something. */
function isKey(column: Column | undefined): boolean {
  return column?.kind === 'integer' && /(^|_)(id|key|seq)$/i.test(column.name)
}

function valuesOf(sample: readonly (readonly unknown[])[], columns: readonly Column[], at: number): string[] {
  return sample.flatMap((row) => (row[at] === null || row[at] === undefined ? [] : [textOf(row[at], columns[at]?.type ?? '')]))
}
