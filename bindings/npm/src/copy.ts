/** `copyFrom` and `copyTo`: their options as the options of COPY, and what they read as pieces of bytes. */

import { FirnDBError } from './errors.js'
import { quotedName } from './template.js'
import type { CopyFromOptions, CopyOptions, CopySource, CopyToOptions } from './types.js'

/** Bytes that are sent at a time. */
const PIECE_BYTES = 1 << 20

/** The statement that loads what comes with it into `table`. */
export function copyFromSql(table: string, options: CopyFromOptions): string {
  const columns = options.columns ? ` (${options.columns.map(quoted).join(', ')})` : ''
  const words = wordsOf(options)
  if (options.onError !== undefined) {
    words.push(`ON_ERROR ${text(options.onError)}`)
  }
  if (options.rejected !== undefined) {
    words.push(`REJECTED ${text(options.rejected)}`)
  }
  return `COPY ${quotedName(table)}${columns} FROM STDIN${listed(words)}`
}

/** The statement that gives the rows of a table or a query. */
export function copyToSql(tableOrQuery: string, options: CopyToOptions): string {
  const isQuery = /^\s*((select|with|values)(?![\w.$]|$)|\(|--|\/\*)/i.test(tableOrQuery)
  // A comment at the end of the query ends with its line.
  const rows = isQuery ? `(${tableOrQuery.replace(/;\s*$/, '')}\n)` : quotedName(tableOrQuery)
  const columns = options.columns ? ` (${options.columns.map(quoted).join(', ')})` : ''
  return `COPY ${rows}${columns} TO STDOUT${listed(wordsOf(options))}`
}

/** What messages call `source`; its ending says the format where no option does. */
export function nameOf(source: CopySource, options: CopyFromOptions): string {
  const name = options.name ?? (source as { name?: unknown }).name
  return typeof name === 'string' && name !== '' ? name : 'the stream'
}

/** The bytes of `source`, in pieces that have their buffers to themselves. */
export async function* piecesOf(source: CopySource): AsyncGenerator<Uint8Array> {
  for await (const piece of whole(source)) {
    const bytes = typeof piece === 'string' ? new TextEncoder().encode(piece) : piece
    if (!(bytes instanceof Uint8Array)) {
      throw new FirnDBError('InvalidInput', 'copyFrom reads bytes: a piece of the source is neither a Uint8Array nor a string')
    }
    for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
      // A view would be sent with all of the buffer that it is of.
      yield Uint8Array.prototype.slice.call(bytes, at, at + PIECE_BYTES)
    }
  }
}

async function* whole(source: CopySource): AsyncGenerator<Uint8Array | string> {
  if (typeof source === 'string' || source instanceof Uint8Array) {
    yield source
  } else if (typeof Blob === 'function' && source instanceof Blob) {
    yield* read(source.stream() as ReadableStream<Uint8Array>)
  } else if ('getReader' in source) {
    yield* read(source)
  } else if (Symbol.asyncIterator in source || Symbol.iterator in source) {
    yield* source
  } else {
    throw new FirnDBError(
      'InvalidInput',
      'copyFrom reads a File, a Blob, a ReadableStream, an iterable of Uint8Array, or a string',
    )
  }
}

/** What a stream gives; not every browser can iterate over one. Leaving the loop cancels it. */
async function* read(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  let over = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      over = done
      if (done) {
        return
      }
      yield value
    }
  } finally {
    if (!over) {
      await reader.cancel().catch(() => undefined)
    }
    reader.releaseLock()
  }
}

function wordsOf({ format, header, delimiter, null: none, quote, escape }: CopyOptions): string[] {
  const words: string[] = []
  if (format !== undefined) {
    words.push(`FORMAT ${text(format)}`)
  }
  if (header !== undefined) {
    words.push(`HEADER ${text(String(header))}`)
  }
  const texts = { DELIMITER: delimiter, NULL: none, QUOTE: quote, ESCAPE: escape }
  for (const [name, value] of Object.entries(texts)) {
    if (value !== undefined) {
      words.push(`${name} ${text(value)}`)
    }
  }
  return words
}

function listed(words: string[]): string {
  return words.length === 0 ? '' : ` (${words.join(', ')})`
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function text(value: string): string {
  return `'${String(value).replaceAll("'", "''")}'`
}
