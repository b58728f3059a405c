/** A whole value to read and to copy, where the grid shows the beginning of it. */

import { useEffect, useId, useMemo, useRef, useState } from 'react'
import type { Column } from '../engine/result.js'
import { count } from '../style/numbers.js'
import { write } from './copying.js'
import { textOf, wholeText } from './format.js'

/** Characters that are shown; a browser takes seconds to break the lines of more. */
const MOST_SHOWN = 100_000

export interface ValueDialogProps {
  readonly column: Column
  readonly value: unknown
  /** The place of the row, from 1. */
  readonly row: number
  readonly onClose: () => void
}

export function ValueDialog({ column, value, row, onClose }: ValueDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const title = useId()
  const [told, setTold] = useState('')
  const whole = useMemo(() => wholeText(value, column), [value, column])

  useEffect(() => {
    // The browser keeps the focus within, and gives it back to the cell.
    if (dialog.current?.open === false) {
      dialog.current.showModal()
    }
  }, [])

  const copy = () => {
    write(column.kind === 'json' ? whole : textOf(value, column.type)).then(
      () => setTold('Copied'),
      (error: unknown) => setTold(error instanceof Error ? error.message : 'It could not be copied.'),
    )
  }

  return (
    <dialog
      ref={dialog}
      className="grid-dialog"
      aria-labelledby={title}
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && dialog.current?.close()}
      // What is typed here is not for the grid around it.
      onKeyDown={(event) => event.stopPropagation()}
    >
      <div className="grid-dialog-frame">
        <header className="grid-dialog-head">
          <h2 id={title}>{column.name}</h2>
          <p>
            {column.type}, row {count(row)}
          </p>
        </header>
        <pre className="grid-dialog-value" tabIndex={0} aria-label="Value">
          {whole.slice(0, MOST_SHOWN)}
        </pre>
        {whole.length > MOST_SHOWN && (
          <p>
            The first {count(MOST_SHOWN)} of {count(whole.length)} characters. Copying takes all of them.
          </p>
        )}
        <footer className="grid-dialog-foot">
          <span role="status">{told}</span>
          <button type="button" className="grid-button" onClick={copy}>
            Copy
          </button>
          <button type="button" className="grid-button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </footer>
      </div>
    </dialog>
  )
}
