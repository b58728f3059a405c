/** The beginning of a file as text, in whatever encoding it is. */

import { Unreadable } from './head.js'

/** Bytes that are looked at. */
const HEAD_BYTES = 512 * 1024

/** The beginning of a file. */
export interface Text {
  readonly text: string
  /** Whether that is all of it. */
  readonly isWhole: boolean
  readonly encoding: string
  readonly notes: readonly string[]
}

/** Reads the beginning of `file`, and no more however large it is. */
export async function textOf(file: Blob): Promise<Text> {
  if (file.size === 0) {
    throw new Unreadable('The file is empty.')
  }
  const bytes = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer())
  const isWhole = file.size <= HEAD_BYTES
  const encoding = encodingOf(bytes, isWhole)
  const notes =
    encoding === 'utf-8' ? [] : [`The text is not UTF-8: it is read as ${encoding === 'windows-1252' ? 'Windows-1252' : encoding.toUpperCase()}.`]
  const text = new TextDecoder(encoding).decode(bytes, { stream: !isWhole })
  if (text.trim() === '') {
    throw new Unreadable(isWhole ? 'There is nothing in the file but spaces.' : 'The file begins with half a megabyte of spaces.')
  }
  return { text, isWhole, encoding, notes }
}

function encodingOf(bytes: Uint8Array, isWhole: boolean): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) {
    return 'utf-16le'
  }
  if (bytes[0] === 0xfe && bytes[1] === 0xff) {
    return 'utf-16be'
  }
  if (bytes.subarray(0, 4096).includes(0)) {
    throw new Unreadable('That is no text: there are zero bytes in it.')
  }
  try {
    // Of a beginning the last character may not be there as a whole.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !isWhole })
    return 'utf-8'
  } catch {
    return 'windows-1252'
  }
}
