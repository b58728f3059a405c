/** What a look at the beginning of a file tells of it. */

import { type Value, canBeKey } from './types.js'

export type Format = 'csv' | 'json' | 'parquet'

/** A column as the file has it. */
export interface FoundColumn {
  /** Its name in the file; empty where it has none. */
  readonly name: string
  readonly type: string
  /** Whether no value that was looked at is missing or comes twice. */
  readonly isUnique: boolean
}

/** The beginning of a file. */
export interface Head {
  readonly format: Format
  readonly columns: readonly FoundColumn[]
  /** The first rows, as text; `null` is NULL. */
  readonly preview: readonly (readonly (string | null)[])[]
  /** How many rows the file has, where it says so. */
  readonly rows?: number
  /** What somebody should know before they go on. */
  readonly notes: readonly string[]
  /** How the text is encoded, as TextDecoder calls it. */
  readonly encoding?: string
  /** CSV: what separates values, whether the first line has names, and what stands for NULL. */
  readonly delimiter?: string
  readonly header?: boolean
  readonly nullText?: string
  /** JSON: whether the file is one array. */
  readonly isArray?: boolean
  /** Parquet: whether the rows can be loaded in parts, as CSV. */
  readonly isSimple?: boolean
}

/** What somebody says about a file that was guessed wrong. */
export interface Hints {
  readonly delimiter?: string
  readonly header?: boolean
}

/** A file that cannot be read as what it looks like; the message is for whoever chose it. */
export class Unreadable extends Error {}

/** What stands for NULL in CSV that is made of Parquet; nothing at all would be an empty line in a table of one column. */
export const NULL_TEXT = '\\N'

/** Rows that are shown. */
export const PREVIEW_ROWS = 5
/** Characters of a value that are shown. */
const PREVIEW_CHARACTERS = 200

/** A column of `values` that is of `type`. */
export function foundColumn(name: string, type: string, values: readonly (Value | null | undefined)[]): FoundColumn {
  const texts = new Set(values.map((value) => value?.text))
  const isUnique = values.length > 0 && texts.size === values.length && !texts.has(undefined)
  return { name, type, isUnique: isUnique && canBeKey(type) }
}

/** A value as it is shown. */
export function shown(text: string): string {
  return text.length > PREVIEW_CHARACTERS ? `${text.slice(0, PREVIEW_CHARACTERS)}…` : text
}

/** The format that the ending of a file's name says. */
export function formatOf(name: string): Format | 'archive' | undefined {
  const ending = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase()
  switch (ending) {
    case 'csv':
    case 'tsv':
    case 'tab':
    case 'txt':
      return 'csv'
    case 'json':
    case 'jsonl':
    case 'ndjson':
      return 'json'
    case 'parquet':
    case 'pq':
      return 'parquet'
    case 'tar':
      return 'archive'
    default:
      return undefined
  }
}
