/** One row of the grid, with those of its cells that are seen. */

import type { VirtualItem } from '@tanstack/react-virtual'
import { memo } from 'react'
import type { Column, Rows } from '../engine/result.js'
import { cellText } from './format.js'

export interface GridRowProps {
  readonly rows: Rows
  /** Its place in the grid, from 0. */
  readonly row: number
  /** Which row of the result that is. */
  readonly source: number
  /** Pixels from the top of the canvas. */
  readonly y: number
  readonly height: number
  readonly items: readonly VirtualItem[]
  /** The column of the cell that has the focus; -1 where it is in another row. */
  readonly active: number
  /** The columns that are selected; `left` past `right` where none is. */
  readonly left: number
  readonly right: number
}

export const GridRow = memo(function GridRow(props: GridRowProps) {
  const { rows, row, source, y, height, items, active, left, right } = props
  return (
    <div
      role="row"
      aria-rowindex={row + 2}
      className={row % 2 === 1 ? 'grid-row grid-row-odd' : 'grid-row'}
      style={{ transform: `translateY(${y}px)`, height }}
    >
      {items.map(({ index, start, size }) => {
        const column = rows.columns[index]
        const selected = index >= left && index <= right
        return (
          column && (
            <div
              key={index}
              role="gridcell"
              aria-colindex={index + 1}
              aria-selected={selected}
              tabIndex={index === active ? 0 : -1}
              data-row={row}
              data-column={index}
              className={classOf(column, rows.value(source, index), selected)}
              style={{ left: start, width: size }}
            >
              {cellText(rows.value(source, index), column)}
            </div>
          )
        )
      })}
    </div>
  )
})

const RIGHT: ReadonlySet<Column['kind']> = new Set(['integer', 'float', 'decimal'])

function classOf({ kind }: Column, value: unknown, selected: boolean): string {
  const classes = ['grid-cell']
  if (value === null || value === undefined) {
    classes.push('grid-null')
  }
  if (RIGHT.has(kind)) {
    classes.push('grid-number')
  } else if (kind === 'binary' || kind === 'json') {
    classes.push('grid-code')
  }
  if (selected) {
    classes.push('grid-selected')
  }
  return classes.join(' ')
}
