/** What is on its way from one snapshot to the next. */

import type { CSSProperties } from 'react'
import type { Motion } from './motion.js'

/** Styles with the places that the keyframes go between. */
type MovingStyle = CSSProperties & Record<`--${string}`, string>

export function Moving({ motion, rem }: { motion: Motion; rem: number }) {
  return (
    <g className="storage-moving" aria-hidden="true">
      {motion.merging.map(({ bar, dx, dy, stretch }) => {
        const style: MovingStyle = {
          '--from': `translate(${bar.x * rem}px, ${bar.y * rem}px)`,
          '--to': `translate(${(bar.x + dx) * rem}px, ${(bar.y + dy) * rem}px) scaleX(${stretch})`,
        }
        return (
          <rect key={bar.file.number} className="storage-merging" width={bar.width * rem} height={bar.height * rem} rx={0.2 * rem} style={style} />
        )
      })}
      {motion.falling.map(({ x, y, dx, dy, delayMs }) => {
        const style: MovingStyle = {
          '--from': `translate(${x * rem}px, ${y * rem}px)`,
          '--to': `translate(${(x + dx) * rem}px, ${(y + dy) * rem}px)`,
          animationDelay: `${delayMs}ms`,
        }
        return <circle key={`${x} ${y}`} className="storage-falling" r={0.1875 * rem} style={style} />
      })}
    </g>
  )
}
