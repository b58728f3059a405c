/**
 * The rows of a result as a grid of which only what is seen exists. One cell has the focus; keys move it, as the pattern
 * "grid" of the ARIA Authoring Practices has them.
 *
 * Columns are virtualised by a library. Rows are all of one height, so that their places are a product: the library
 * would write down a million of them, which takes longer than the page may stand still, and does not scale them.
 */

import { defaultRangeExtractor, type Range as Indices, useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { Rows } from '../engine/result.js'
import { count, counted, duration } from '../style/numbers.js'
import { copyHeader, copyRange } from './copying.js'
import { GridHeader } from './GridHeader.js'
import { GridRow } from './GridRow.js'
import { type Cell, movedBy, rangeOf, type Selection, sizeOf } from './selection.js'
import { useCellPointer } from './useCellPointer.js'
import { useScroll } from './useScroll.js'
import { type Sorting, useSorting } from './useSorting.js'
import { ValueDialog } from './ValueDialog.js'
import { allowed, widthsOf } from './widths.js'
import './grid.css'

/** In rem. */
const ROW = 1.75
const HEADER = 2.75
/** Rows above and below those that are seen, for what is scrolled before they are drawn. */
const BEYOND = 5
/** Pixels that a key makes a column wider. */
const STEP = 16

export interface GridProps {
  readonly rows: Rows
  /** What the grid is called. */
  readonly label: string
}

export function Grid({ rows, label }: GridProps) {
  const element = useRef<HTMLDivElement>(null)
  const hint = useId()
  const rem = useMemo(() => parseFloat(getComputedStyle(document.documentElement).fontSize) || 16, [])
  const height = ROW * rem
  const header = HEADER * rem
  const fitting = useMemo(() => widthsOf(rows, fontsOf(rem), rem), [rows, rem])
  const [widths, setWidths] = useState(fitting)
  const [sorting, sortBy] = useSorting(rows)
  const [selection, setSelection] = useState<Selection>({ active: { row: rows.length > 0 ? 0 : -1, column: 0 } })
  const [told, setTold] = useState('')
  const [shown, setShown] = useState<Cell>()
  const wantsFocus = useRef(false)
  const ours = useRef(false)
  const { active } = selection
  const sourceOf = useCallback((row: number) => sorting.order?.[row] ?? row, [sorting.order])

  const { scroll, top, view, height: canvas, reveal } = useScroll(element, rows.length * height, header)
  const columns = useVirtualizer({
    horizontal: true,
    count: rows.columns.length,
    getScrollElement: () => element.current,
    estimateSize: (column) => widths[column] ?? 0,
    overscan: 2,
    // The cell that has the focus stays, wherever the grid is scrolled to.
    rangeExtractor: useCallback((seen: Indices) => withIndex(defaultRangeExtractor(seen), active.column), [active.column]),
  })
  useLayoutEffect(() => columns.measure(), [columns, widths])

  const moveTo = useCallback(
    (cell: Cell, extend: boolean) => {
      setTold('')
      wantsFocus.current = true
      setSelection(({ active: before, anchor }) => {
        const from = anchor ?? before
        return extend && cell.row >= 0 && from.row >= 0 ? { active: cell, anchor: from } : { active: cell }
      })
      if (cell.row >= 0) {
        reveal(cell.row * height, (cell.row + 1) * height)
      }
      columns.scrollToIndex(cell.column, { align: 'auto' })
    },
    [columns, height, reveal],
  )

  useLayoutEffect(() => {
    if (wantsFocus.current) {
      wantsFocus.current = false
      const found = element.current?.querySelector<HTMLElement>(`[data-row="${active.row}"][data-column="${active.column}"]`)
      ours.current = true
      found?.focus({ preventScroll: true })
      ours.current = false
    }
  })
  // A cell may have been scrolled away before the Tab key comes to it.
  const onFocus = () => {
    if (!ours.current && active.row >= 0) {
      queueMicrotask(() => reveal(active.row * height, (active.row + 1) * height))
    }
  }
  useCellPointer(element, moveTo)

  const resize = useCallback(
    (column: number, from: number, by: number) =>
      setWidths((before) => before.with(column, allowed(from + by, rem))),
    [rem],
  )
  const fit = useCallback(
    (column: number) => setWidths((before) => before.with(column, fitting[column] ?? 0)),
    [fitting],
  )

  const range = rangeOf(selection)
  const copy = () => {
    const copied = active.row < 0 ? copyHeader(rows.columns, range) : copyRange(rows, sourceOf, range)
    copied.then(setTold, (error: unknown) => setTold(error instanceof Error ? error.message : 'It could not be copied.'))
  }

  const onKeyDown = (event: KeyboardEvent) => {
    const whole = event.ctrlKey || event.metaKey
    const { key, shiftKey } = event
    if (event.altKey || !(event.target instanceof HTMLElement) || event.target.dataset.row === undefined) {
      return
    }
    if (active.row < 0 && shiftKey && (key === 'ArrowLeft' || key === 'ArrowRight')) {
      resize(active.column, widths[active.column] ?? 0, key === 'ArrowLeft' ? -STEP : STEP)
    } else if (whole && key.toLowerCase() === 'c') {
      copy()
    } else if (whole && key.toLowerCase() === 'a' && rows.length > 0) {
      const last = { row: rows.length - 1, column: rows.columns.length - 1 }
      wantsFocus.current = true
      setSelection({ anchor: { row: 0, column: 0 }, active: last })
    } else if (key === 'Escape' && selection.anchor) {
      setSelection({ active })
    } else if (key === 'Enter' || key === ' ') {
      if (active.row < 0) {
        sortBy(active.column)
      } else {
        setShown(active)
      }
    } else {
      const page = Math.max(1, Math.floor(view / height) - 1)
      const cell = movedBy(key, whole, active, { rows: rows.length, columns: rows.columns.length, page })
      if (!cell) {
        return
      }
      moveTo(cell, shiftKey)
    }
    event.preventDefault()
  }

  // What was told of the rows before they were sorted is over.
  useEffect(() => setTold(''), [sorting])

  const items = columns.getVirtualItems()
  const width = columns.getTotalSize()
  const column = shown && rows.columns[shown.column]
  return (
    <div className="grid-frame">
      <div
        ref={element}
        role="grid"
        className="grid"
        aria-label={label}
        aria-rowcount={rows.length + 1}
        aria-colcount={rows.columns.length}
        aria-multiselectable="true"
        aria-busy={sorting.busy}
        onKeyDown={onKeyDown}
        onFocus={onFocus}
        onDoubleClick={({ target }) => {
          if (target instanceof HTMLElement && target.role === 'gridcell') {
            setShown(active)
          }
        }}
      >
        <div className="grid-canvas" role="presentation" style={{ width, height: canvas + header }}>
          <GridHeader
            columns={rows.columns}
            items={items}
            width={width}
            sort={sorting.sort}
            busy={sorting.busy}
            active={active.row < 0 ? active.column : -1}
            hint={hint}
            onSort={sortBy}
            onResize={resize}
            onFit={fit}
          />
          {seenRows(top, view, height, rows.length, active.row).map((row) => {
            const within = row >= range.top && row <= range.bottom && active.row >= 0
            // A row that is kept for its focus must not make the canvas longer.
            const y = Math.min(Math.max(row * height - top + scroll, 0), canvas - height) + header
            return (
              <GridRow
                key={row}
                rows={rows}
                row={row}
                source={sourceOf(row)}
                y={y}
                height={height}
                items={items}
                active={row === active.row ? active.column : -1}
                left={within ? range.left : 0}
                right={within ? range.right : -1}
              />
            )
          })}
        </div>
      </div>
      <div className="grid-foot">
        <p role="status">{statusOf(sorting, rows, told)}</p>
        <p>{placeOf(selection, rows.length)}</p>
        <button type="button" className="grid-button" disabled={active.row < 0} onClick={() => setShown(active)}>
          Whole value
        </button>
      </div>
      <p id={hint} hidden>
        Enter sorts. Shift with the left or right arrow makes the column narrower or wider.
      </p>
      {shown && column && (
        <ValueDialog
          column={column}
          value={rows.value(sourceOf(shown.row), shown.column)}
          row={shown.row + 1}
          onClose={() => setShown(undefined)}
        />
      )}
    </div>
  )
}

function seenRows(top: number, view: number, height: number, length: number, kept: number): number[] {
  const first = Math.max(0, Math.floor(top / height) - BEYOND)
  const last = Math.min(length - 1, Math.ceil((top + view) / height) + BEYOND)
  const seen = Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at)
  return kept < 0 ? seen : withIndex(seen, kept)
}

