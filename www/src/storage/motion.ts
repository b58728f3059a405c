/** What moves between one snapshot and the next: flakes that fall and freeze, and files that collapse into one. */

import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { differenceOfScope } from './difference.js'
import type { Place } from './heap.js'
import type { Bar } from './lanes.js'
import type { ScopeStorage } from './snapshot.js'

/** How long a movement takes, the latest flake's delay with it. */
export const MOTION_MS = 1800
/** Flakes that are seen to fall; the others of a heap are gone meanwhile. */
const MOST_FALLING = 20

/** A flake on its way to a file. */
export interface Falling extends Place {
  readonly dx: number
  readonly dy: number
  readonly delayMs: number
}

/** A file on its way to the one that it was merged into. */
export interface Merging {
  readonly bar: Bar
  readonly dx: number
  readonly dy: number
  /** How much wider the new file is. */
  readonly stretch: number
}

/** What moves. */
export interface Motion {
  readonly id: number
  readonly falling: readonly Falling[]
  readonly merging: readonly Merging[]
  /** Numbers of the files that come of it, and how. */
  readonly frozen: ReadonlySet<number>
  readonly merged: ReadonlySet<number>
}

/** What a scope looks like, in lengths of `rem`. */
export interface Picture {
  readonly scope: ScopeStorage
  readonly flakes: readonly Place[]
  readonly bars: readonly Bar[]
}

/** What moves between two pictures; `undefined` when nothing does. */
export function motionOf(before: Picture, after: Picture, id: number): Motion | undefined {
  const falling: Falling[] = []
  const merging: Merging[] = []
  const frozen = new Set<number>()
  const merged = new Set<number>()
  const barOf = (number: number) => after.bars.find((bar) => bar.file.number === number)
  for (const event of differenceOfScope('', before.scope, after.scope)) {
    if (event.kind === 'flushed') {
      const bars = event.files.flatMap((number) => barOf(number) ?? [])
      for (const bar of bars) {
        frozen.add(bar.file.number)
      }
      const every = Math.ceil(before.flakes.length / MOST_FALLING)
      before.flakes.filter((_, at) => at % every === 0).forEach((flake, at) => {
        const bar = bars[at % bars.length]
        if (bar) {
          falling.push(fallOf(flake, bar, at))
        }
      })
    }
    if (event.kind === 'compacted') {
      const [bar] = event.to.flatMap((number) => barOf(number) ?? [])
      for (const number of event.to) {
        merged.add(number)
      }
      const old = before.bars.filter(({ file }) => event.from.includes(file.number))
      merging.push(...(bar ? old.map((each) => mergeOf(each, bar)) : []))
    }
  }
  return frozen.size + merged.size > 0 ? { id, falling, merging, frozen, merged } : undefined
}

function fallOf(flake: Place, bar: Bar, at: number): Falling {
  // Spread by the golden ratio, so that neighbours fall apart, the same way each time.
  const spread = (at * 0.618) % 1
  return {
    ...flake,
    dx: bar.x + spread * bar.width - flake.x,
    dy: bar.y + bar.height / 2 - flake.y,
    delayMs: Math.round(((at * 0.382) % 1) * 500),
  }
}

function mergeOf(old: Bar, bar: Bar): Merging {
  return { bar: old, dx: bar.x - old.x, dy: bar.y - old.y, stretch: bar.width / old.width }
}

/** What moves since the picture before, for as long as it does. */
export function useMotion(picture: Picture | undefined): Motion | undefined {
  const last = useRef<Picture>(undefined)
  const next = useRef(1)
  const [motion, setMotion] = useState<Motion>()
  useLayoutEffect(() => {
    const before = last.current
    last.current = picture
    if (!before || !picture || before.scope === picture.scope || isStill()) {
      return
    }
    const moves = motionOf(before, picture, next.current)
    if (moves) {
      next.current += 1
      setMotion(moves)
    }
  }, [picture])
  useEffect(() => {
    if (motion) {
      const timer = setTimeout(() => setMotion(undefined), MOTION_MS)
      return () => clearTimeout(timer)
    }
    return undefined
  }, [motion])
  return motion
}

/** Whether `value` is true or was until what comes of it has been seen. */
export function useLingering(value: boolean): boolean {
  const [lingers, setLingers] = useState(value)
  useEffect(() => {
    if (value) {
      setLingers(true)
      return undefined
    }
    const timer = setTimeout(() => setLingers(false), MOTION_MS)
    return () => clearTimeout(timer)
  }, [value])
  return value || lingers
}

/** Whether the user wants nothing to move. */
function isStill(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches
}
