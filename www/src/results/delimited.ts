/** Rows of text with a character between the fields: CSV for files, TSV for what is pasted into other programs. */

import type { Rows } from '../engine/result.js'
import { textOf } from './format.js'

/** A field of CSV as the engine writes it: nothing for NULL, `""` for the empty text. */
export function csvField(value: unknown, type: string): string {
  if (value === null || value === undefined) {
    return ''
  }
  const text = textOf(value, type)
  return text === '' || /[",\r\n]/.test(text) ? quoted(text) : text
}

/** A field of TSV, in quotes only where it would fall apart. */
export function tsvField(value: unknown, type: string): string {
  const text = textOf(value, type)
  return /["\t\r\n]/.test(text) ? quoted(text) : text
}

/** The names of the columns as a line of CSV, with its end. */
export function csvHeader({ columns }: Rows): string {
  return `${columns.map(({ name }) => csvField(name, 'TEXT')).join(',')}\n`
}

/** A row as a line of CSV, with its end. */
export function csvLine(rows: Rows, row: number): string {
  return `${rows.columns.map(({ type }, column) => csvField(rows.value(row, column), type)).join(',')}\n`
}

/** The columns from `from` to `to`, that one too, of a row as a line of TSV without its end. */
export function tsvLine(rows: Rows, row: number, from: number, to: number): string {
  return rows.columns
    .slice(from, to + 1)
    .map(({ type }, at) => tsvField(rows.value(row, from + at), type))
    .join('\t')
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}
