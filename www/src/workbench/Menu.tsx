/** A button that opens a few others. */

import { type ReactNode, useId, useRef } from 'react'

export function Menu({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  const id = useId()
  const popover = useRef<HTMLDivElement>(null)
  return (
    <>
      <button type="button" popoverTarget={id}>
        {label} <span aria-hidden="true">▾</span>
      </button>
      <div
        id={id}
        ref={popover}
        popover="auto"
        className="menu"
        role="group"
        aria-label={label}
        onClick={(event) => {
          // What was pressed is done; a field is for choosing first.
          if (event.target instanceof HTMLButtonElement) {
            popover.current?.hidePopover()
          }
        }}
      >
        {children}
      </div>
    </>
  )
}
