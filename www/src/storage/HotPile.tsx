/** The hot tier of a scope as a heap of snow, each flake so many versions of rows. */

import type { FlakeKind } from './flakes.js'
import type { Place } from './heap.js'

export interface HotPileProps {
  readonly places: readonly Place[]
  readonly kinds: readonly FlakeKind[]
  readonly rem: number
}

export function HotPile({ places, kinds, rem }: HotPileProps) {
  return places.map(({ x, y }, at) => {
    const kind = kinds[at] ?? 'row'
    return (
      <g key={at} className="storage-flake" data-kind={kind} style={{ transform: `translate(${x * rem}px, ${y * rem}px)` }}>
        <circle r={0.1875 * rem} />
        {kind === 'tombstone' && <path d={cross(0.1 * rem)} />}
      </g>
    )
  })
}

function cross(r: number): string {
  return `M${-r} ${-r}L${r} ${r}M${r} ${-r}L${-r} ${r}`
}
