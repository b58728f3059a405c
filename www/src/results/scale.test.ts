import { describe, expect, it } from 'vitest'
import { Scale } from './scale.js'
import { movedBy, rangeOf, sizeOf } from './selection.js'

describe('scrolling a million rows', () => {
  const view = 600
  const total = 28_000_000
  const scale = new Scale(total, view)
  const most = scale.height - view

  it('has an element that browsers can lay out, whose ends are those of the list', () => {
    expect(scale.height).toBeLessThanOrEqual(17_000_000)
    expect(scale.topOf(0)).toBe(0)
    expect(scale.topOf(most)).toBe(total - view)
    expect(scale.scrollOf(total - view)).toBe(most)
  })
  it('goes there and back', () => {
    for (const top of [0, 10_000, 50_000, 60_000, 14_000_000, total - 60_000, total - 700]) {
      expect(scale.topOf(scale.scrollOf(top))).toBeCloseTo(top, 3)
    }
  })
  it('moves the list by as many pixels as the element in small steps, and in proportion in jumps', () => {
    expect(scale.moved({ scroll: 4_000_000, top: 9_000_000 }, 4_000_100, 2_000)).toEqual({ scroll: 4_000_100, top: 9_000_100 })
    expect(scale.moved({ scroll: 0, top: 0 }, 4_000_000, 2_000).top).toBeCloseTo(scale.topOf(4_000_000))
  })
  it('notices an element at its end before the list is', () => {
    expect(scale.isStuck({ scroll: 0, top: 500 })).toBe(true)
    expect(scale.isStuck({ scroll: most, top: total - view - 500 })).toBe(true)
    expect(scale.isStuck({ scroll: most, top: total - view })).toBe(false)
    expect(scale.isStuck({ scroll: 0, top: 0 })).toBe(false)
  })
  it('leaves short lists as they are', () => {
    const short = new Scale(2_800, view)
    expect(short.isExact).toBe(true)
    expect(short.moved({ scroll: 0, top: 0 }, 1_234, 100)).toEqual({ scroll: 1_234, top: 1_234 })
    expect(new Scale(100, view).topOf(0)).toBe(0)
  })
})

describe('keys in a grid', () => {
  const extent = { rows: 1_000_000, columns: 100, page: 20 }
  it('moves the focus and stays within', () => {
    const at = { row: 5, column: 5 }
    expect(movedBy('ArrowDown', false, at, extent)).toEqual({ row: 6, column: 5 })
    expect(movedBy('ArrowUp', false, { row: 0, column: 0 }, extent)).toEqual({ row: -1, column: 0 })
    expect(movedBy('ArrowUp', false, { row: -1, column: 0 }, extent)).toEqual({ row: -1, column: 0 })
    expect(movedBy('End', false, at, extent)).toEqual({ row: 5, column: 99 })
    expect(movedBy('End', true, at, extent)).toEqual({ row: 999_999, column: 99 })
    expect(movedBy('Home', true, at, extent)).toEqual({ row: 0, column: 0 })
    expect(movedBy('PageDown', false, at, extent)).toEqual({ row: 25, column: 5 })
    expect(movedBy('PageUp', false, at, extent)).toEqual({ row: 0, column: 5 })
    expect(movedBy('x', false, at, extent)).toBeUndefined()
    expect(movedBy('ArrowDown', false, { row: -1, column: 0 }, { rows: 0, columns: 1, page: 1 })).toEqual({ row: -1, column: 0 })
  })
  it('selects from one corner to the other', () => {
    const range = rangeOf({ active: { row: 2, column: 7 }, anchor: { row: 4, column: 3 } })
    expect(range).toEqual({ top: 2, bottom: 4, left: 3, right: 7 })
    expect(sizeOf(range)).toBe(15)
  })
})
