/** The hot tier of a scope as a heap of snow, each flake so many versions of rows. Boxes, so that browsers let them fall by themselves. */

import { memo } from 'react'
import type { FlakeKind } from './flakes.js'
import type { Place } from './heap.js'

export interface HotPileProps {
  readonly places: readonly Place[]
  readonly kinds: readonly FlakeKind[]
}

export function HotPile({ places, kinds }: HotPileProps) {
  return (
    <div className="storage-heap" aria-hidden="true">
      {places.map(({ x, y }, at) => (
        <Flake key={at} x={x} y={y} kind={kinds[at] ?? 'row'} />
      ))}
    </div>
  )
}

const Flake = memo(function Flake({ x, y, kind }: Place & { readonly kind: FlakeKind }) {
  return <span className="storage-flake" data-kind={kind} style={{ left: `${x}rem`, top: `${y}rem` }} />
})
