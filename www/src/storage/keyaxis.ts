/** Where keys and times lie on the axis of a chart of files. */

import { shortCount } from '../style/numbers.js'
import { unixMsOf } from './seq.js'
import type { BatchFile, KeyColumn } from './snapshot.js'
import { clock, moment } from './wording.js'

/** What the axis is of. */
export type AxisKind = 'key' | 'time'

/** A part of the axis, as shares of its length between 0 and 1. */
export interface Extent {
  readonly from: number
  readonly to: number
}

/** A mark on the axis, as a share of its length. */
export interface Tick {
  readonly at: number
  readonly label: string
}

/** An axis that files have places on. */
export interface Axis {
  readonly title: string
  /** Where a file lies; `undefined` where its range is not known. */
  extentOf(file: BatchFile): Extent | undefined
  readonly ticks: readonly Tick[]
}

/** The axis of the commits in `files`. */
export function timeAxis(files: readonly BatchFile[]): Axis {
  const scale = linear(files.flatMap((file) => [unixMsOf(file.minSeq), unixMsOf(file.maxSeq)]))
  const day = (ms: number) => moment(ms).slice(0, 10)
  const sameDay = day(scale.low) === day(scale.high)
  const label = (ms: number) => (sameDay ? clock(ms, scale.high - scale.low < 10_000) : moment(ms).slice(0, 16))
  return {
    title: 'time of commit',
    extentOf: (file) => ({ from: scale.at(unixMsOf(file.minSeq)), to: scale.at(unixMsOf(file.maxSeq)) }),
    ticks: files.length === 0 ? [] : ends(scale, label),
  }
}

/**
 * The axis of `key`, of which `files` have ranges: numbers and times by their value, anything else by the rank of the ends
 * among each other.
 */
export function keyAxis(files: readonly BatchFile[], key: KeyColumn | undefined): Axis {
  const bounds = files.flatMap(({ minKey, maxKey }) => (minKey === undefined || maxKey === undefined ? [] : [minKey, maxKey]))
  const valueOf = readerOf(key?.type, bounds)
  const title = key === undefined ? 'first column of the key' : key.name
  return valueOf ? byValue(title, bounds, valueOf, key) : byRank(title, bounds)
}

function byValue(title: string, bounds: readonly string[], valueOf: (text: string) => number, key: KeyColumn | undefined): Axis {
  const scale = linear(bounds.map(valueOf))
  const isTime = key !== undefined && /^(DATE|TIMESTAMP)/.test(key.type)
  const round = isTime ? ends(scale, (ms) => utc(ms, scale.high - scale.low)) : ticksOf(scale)
  return {
    title,
    extentOf: ({ minKey, maxKey }) =>
      minKey === undefined || maxKey === undefined
        ? undefined
        : { from: scale.at(valueOf(minKey)), to: scale.at(valueOf(maxKey)) },
    ticks: bounds.length === 0 ? [] : round,
  }
}

function byRank(title: string, bounds: readonly string[]): Axis {
  const order = [...new Set(bounds)].sort()
  const ranks = new Map(order.map((text, rank) => [text, rank]))
  const scale = linear([0, order.length - 1])
  const at = (text: string) => scale.at(ranks.get(text) ?? 0)
  const first = order[0]
  const last = order.at(-1)
  return {
    title: `${title}, by rank`,
    extentOf: ({ minKey, maxKey }) =>
      minKey === undefined || maxKey === undefined ? undefined : { from: at(minKey), to: at(maxKey) },
    ticks: [
      ...(first === undefined ? [] : [{ at: 0, label: cut(first) }]),
      ...(last === undefined || last === first ? [] : [{ at: 1, label: cut(last) }]),
    ],
  }
}

/** What reads a bound as a number, if all of `bounds` have one in the order of the type. */
function readerOf(type: string | undefined, bounds: readonly string[]): ((text: string) => number) | undefined {
  const readers: [RegExp, (text: string) => number][] = [
    [/^(TINYINT|SMALLINT|INTEGER|BIGINT|REAL|DOUBLE|DECIMAL|NUMERIC)/, Number],
    [/^(DATE|TIMESTAMP)/, (text) => Date.parse(dated(text))],
  ]
  const found = type === undefined ? Number : readers.find(([begin]) => begin.test(type))?.[1]
  if (!found || !bounds.every((text) => text !== '' && Number.isFinite(found(text)))) {
    return undefined
  }
  return found
}

/** A date or a time as SQL writes it, as JavaScript reads it, in UTC. */
function dated(text: string): string {
  const [day = '', time] = text.split(/[ T]/)
  if (time === undefined) {
    return day
  }
  const zoned = time.replace(/([+-]\d\d)$/, '$1:00')
  return `${day}T${zoned}${/(Z|[+-]\d\d:\d\d)$/.test(zoned) ? '' : 'Z'}`
}

interface Scale {
  readonly low: number
  readonly high: number
  at(value: number): number
}

/** A scale of all of `values`; where they are all one value it is in the middle. */
function linear(values: readonly number[]): Scale {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const value of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  const length = high - low
  return { low, high, at: (value) => (length > 0 ? (value - low) / length : 0.5) }
}

function ends(scale: Scale, label: (value: number) => string): Tick[] {
  if (scale.high <= scale.low) {
    return [{ at: 0.5, label: label(scale.low) }]
  }
  return [
    { at: 0, label: label(scale.low) },
    { at: 1, label: label(scale.high) },
  ]
}

/** Round numbers within the scale, about four of them; the ends where there are none such. */
function ticksOf(scale: Scale): Tick[] {
  const length = scale.high - scale.low
  if (length <= 0) {
    return ends(scale, short)
  }
  const rough = length / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((each) => each >= rough) ?? power * 10
  const ticks: Tick[] = []
  for (let n = Math.ceil(scale.low / step); n * step <= scale.high; n += 1) {
    ticks.push({ at: scale.at(n * step), label: short(n * step) })
  }
  const labels = new Set(ticks.map((tick) => tick.label))
  return labels.size < Math.max(2, ticks.length) ? ends(scale, String) : ticks
}

function short(value: number): string {
  return Math.abs(value) < 1 ? String(Number(value.toPrecision(3))) : shortCount(value)
}

function utc(ms: number, length: number): string {
  const iso = new Date(ms).toISOString()
  return length > 2 * 86_400_000 ? iso.slice(0, 10) : iso.slice(0, 16).replace('T', ' ')
}

/** The beginning of a long text. */
function cut(text: string): string {
  return text.length > 18 ? `${text.slice(0, 17)}…` : text
}
