/** Hot rows as a pile of flakes, each of which stands for as many. */

import type { HotTier } from './snapshot.js'

/** What a flake stands for: a row, a deletion that is not in the files yet, or a version that a newer one replaced. */
export type FlakeKind = 'row' | 'tombstone' | 'superseded'

/** A pile of flakes. */
export interface Pile {
  /** What one flake stands for: 1, 2, 5, 10, … versions. */
  readonly each: number
  readonly flakes: readonly FlakeKind[]
}

/** The pile of `hot` with at most `most` flakes; whatever there is of has one at least. */
export function pileOf(hot: HotTier, most: number): Pile {
  const superseded = Math.max(0, hot.versions - hot.rows - hot.tombstones)
  const total = hot.rows + hot.tombstones + superseded
  let each = 1
  // Two may be added by rounding up.
  for (let at = 1; Math.ceil(total / each) > Math.max(1, most - 2); at += 1) {
    each = (STEPS[at % STEPS.length] ?? 1) * 10 ** Math.floor(at / STEPS.length)
  }
  const flakes = (kind: FlakeKind, n: number) => Array.from({ length: Math.ceil(n / each) }, () => kind)
  return {
    each,
    flakes: [...flakes('row', hot.rows), ...flakes('tombstone', hot.tombstones), ...flakes('superseded', superseded)],
  }
}

const STEPS = [1, 2, 5]