/** `indices`, which ascend, with `index` among them. */
function withIndex(indices: number[], index: number): number[] {
  return indices.includes(index) ? indices : [...indices, index].sort((a, b) => a - b)
}

function statusOf({ sort, busy, ms, failure }: Sorting, rows: Rows, told: string): string {
  const name = sort && rows.columns[sort.column]?.name
  if (failure !== undefined) {
    return `Sorting failed: ${failure}`
  }
  if (busy) {
    return `Sorting ${counted(rows.length, 'row')} by ${name} …`
  }
  if (told !== '' || !sort) {
    return told
  }
  return `Sorted by ${name}, ${sort.descending ? 'descending' : 'ascending'}, ${duration(ms ?? 0)}`
}

function placeOf(selection: Selection, length: number): string {
  const { active, anchor } = selection
  if (active.row < 0) {
    return ''
  }
  const range = rangeOf(selection)
  const tall = counted(range.bottom - range.top + 1, 'row')
  const wide = counted(range.right - range.left + 1, 'column')
  return anchor
    ? `${tall} × ${wide} selected, ${counted(sizeOf(range), 'cell')}`
    : `Row ${count(active.row + 1)} of ${count(length)}`
}

/** The fonts of `grid.css`. */
function fontsOf(rem: number) {
  const style = getComputedStyle(document.documentElement)
  const family = style.getPropertyValue('--font') || 'sans-serif'
  const mono = `${0.75 * rem}px ${style.getPropertyValue('--mono') || 'monospace'}`
  return { cell: `${0.8125 * rem}px ${family}`, mono, name: `600 ${0.8125 * rem}px ${family}`, type: `${0.6875 * rem}px ${family}` }
}
