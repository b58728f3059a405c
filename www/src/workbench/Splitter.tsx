/** A line between two parts of the page that is moved by pointer or keys. */

import { type KeyboardEvent, type PointerEvent, useState } from 'react'

interface Properties {
  readonly label: string
  /** The custom property that the measure is written to, in pixels, for style sheets. */
  readonly variable: `--${string}`
  /** Whether it is moved sideways, for the width of what is right of it, or down, for the height of what is above. */
  readonly axis: 'x' | 'y'
  readonly least: number
  readonly most: number
  readonly beginning: number
}

const STEP = 24

export function Splitter({ label, variable, axis, least, most, beginning }: Properties) {
  const [measure, setMeasure] = useState(beginning)
  const grow = axis === 'x' ? -1 : 1
  const set = (to: number) => {
    const bounded = Math.round(Math.min(most, Math.max(least, to)))
    setMeasure(bounded)
    document.documentElement.style.setProperty(variable, `${bounded}px`)
  }
  const drag = (event: PointerEvent<HTMLElement>) => {
    const line = event.currentTarget
    const at = (e: { clientX: number; clientY: number }) => (axis === 'x' ? e.clientX : e.clientY)
    const begin = at(event)
    const move = (e: globalThis.PointerEvent) => set(measure + (at(e) - begin) * grow)
    line.setPointerCapture(event.pointerId)
    line.addEventListener('pointermove', move)
    line.addEventListener('lostpointercapture', () => line.removeEventListener('pointermove', move), { once: true })
  }
  const press = (event: KeyboardEvent) => {
    const [less, more] = axis === 'x' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown']
    const step = event.key === less ? -STEP : event.key === more ? STEP : 0
    if (step !== 0) {
      event.preventDefault()
      set(measure + step * grow)
    }
  }
  return (
    <div
      className={`splitter splitter-${axis}`}
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={axis === 'x' ? 'vertical' : 'horizontal'}
      aria-valuemin={least}
      aria-valuemax={most}
      aria-valuenow={measure}
      onPointerDown={drag}
      onKeyDown={press}
    />
  )
}
