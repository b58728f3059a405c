/** An error of the engine at its place in the text. */

import type { Diagnostic } from '@codemirror/lint'
import type { Text } from '@codemirror/state'
import type { FirnDBError } from 'firndb'

/** The word at the place of `error` in the statement that begins at `offset` of `text`, or all of its first line. */
export function diagnosticOf(text: Text, error: FirnDBError, offset: number): Diagnostic {
  const begin = Math.min(offset, text.length)
  const place = error.position === undefined ? undefined : placeOf(text, begin, error.position)
  const line = text.lineAt(place ?? begin)
  const from = place ?? begin
  const word = place === undefined ? undefined : /^[\w$]+|^./.exec(line.text.slice(place - line.from))
  const to = word ? from + word[0].length : line.to
  return { from, to: Math.max(to, from), severity: 'error', source: error.code, message: firstLine(error) }
}

/** A place in a text, for people: both from 1. */
export interface Place {
  readonly at: number
  readonly line: number
  readonly column: number
}

/** Where `error` is in all of `text`, if it says where it is in its statement, which begins at `offset`. */
export function placeIn(text: Text, error: FirnDBError, offset: number): Place | undefined {
  if (error.position === undefined) {
    return undefined
  }
  const at = placeOf(text, Math.min(offset, text.length), error.position)
  const line = text.lineAt(at)
  return { at, line: line.number, column: [...text.sliceString(line.from, at)].length + 1 }
}

/** Where line and column, from 1 and in characters, of the statement at `begin` are. */
function placeOf(text: Text, begin: number, { line, column }: { line: number; column: number }): number {
  const first = text.lineAt(begin)
  const number = first.number + line - 1
  if (number > text.lines) {
    return text.length
  }
  const found = text.line(number)
  const lineBegin = line === 1 ? begin : found.from
  // Columns count characters; the editor counts units of UTF-16.
  const before = [...text.sliceString(lineBegin, found.to)].slice(0, column - 1).join('')
  return Math.min(lineBegin + before.length, found.to)
}

/** The message has the line with a caret below; in the editor the place itself is marked. */
function firstLine({ message, hint }: FirnDBError): string {
  const [line = message] = message.split('\n')
  return hint === undefined ? line : `${line}\nhint: ${hint}`
}
