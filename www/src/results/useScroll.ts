/** Where a grid is scrolled to, over more rows than its element can be high. */

import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { Scale, type Scrolled } from './scale.js'

/** How long scrolling rests before the scroll bar is put where the list is. */
const REST_MS = 200

/** What of the list is seen. */
export interface Scroll extends Scrolled {
  /** Pixels of the element that is scrolled. */
  readonly height: number
  /** Pixels of rows that are seen at once. */
  readonly view: number
  /** Scrolls so that what is between two places of the list is seen. */
  readonly reveal: (from: number, to: number) => void
}

/** Follows `element`, in which a header of `header` pixels is above a list of `total`. */
export function useScroll(element: RefObject<HTMLElement | null>, total: number, header: number): Scroll {
  const [size, setSize] = useState(0)
  const [at, setAt] = useState<Scrolled>({ scroll: 0, top: 0 })
  // Several events may come before the next render.
  const latest = useRef(at)
  const view = Math.max(0, size - header)
  const scale = useMemo(() => new Scale(total, view), [total, view])

  const put = useCallback(
    (next: Scrolled) => {
      latest.current = next
      // The rows have to be in their places in the frame in which the element is scrolled.
      flushSync(() => setAt(next))
      if (element.current && element.current.scrollTop !== next.scroll) {
        element.current.scrollTop = next.scroll
        const scroll = element.current.scrollTop
        if (scroll !== next.scroll) {
          latest.current = { ...next, scroll }
          setAt(latest.current)
        }
      }
    },
    [element],
  )

  useLayoutEffect(() => {
    const node = element.current
    if (!node) {
      return
    }
    setSize(node.clientHeight)
    const observer = new ResizeObserver(() => setSize(node.clientHeight))
    observer.observe(node)
    return () => observer.disconnect()
  }, [element])

  useEffect(() => {
    const node = element.current
    if (!node) {
      return
    }
    let rest: ReturnType<typeof setTimeout> | undefined
    const align = () => {
      const { top } = latest.current
      if (!scale.isExact && Math.abs(scale.scrollOf(top) - node.scrollTop) > 1) {
        put({ scroll: scale.scrollOf(top), top })
      }
    }
    const scrolled = () => {
      if (node.scrollTop === latest.current.scroll) {
        return
      }
      const next = scale.moved(latest.current, node.scrollTop, Math.max(3 * view, 2_000))
      if (scale.isStuck(next)) {
        put({ scroll: scale.scrollOf(next.top), top: next.top })
        return
      }
      latest.current = next
      setAt(next)
      clearTimeout(rest)
      rest = setTimeout(align, REST_MS)
    }
    node.addEventListener('scroll', scrolled, { passive: true })
    return () => {
      clearTimeout(rest)
      node.removeEventListener('scroll', scrolled)
    }
  }, [element, scale, view, put])

  const reveal = useCallback(
    (from: number, to: number) => {
      const { top } = latest.current
      const next = from < top ? from : to > top + view ? to - view : top
      if (next !== top) {
        put({ scroll: scale.scrollOf(next), top: next })
      }
    },
    [scale, view, put],
  )

  return { ...at, view, height: scale.height, reveal }
}
