/** Where the focus goes when what has it is taken away: it would be nowhere, and the keyboard at the top of the page. */

import { type ComponentProps, type RefObject, useLayoutEffect, useRef } from 'react'

/** Calls `goOn`, which is to move the focus, when the element of `of` goes while the focus is in it. */
export function useFocusAfter(of: RefObject<Element | null>, goOn: () => void): void {
  const latest = useRef(goOn)
  useLayoutEffect(() => {
    latest.current = goOn
  }, [goOn])
  useLayoutEffect(() => {
    const { current } = of
    return () => {
      if (current?.contains(document.activeElement)) {
        latest.current()
      }
    }
  }, [of])
}

interface Properties extends ComponentProps<'button'> {
  /** Moves the focus, where the button has it when it goes. */
  goOn(): void
}

/** A button that goes when it is pressed, or when what it is for is over. */
export function PassingButton({ goOn, ...button }: Properties) {
  const ref = useRef<HTMLButtonElement>(null)
  useFocusAfter(ref, goOn)
  return <button ref={ref} type="button" {...button} />
}
