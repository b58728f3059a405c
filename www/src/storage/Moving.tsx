/**
 * What is on its way from one snapshot to the next. These are boxes above the picture, of which only place and opacity change:
 * browsers move such by themselves, while parts of a picture would be laid out and painted by the page for each frame.
 */

import type { CSSProperties } from 'react'
import type { Bar } from './lanes.js'
import type { Motion } from './motion.js'

/** Styles with the places that the keyframes go between. */
type MovingStyle = CSSProperties & Record<`--${string}`, string>

export function Moving({ motion, bars }: { motion: Motion; bars: readonly Bar[] }) {
  return (
    <div className="storage-moving" aria-hidden="true">
      {bars
        .filter(({ file }) => motion.frozen.has(file.number))
        .map(({ file, x, y, width, height }) => (
          <span
            key={file.number}
            className="storage-freezing"
            style={{ left: `${x}rem`, top: `${y}rem`, width: `${width}rem`, height: `${height}rem` }}
          />
        ))}
      {motion.merging.map(({ bar, dx, dy, stretch }) => {
        const style: MovingStyle = {
          '--from': `translate(${bar.x}rem, ${bar.y}rem)`,
          '--to': `translate(${bar.x + dx}rem, ${bar.y + dy}rem) scaleX(${stretch})`,
          width: `${bar.width}rem`,
          height: `${bar.height}rem`,
        }
        return <span key={bar.file.number} className="storage-merging" style={style} />
      })}
      {motion.falling.map(({ x, y, dx, dy, delayMs }) => {
        const style: MovingStyle = {
          '--from': `translate(${x}rem, ${y}rem)`,
          '--to': `translate(${x + dx}rem, ${y + dy}rem)`,
          animationDelay: `${delayMs}ms`,
        }
        return <span key={`${x} ${y}`} className="storage-falling" style={style} />
      })}
    </div>
  )
}
