/** A line between two parts of the page that is moved by pointer or keys, and stays where it was put. */

import { type KeyboardEvent, type PointerEvent, useLayoutEffect, useRef, useState } from 'react'
import { recall, remember } from '../style/remembered.js'
import { measureWithin } from './measures.js'

interface Properties {
  readonly label: string
  /** Under what the measure is remembered. */
  readonly name: string
  /** The custom property of the element around it that the measure is written to, in rem, for style sheets. */
  readonly variable: `--${string}`
  /** Whether it is moved sideways, for the width of what is right of it, or down, for the height of what is above. */
  readonly axis: 'x' | 'y'
  /** The least of what is measured, and of what is on the other side, in rem. */
  readonly least: number
  readonly leastBeside: number
}

const STEP_REM = 1.5

export function Splitter({ label, name, variable, axis, least, leastBeside }: Properties) {
  const line = useRef<HTMLDivElement>(null)
  const [measure, setMeasure] = useState(least)
  const [most, setMost] = useState(least)
  const grow = axis === 'x' ? -1 : 1

  /** What there is for both sides, and what the measured one has, in rem. */
  const look = () => {
    const { current } = line
    const measured = axis === 'x' ? current?.nextElementSibling : current?.previousElementSibling
    const size = (of: Element | null | undefined) => {
      const box = of?.getBoundingClientRect()
      return (box ? (axis === 'x' ? box.width : box.height) : 0) / rem()
    }
    return { whole: size(current?.parentElement), measured: size(measured) }
  }
  const set = (to: number) => {
    const { whole } = look()
    const bounded = measureWithin(to, least, whole - leastBeside)
    setMost(Math.max(least, Math.round(whole - leastBeside)))
    setMeasure(bounded)
    line.current?.parentElement?.style.setProperty(variable, `${bounded}rem`)
    remember(name, String(bounded))
  }

  useLayoutEffect(() => {
    const kept = Number(recall(name))
    if (kept > 0) {
      line.current?.parentElement?.style.setProperty(variable, `${kept}rem`)
    }
    const tell = () => {
      const { whole, measured } = look()
      setMeasure(Math.round(measured * 10) / 10)
      setMost(Math.max(least, Math.round(whole - leastBeside)))
    }
    tell()
    addEventListener('resize', tell)
    return () => removeEventListener('resize', tell)
  }, [name, variable, axis])

  const drag = (event: PointerEvent<HTMLElement>) => {
    const moved = event.currentTarget
    const at = (e: { clientX: number; clientY: number }) => (axis === 'x' ? e.clientX : e.clientY)
    const begin = at(event)
    const { measured } = look()
    const move = (e: globalThis.PointerEvent) => set(measured + ((at(e) - begin) * grow) / rem())
    moved.setPointerCapture(event.pointerId)
    moved.addEventListener('pointermove', move)
    moved.addEventListener('lostpointercapture', () => moved.removeEventListener('pointermove', move), { once: true })
  }
  const press = (event: KeyboardEvent) => {
    const [less, more] = axis === 'x' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown']
    const step = event.key === less ? -STEP_REM : event.key === more ? STEP_REM : 0
    if (step !== 0) {
      event.preventDefault()
      set(look().measured + step * grow)
    }
  }
  return (
    <div
      ref={line}
      className={`splitter splitter-${axis}`}
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={axis === 'x' ? 'vertical' : 'horizontal'}
      aria-valuemin={least}
      aria-valuemax={most}
      aria-valuenow={Math.min(measure, most)}
      onPointerDown={drag}
      onKeyDown={press}
    />
  )
}

function rem(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16
}
