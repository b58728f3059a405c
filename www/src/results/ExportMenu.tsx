/** The menu of what can be made of a result: a copy, and files. */

import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { save as saveFile } from '../engine/saving.js'
import { PassingButton } from '../style/focus.js'
import { bytes as sizeOf, count } from '../style/numbers.js'
import { copyAsCsv, MOST_ROWS_COPIED } from './copying.js'
import { type Exported, type FileFormat, fileOf, unavailable } from './export.js'

const FILES: readonly { readonly format: FileFormat; readonly label: string }[] = [
  { format: 'csv', label: 'Download CSV' },
  { format: 'json', label: 'Download JSON' },
  { format: 'parquet', label: 'Download Parquet' },
  { format: 'arrow', label: 'Download Arrow' },
]

export interface ExportMenuProps extends Exported {
  /** Whether the page has only the first rows. */
  readonly truncated: boolean
}

export function ExportMenu({ truncated, ...exported }: ExportMenuProps) {
  const [open, setOpen] = useState(false)
  const [told, setTold] = useState('')
  const [failure, setFailure] = useState('')
  const [running, setRunning] = useState<AbortController>()
  const button = useRef<HTMLButtonElement>(null)
  const menu = useRef<HTMLDivElement>(null)
  const id = useId()

  useEffect(() => () => running?.abort(), [running])
  useEffect(() => {
    if (!open) {
      return
    }
    menu.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus()
    const outside = ({ target }: PointerEvent) => {
      if (target instanceof Node && !menu.current?.contains(target) && !button.current?.contains(target)) {
        setOpen(false)
      }
    }
    document.addEventListener('pointerdown', outside)
    return () => document.removeEventListener('pointerdown', outside)
  }, [open])

  const start = async (work: (signal: AbortSignal) => Promise<string>) => {
    setOpen(false)
    button.current?.focus()
    setFailure('')
    setTold('Begun …')
    const controller = new AbortController()
    setRunning(controller)
    try {
      setTold(await work(controller.signal))
    } catch (error) {
      setTold(controller.signal.aborted ? 'Cancelled' : '')
      setFailure(controller.signal.aborted ? '' : error instanceof Error ? error.message : String(error))
    }
    setRunning(undefined)
  }

  const save = (format: FileFormat) =>
    start(async (signal) => {
      const file = await fileOf(format, exported, {
        signal,
        onProgress: (bytes) => setTold(`${format.toUpperCase()}: ${sizeOf(bytes)} …`),
      })
      saveFile(file, file.name)
      return `${file.name}, ${sizeOf(file.size)}`
    })

  const onKeyDown = (event: KeyboardEvent) => {
    const items = [...(menu.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])]
    const at = items.findIndex((item) => item === document.activeElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key]
    if (to !== undefined) {
      items[to % items.length]?.focus()
    } else if (event.key === 'Escape') {
      setOpen(false)
      button.current?.focus()
    } else {
      if (event.key === 'Tab') {
        setOpen(false)
      }
      return
    }
    event.preventDefault()
    event.stopPropagation()
  }

  return (
    <div className="result-export">
      <span role="status" className="result-told">
        {told}
      </span>
      {failure !== '' && (
        <span role="alert" className="result-told result-bad">
          {failure}
        </span>
      )}
      {running && (
        <PassingButton goOn={() => button.current?.focus()} className="grid-button" onClick={() => running.abort()}>
          Cancel
        </PassingButton>
      )}
      <button
        ref={button}
        type="button"
        className="grid-button"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        // It has the focus, which a button that is disabled loses.
        aria-disabled={running !== undefined}
        onClick={() => setOpen(!open && !running)}
      >
        Export <span aria-hidden="true">▾</span>
      </button>
      {open && (
        <div ref={menu} id={id} role="menu" aria-label="Export" className="result-menu" onKeyDown={onKeyDown}>
          <button
            type="button"
            role="menuitem"
            tabIndex={-1}
            title={`At most ${count(MOST_ROWS_COPIED)} rows go to the clipboard.`}
            onClick={() => start((signal) => copyAsCsv(exported.rows, signal))}
          >
            Copy as CSV
          </button>
          {FILES.map(({ format, label }) => {
            const reason = unavailable(format, exported)
            return (
              <button
                key={format}
                type="button"
                role="menuitem"
                tabIndex={-1}
                aria-disabled={reason !== undefined}
                title={reason}
                onClick={() => reason === undefined && save(format)}
              >
                {label}
                {reason !== undefined ? <small>{reason}</small> : truncated && <small>{reachOf(format)}</small>}
              </button>
            )
          })}
        </div>
      )}
    </div>
  )
}

/** How much of a result a file has, where the page has only the first rows. */
function reachOf(format: FileFormat): string {
  return format === 'arrow' ? 'The first rows, a few more than are shown: as far as the page has read.' : 'All rows: the query runs once more.'
}
