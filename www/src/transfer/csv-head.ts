/** The beginning of a file of CSV. */

import Papa from 'papaparse'
import { type Head, type Hints, PREVIEW_ROWS, Unreadable, foundColumn, shown } from './head.js'
import type { Text } from './text.js'
import { typeOfTexts } from './types.js'

const DELIMITERS = [',', '\t', ';', '|']
/** Words for NULL, besides nothing at all. */
const NULLS = ['\\N', 'NULL', 'null', 'NA', 'N/A', 'n/a']

/** What `text` is; `name` is that of the file. */
export function csvHead({ text, isWhole, encoding, notes: before }: Text, name: string, hints: Hints = {}): Head {
  const notes = [...before]
  const known = hints.delimiter ?? (/\.(tsv|tab)$/i.test(name) ? '\t' : undefined)
  const { data, errors, meta } = Papa.parse<string[]>(text.replace(/^\ufeff/, ''), {
    ...(known === undefined ? { delimitersToGuess: DELIMITERS } : { delimiter: known }),
    skipEmptyLines: true,
  })
  const broken = errors.find(({ code }) => code === 'MissingQuotes')
  if (broken && isWhole) {
    throw new Unreadable(`Line ${(broken.row ?? 0) + 1}: a quote has no end.`)
  }
  // The last line may not be there as a whole.
  const lines = isWhole || data.length === 1 ? data : data.slice(0, -1)
  const [first] = lines
  if (first === undefined || (!isWhole && data.length === 1)) {
    throw new Unreadable('The first line has no end within half a megabyte: is that CSV?')
  }
  const header = hints.header ?? isHeader(first, lines.slice(1))
  const rows = header ? lines.slice(1) : lines
  const odd = rows.findIndex((row) => row.length !== first.length)
  if (odd >= 0) {
    notes.push(
      `Row ${odd + 1} has ${rows[odd]?.length} values, the first line has ${first.length}: rows like that are bad ones.`,
    )
  }
  const even = rows.filter((row) => row.length === first.length)
  const nullText = nullTextOf(even)
  if (nullText !== undefined) {
    notes.push(`${nullText} is read as NULL.`)
  }
  const isNull = (value: string) => value === (nullText ?? '')
  const columns = first.map((title, at) => {
    const values = even.map((row) => row[at] ?? '')
    const texts = values.filter((value) => !isNull(value))
    const asValues = values.map((text) => (isNull(text) ? null : { text, kind: 'text' as const }))
    return foundColumn(header ? title.trim() : '', typeOfTexts(texts), asValues)
  })
  return {
    format: 'csv',
    columns,
    preview: even.slice(0, PREVIEW_ROWS).map((row) => row.map((value) => (isNull(value) ? null : shown(value)))),
    notes,
    encoding,
    delimiter: meta.delimiter,
    header,
    ...(nullText === undefined ? {} : { nullText }),
  }
}

/** Whether the first line looks like names: texts, each another, over columns that have other things. */
function isHeader(first: readonly string[], rest: readonly (readonly string[])[]): boolean {
  const names = first.map((name) => name.trim())
  if (new Set(names).size !== names.length && names.some((name, at) => name !== '' && names.indexOf(name) !== at)) {
    // Names may come twice where they are clearly names.
    return rest.length > 0 && typesDiffer(names, rest)
  }
  if (names.some((name) => name !== '' && typeOfTexts([name]) !== 'TEXT')) {
    return false
  }
  return names.some((name) => name !== '')
}

function typesDiffer(names: readonly string[], rest: readonly (readonly string[])[]): boolean {
  return (
    names.every((name) => name === '' || typeOfTexts([name]) === 'TEXT') &&
    names.some((_, at) => typeOfTexts(rest.map((row) => row[at] ?? '').filter((value) => value !== '')) !== 'TEXT')
  )
}

/** The word for NULL, where one makes columns of something else than text, and nothing at all never stands for it. */
function nullTextOf(rows: readonly (readonly string[])[]): string | undefined {
  if (rows.some((row) => row.includes(''))) {
    return undefined
  }
  const found = NULLS.filter((word) => rows.some((row) => row.includes(word)))
  return found.length === 1 ? found[0] : undefined
}
