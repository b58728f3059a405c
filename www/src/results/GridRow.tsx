/** One row of the grid, with those of its cells that are seen. */

import type { VirtualItem } from '@tanstack/react-virtual'
import { memo } from 'react'
import type { Column, Rows } from '../engine/result.js'
import { cellText } from './format.js'
import { isMono } from './widths.js'

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
      {items.map(({ index, start, size }) => (
        <GridCell
          key={index}
          rows={rows}
          row={row}
          source={source}
          index={index}
          start={start}
          size={size}
          active={index === active}
          selected={index >= left && index <= right}
        />
      ))}
    </div>
  )
})

interface GridCellProps {
  readonly rows: Rows
  readonly row: number
  readonly source: number
  readonly index: number
  readonly start: number
  readonly size: number
  readonly active: boolean
  readonly selected: boolean
}

// Most cells of a row stay as they are when the grid is scrolled sideways, and their texts need not be made again.
const GridCell = memo(function GridCell({ rows, row, source, index, start, size, active, selected }: GridCellProps) {
  const column = rows.columns[index]
  if (!column) {
    return null
  }
  const value = rows.value(source, index)
  return (
    <div
      role="gridcell"
      aria-colindex={index + 1}
      aria-selected={selected}
      tabIndex={active ? 0 : -1}
      data-row={row}
      data-column={index}
      className={classOf(column, value, selected)}
      style={{ left: start, width: size }}
    >
      {cellText(value, column)}
    </div>
  )
})

const RIGHT: ReadonlySet<Column['kind']> = new Set(['integer', 'float', 'decimal'])

function classOf(column: Column, value: unknown, selected: boolean): string {
  const classes = ['grid-cell']
  if (value === null || value === undefined) {
    classes.push('grid-null')
  }
  if (RIGHT.has(column.kind)) {
    classes.push('grid-number')
  } else if (isMono(column)) {
    classes.push('grid-code')
  }
  if (selected) {
    classes.push('grid-selected')
  }
  return classes.join(' ')
}
