/** The hot tier of a scope as a heap of snow, each flake so many versions of rows. Boxes, so that browsers let them fall by themselves. */

import { memo, useState } from 'react'
import type { FlakeKind } from './flakes.js'
import type { Place } from './heap.js'

/** Flakes that land one by one; more land as one heap, since each that moves costs. */
const MOST_LANDING = 12

export interface HotPileProps {
  readonly places: readonly Place[]
  readonly kinds: readonly FlakeKind[]
}

export function HotPile({ places, kinds }: HotPileProps) {
  const [{ now, before }, setCounts] = useState({ now: 0, before: 0 })
  if (now !== places.length) {
    setCounts({ now: places.length, before: now })
  }
  const many = now - before > MOST_LANDING
  return (
    <div className="storage-heap" data-lands={many} aria-hidden="true">
      {places.map(({ x, y }, at) => (
        <Flake key={at} x={x} y={y} kind={kinds[at] ?? 'row'} lands={at >= before && !many} />
      ))}
    </div>
  )
}

const Flake = memo(function Flake({ x, y, kind, lands }: Place & { readonly kind: FlakeKind; readonly lands: boolean }) {
  return <span className="storage-flake" data-kind={kind} data-lands={lands} style={{ left: `${x}rem`, top: `${y}rem` }} />
})
