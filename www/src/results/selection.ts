/** Cells of a grid: the one that has the focus, where it goes by keys, and the range that is selected. */

/** A cell; the row before the first, -1, is the header. */
export interface Cell {
  readonly row: number
  readonly column: number
}

/** Cells from one corner to the other, both within. */
export interface Range {
  readonly top: number
  readonly bottom: number
  readonly left: number
  readonly right: number
}

/** The cell that has the focus, and the other corner of the range, where there is one. */
export interface Selection {
  readonly active: Cell
  readonly anchor?: Cell
}

/** How large a grid is, and how many rows of it are seen at once. */
export interface Extent {
  readonly rows: number
  readonly columns: number
  readonly page: number
}

/** What is selected: at least the cell that has the focus, unless that is of the header. */
export function rangeOf({ active, anchor = active }: Selection): Range {
  return {
    top: Math.max(0, Math.min(active.row, anchor.row)),
    bottom: Math.max(active.row, anchor.row),
    left: Math.min(active.column, anchor.column),
    right: Math.max(active.column, anchor.column),
  }
}

/** How many cells are selected. */
export function sizeOf({ top, bottom, left, right }: Range): number {
  return (bottom - top + 1) * (right - left + 1)
}

/** Where `key` leads from `cell`; `undefined` where it leads nowhere by itself. */
export function movedBy(key: string, whole: boolean, { row, column }: Cell, extent: Extent): Cell | undefined {
  const last = { row: extent.rows - 1, column: extent.columns - 1 }
  const to = (toRow: number, toColumn: number): Cell => ({
    row: Math.min(Math.max(toRow, -1), last.row),
    column: Math.min(Math.max(toColumn, 0), last.column),
  })
  switch (key) {
    case 'ArrowUp':
      return whole ? to(Math.min(row, 0), column) : to(row - 1, column)
    case 'ArrowDown':
      return whole ? to(last.row, column) : to(row + 1, column)
    case 'ArrowLeft':
      return whole ? to(row, 0) : to(row, column - 1)
    case 'ArrowRight':
      return whole ? to(row, last.column) : to(row, column + 1)
    case 'Home':
      return whole ? to(0, 0) : to(row, 0)
    case 'End':
      return whole ? to(last.row, last.column) : to(row, last.column)
    case 'PageUp':
      return to(row < 0 ? row : Math.max(row - extent.page, 0), column)
    case 'PageDown':
      return to(row + extent.page, column)
    default:
      return undefined
  }
}
