/** How wide an element is, so that what is drawn in it fits, once it is near enough to be seen. */

import { type RefObject, startTransition, useLayoutEffect, useRef, useState } from 'react'

/** The width in `rem`, and how many pixels those are. */
export interface Measure {
  readonly width: number
  readonly rem: number
}

/** Measures the element that `ref` is given to, whenever its width changes; `undefined` before it comes near. */
export function useMeasure<E extends HTMLElement>(): { ref: RefObject<E | null>; measure: Measure | undefined } {
  const ref = useRef<E>(null)
  const [measure, setMeasure] = useState<Measure>()
  useLayoutEffect(() => {
    const element = ref.current
    if (!element) {
      return
    }
    const look = () => {
      // Nothing has a width while it is hidden.
      if (element.clientWidth === 0) {
        return
      }
      const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16
      const width = element.clientWidth / rem
      // Whatever depends on it may be much, and is drawn in pieces.
      startTransition(() => setMeasure((old) => (old && old.width === width && old.rem === rem ? old : { width, rem })))
    }
    const sizes = new ResizeObserver(look)
    const views = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) {
          views.disconnect()
          sizes.observe(element)
        }
      },
      { rootMargin: NEAR },
    )
    views.observe(element)
    return () => {
      views.disconnect()
      sizes.disconnect()
    }
  }, [])
  return { ref, measure }
}

/** What is this far outside is drawn already. */
const NEAR = '400px'
