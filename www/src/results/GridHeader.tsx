/** The names of the grid's columns, which sort and resize them. */

import type { VirtualItem } from '@tanstack/react-virtual'
import { memo, type PointerEvent } from 'react'
import type { Column } from '../engine/result.js'
import type { Sort } from './order.js'

export interface GridHeaderProps {
  readonly columns: readonly Column[]
  readonly items: readonly VirtualItem[]
  readonly width: number
  readonly sort: Sort | undefined
  readonly busy: boolean
  /** The column whose header has the focus; -1 where a cell has it. */
  readonly active: number
  /** The id of what tells of the keys. */
  readonly hint: string
  readonly onSort: (column: number) => void
  /** Makes a column as wide as it was when the pointer came down, and `by` pixels more. */
  readonly onResize: (column: number, from: number, by: number) => void
  /** Gives a column the width that it had first. */
  readonly onFit: (column: number) => void
}

export const GridHeader = memo(function GridHeader(props: GridHeaderProps) {
  const { columns, items, width, sort, busy, active, hint, onSort, onResize, onFit } = props

  const grip = (column: number, size: number) => (event: PointerEvent<HTMLElement>) => {
    event.preventDefault()
    event.stopPropagation()
    const handle = event.currentTarget
    const begin = event.clientX
    handle.setPointerCapture(event.pointerId)
    const move = ({ clientX }: globalThis.PointerEvent) => onResize(column, size, clientX - begin)
    const end = () => {
      handle.removeEventListener('pointermove', move)
      handle.removeEventListener('pointerup', end)
      handle.removeEventListener('pointercancel', end)
    }
    handle.addEventListener('pointermove', move)
    handle.addEventListener('pointerup', end)
    handle.addEventListener('pointercancel', end)
  }

  return (
    <div role="row" aria-rowindex={1} className="grid-head" style={{ width }}>
      {items.map(({ index, start, size }) => {
        const column = columns[index]
        const sorted = sort?.column === index ? (sort.descending ? 'descending' : 'ascending') : 'none'
        return (
          column && (
            <div
              key={index}
              role="columnheader"
              aria-colindex={index + 1}
              aria-sort={sorted}
              aria-describedby={hint}
              tabIndex={index === active ? 0 : -1}
              data-row={-1}
              data-column={index}
              className="grid-column"
              style={{ left: start, width: size }}
              title={`${column.name} ${column.type}`}
              onClick={() => onSort(index)}
            >
              <span className="grid-name">{column.name}</span>{' '}
              <span className="grid-sign" aria-hidden="true">
                {sorted === 'none' ? '' : busy ? '…' : sorted === 'ascending' ? '▲' : '▼'}
              </span>
              <span className="grid-type">{column.type}</span>
              <span
                className="grid-grip"
                aria-hidden="true"
                onPointerDown={grip(index, size)}
                onClick={(event) => event.stopPropagation()}
                onDoubleClick={() => onFit(index)}
              />
            </div>
          )
        )
      })}
    </div>
  )
})
