/** How wide an element is, so that what is drawn in it fits. */

import { type RefObject, useLayoutEffect, useRef, useState } from 'react'

/** The width in `rem`, and how many pixels those are. */
export interface Measure {
  readonly width: number
  readonly rem: number
}

/** Measures the element that `ref` is given to, whenever its width changes; `undefined` before. */
export function useMeasure<E extends HTMLElement>(): { ref: RefObject<E | null>; measure: Measure | undefined } {
  const ref = useRef<E>(null)
  const [measure, setMeasure] = useState<Measure>()
  useLayoutEffect(() => {
    const element = ref.current
    if (!element) {
      return
    }
    const look = () => {
      const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16
      const width = element.clientWidth / rem
      setMeasure((old) => (old && old.width === width && old.rem === rem ? old : { width, rem }))
    }
    look()
    const observer = new ResizeObserver(look)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return { ref, measure }
}
