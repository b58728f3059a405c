/** Where the bars of files lie in a chart: a lane each while there is room, shared lanes when there are very many. */

import type { Axis, Extent } from './keyaxis.js'
import { type BatchFile, isLive } from './snapshot.js'

/** How close lanes are: with a line of text each, with a name beside each, bars only, or bars that share lanes. */
export type Density = 'told' | 'named' | 'thin' | 'shared'

/** A bar, in lengths of `rem` from the upper left of the chart. */
export interface Bar {
  readonly file: BatchFile
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** Whether its range is not known, so that it spans the axis. */
  readonly unknown: boolean
}

/** Bars, and what there was no room for. */
export interface Lanes {
  readonly density: Density
  readonly bars: readonly Bar[]
  readonly height: number
  /** From where on bars lie that were replaced; `undefined` without such. */
  readonly replacedFrom: number | undefined
  readonly more: number
}

/** Most lanes of each density. */
const TOLD = 10
const NAMED = 28
const THIN = 90
/** Most lanes of files that were replaced. */
const REPLACED = 30

/** The height of a lane, and of the thickest and thinnest bar in it. */
const MEASURES: Readonly<Record<Density, readonly [number, number, number]>> = {
  told: [2.125, 0.875, 0.375],
  named: [1, 0.75, 0.3],
  thin: [0.4375, 0.375, 0.1875],
  shared: [0.4375, 0.375, 0.1875],
}

/** What the names of files take on the left of named lanes. */
export const NAME_WIDTH = 4.25
/** The narrowest bar. */
const NARROWEST = 0.375

/** The density for so many files. */
function densityOf(files: number): Density {
  return files <= TOLD ? 'told' : files <= NAMED ? 'named' : files <= THIN ? 'thin' : 'shared'
}

/** Where files lie in a chart that is `width` wide: live ones in order of number, replaced ones beneath them. */
export function lanesOf(files: readonly BatchFile[], axis: Axis, width: number): Lanes {
  const live = files.filter(isLive)
  const density = densityOf(live.length)
  const [pitch, thickest, thinnest] = MEASURES[density]
  const left = density === 'named' ? NAME_WIDTH : 0
  const length = Math.max(1, width - left)
  const largest = Math.max(1, ...live.map((file) => file.bytes))
  const barOf = (file: BatchFile, top: number, most: number, least: number): Bar => {
    const extent = axis.extentOf(file)
    const { from, to } = extent ?? { from: 0, to: 1 }
    const long = Math.max(NARROWEST, (to - from) * length)
    const x = left + Math.min(from * length, length - long)
    const height = Math.min(most, Math.max(least, most * Math.sqrt(file.bytes / largest)))
    return { file, x: Math.max(left, x), y: top + (most - height) / 2, width: long, height, unknown: !extent }
  }
  const laneOf = density === 'shared' ? shared(live, axis) : new Map(live.map((file, lane) => [file.number, lane]))
  const bars: Bar[] = []
  let lanes = 0
  for (const file of live) {
    const lane = laneOf.get(file.number) ?? 0
    if (lane < THIN) {
      lanes = Math.max(lanes, lane + 1)
      bars.push(barOf(file, lane * pitch, thickest, thinnest))
    }
  }
  const more = live.length - bars.length
  const bottom = lanes * pitch
  const replaced = files.filter((file) => !isLive(file))
  if (replaced.length === 0) {
    return { density, bars, height: bottom, replacedFrom: undefined, more }
  }
  // What was replaced last is seen; the rest is told.
  const shown = replaced.slice(-REPLACED)
  const from = bottom + (lanes > 0 ? 0.5 : 0)
  const top = from + 1.125
  const step = shown.length > TOLD ? 0.3125 : 0.5
  bars.push(...shown.map((file, at) => barOf(file, top + at * step, step * 0.7, step * 0.7)))
  return { density, bars, height: top + shown.length * step, replacedFrom: from, more: more + replaced.length - shown.length }
}

/** Lanes of files that do not overlap in them: each file in the first lane that has room. */
function shared(files: readonly BatchFile[], axis: Axis): Map<number, number> {
  const places = files.map((file): { file: BatchFile; extent: Extent } => ({
    file,
    extent: axis.extentOf(file) ?? { from: 0, to: 1 },
  }))
  places.sort((a, b) => a.extent.from - b.extent.from)
  const ends: number[] = []
  const found = new Map<number, number>()
  for (const { file, extent } of places) {
    const free = ends.findIndex((end) => end < extent.from)
    const lane = free < 0 ? ends.length : free
    ends[lane] = extent.to + GAP
    found.set(file.number, lane)
  }
  return found
}

/** What is between bars of one lane, as a share of the axis. */
const GAP = 0.012
