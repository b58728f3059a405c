/** Cells chosen with a mouse, a pen or a finger; a mouse that is moved while it is down selects a range. */

import { type RefObject, useEffect } from 'react'
import type { Cell } from './selection.js'

/** Calls `moveTo` with the cell under the pointer, and whether the range is extended to it. */
export function useCellPointer(
  element: RefObject<HTMLElement | null>,
  moveTo: (cell: Cell, extend: boolean) => void,
): void {
  useEffect(() => {
    const node = element.current
    if (!node) {
      return
    }
    let drags = false
    let last: Cell | undefined

    const choose = (target: EventTarget | null, extend: boolean) => {
      const cell = cellOf(target)
      if (cell && (cell.row !== last?.row || cell.column !== last.column || !extend)) {
        last = cell
        moveTo(cell, extend)
      }
    }
    const down = (event: PointerEvent) => {
      if (event.pointerType !== 'mouse' || event.button !== 0) {
        return
      }
      const cell = cellOf(event.target)
      if (cell && cell.row >= 0) {
        drags = true
        // The browser would put the focus and a selection of text where it sees fit.
        event.preventDefault()
        choose(event.target, event.shiftKey)
      }
    }
    const move = (event: PointerEvent) => {
      if (drags) {
        // Past an edge the nearest cell is meant; that it is brought into view scrolls.
        const { left, top, right, bottom } = node.getBoundingClientRect()
        const x = Math.min(Math.max(event.clientX, left + 1), right - 20)
        const y = Math.min(Math.max(event.clientY, top + 1), bottom - 20)
        const under = cellOf(document.elementFromPoint(x, y))
        if (under && under.row >= 0) {
          choose(document.elementFromPoint(x, y), true)
        }
      }
    }
    const up = () => {
      drags = false
    }
    // A finger that scrolls makes no click.
    const click = (event: MouseEvent) => {
      const touch = !(event instanceof PointerEvent) || event.pointerType !== 'mouse'
      const cell = cellOf(event.target)
      if (cell && (touch || cell.row < 0)) {
        last = undefined
        moveTo(cell, event.shiftKey)
      }
    }
    node.addEventListener('pointerdown', down)
    node.addEventListener('click', click)
    window.addEventListener('pointermove', move)
    window.addEventListener('pointerup', up)
    window.addEventListener('pointercancel', up)
    return () => {
      node.removeEventListener('pointerdown', down)
      node.removeEventListener('click', click)
      window.removeEventListener('pointermove', move)
      window.removeEventListener('pointerup', up)
      window.removeEventListener('pointercancel', up)
    }
  }, [element, moveTo])
}

function cellOf(target: EventTarget | null): Cell | undefined {
  const cell = target instanceof Element ? target.closest<HTMLElement>('[data-column]') : null
  return cell ? { row: Number(cell.dataset.row), column: Number(cell.dataset.column) } : undefined
}
