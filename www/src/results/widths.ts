/** Widths of the grid's columns, from their headers and some of their values. */

import type { Column, Rows } from '../engine/result.js'
import { cellText } from './format.js'

/** Rows that are looked at. */
const SAMPLE = 40
/** In rem: what is around a text, what the sign of the sort takes, and how wide columns are. */
const PADDING = 1.375
const SIGN = 1.125
const LEAST = 4
const MOST_AT_FIRST = 22

/** How the texts of a grid are set, as CSS fonts. */
export interface Fonts {
  readonly cell: string
  /** Of cells with JSON and bytes. */
  readonly mono: string
  readonly name: string
  readonly type: string
}

/** The widths of all columns in pixels, where one rem has `rem` of them. */
export function widthsOf(rows: Rows, fonts: Fonts, rem: number): number[] {
  const context = document.createElement('canvas').getContext('2d')
  const measured = (text: string, font: string): number => {
    if (!context) {
      return text.length * 0.6 * rem
    }
    context.font = font
    return context.measureText(text).width
  }
  const sample = sampleOf(rows.length)
  return rows.columns.map((column, at) => {
    let longest = ''
    for (const row of sample) {
      const text = cellText(rows.value(row, at), column)
      longest = text.length > longest.length ? text : longest
    }
    const width = Math.max(
      measured(longest, isMono(column) ? fonts.mono : fonts.cell),
      measured(column.name, fonts.name) + SIGN * rem,
      measured(column.type, fonts.type),
    )
    return Math.ceil(Math.min(Math.max(width + PADDING * rem, LEAST * rem), MOST_AT_FIRST * rem))
  })
}

/** Whether cells of the column have letters of one width. */
export function isMono({ kind }: Column): boolean {
  return kind === 'json' || kind === 'binary'
}

/** A width that a column may be given by hand. */
export function allowed(width: number, rem: number): number {
  return Math.round(Math.min(Math.max(width, LEAST * rem), 100 * rem))
}

/** The first rows, and some at equal distances from the others. */
function sampleOf(length: number): number[] {
  const first = Math.min(length, SAMPLE / 2)
  const rest = Math.min(length - first, SAMPLE / 2)
  return [
    ...Array.from({ length: first }, (_, at) => at),
    ...Array.from({ length: rest }, (_, at) => first + Math.floor(((at + 1) * (length - first)) / rest) - 1),
  ]
}
