/** A result as a file. */

import type { Rows } from '../engine/result.js'
import type { Queryable } from '../engine/run.js'
import { answersWithRows, canBeExplained } from '../engine/statements.js'
import { csvHeader, csvLine } from './delimited.js'
import { jsonText } from './format.js'
import { inSlices, turn } from './slices.js'

export type FileFormat = 'csv' | 'json' | 'parquet' | 'arrow'

/** What is exported. */
export interface Exported {
  /** What a query runs in once more: the transaction of the pane, where there is one, so that the file has what it wrote. */
  within(): Promise<Queryable>
  readonly sql: string
  readonly rows: Rows
}

/** What an export tells of itself, and what ends it. */
export interface ExportOptions {
  /** Called with the bytes that there are so far. */
  readonly onProgress?: (bytes: number) => void
  readonly signal?: AbortSignal
}

const ENDINGS: Readonly<Record<FileFormat, string>> = { csv: 'csv', json: 'json', parquet: 'parquet', arrow: 'arrows' }
const TYPES: Readonly<Record<FileFormat, string>> = {
  csv: 'text/csv',
  json: 'application/json',
  parquet: 'application/vnd.apache.parquet',
  arrow: 'application/vnd.apache.arrow.stream',
}

/** Why there is no file of `format`; `undefined` where there is. */
export function unavailable(format: FileFormat, { sql, rows }: Pick<Exported, 'sql' | 'rows'>): string | undefined {
  if (format === 'parquet' && !canRunAgain(sql)) {
    return 'The engine writes Parquet of queries only, which it can run again.'
  }
  if (format === 'arrow' && !rows.ipc) {
    return 'These rows did not come as Arrow.'
  }
  return undefined
}

/**
 * The result as a file of `format`.
 *
 * The engine runs a query once more for CSV, JSON and Parquet, so the file has all its rows, also where the page read only
 * the first, and those that the query gives now. Rows of other statements, such as RETURNING and SHOW, are written from
 * what the page has. Arrow is the stream that the rows were read from.
 */
export async function fileOf(format: FileFormat, exported: Exported, options: ExportOptions = {}): Promise<File> {
  const { within, sql, rows } = exported
  const reason = unavailable(format, exported)
  if (reason !== undefined) {
    throw new Error(reason)
  }
  const parts =
    format === 'arrow'
      ? await copied(rows.ipc ?? new Uint8Array(), options)
      : canRunAgain(sql)
        ? await streamed(await within(), sql, format, options)
        : await written(rows, format, options)
  return new File(parts, `${nameOf(sql)}.${ENDINGS[format]}`, { type: TYPES[format] })
}

/** A name for a file of what `sql` gives: that of its first table. */
export function nameOf(sql: string): string {
  const bare = sql.replace(/--[^\n]*|\/\*[^]*?\*\/|'(?:[^']|'')*'/g, ' ')
  const part = /"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*/u.source
  const found = new RegExp(`\\b(?:FROM|INTO|UPDATE)\\s+((?:${part})(?:\\s*\\.\\s*(?:${part}))*)`, 'iu').exec(bare)
  const last = found?.[1]?.match(new RegExp(part, 'gu'))?.at(-1) ?? ''
  const name = last.replace(/^"|"$/g, '').replaceAll('""', '"').replace(/[^\p{L}\p{N}_-]+/gu, '_')
  return name.replace(/^_+|_+$/g, '') === '' ? 'result' : name.slice(0, 80)
}

function canRunAgain(sql: string): boolean {
  return answersWithRows(sql) && canBeExplained(sql)
}

/** Bytes that are copied before others have the thread. */
const PIECE_BYTES = 4 << 20

async function copied(bytes: Uint8Array, { onProgress, signal }: ExportOptions): Promise<BlobPart[]> {
  const parts: BlobPart[] = []
  for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
    signal?.throwIfAborted()
    parts.push(new Blob([new Uint8Array(bytes.subarray(at, at + PIECE_BYTES))]))
    onProgress?.(Math.min(at + PIECE_BYTES, bytes.byteLength))
    await turn()
  }
  return parts
}

async function streamed(db: Queryable, sql: string, format: 'csv' | 'json' | 'parquet', options: ExportOptions): Promise<BlobPart[]> {
  const { onProgress, signal } = options
  // The signal also ends a query that has no row for a long time.
  const source = db.copyTo(sql, { format, ...(format === 'csv' && { header: true }), ...(signal && { signal }) })
  const reader = (format === 'json' ? source.pipeThrough(arrayOfLines()) : source).getReader()
  const parts: BlobPart[] = []
  let bytes = 0
  try {
    for (;;) {
      signal?.throwIfAborted()
      const { done, value } = await reader.read()
      if (done) {
        return parts
      }
      parts.push(new Uint8Array(value))
      bytes += value.byteLength
      onProgress?.(bytes)
    }
  } catch (error) {
    await reader.cancel(error).catch(() => undefined)
    throw error
  }
}

/** Makes an array of the objects of JSON lines: a line break is never within one, and a comma takes its place. */
export function arrayOfLines(): TransformStream<Uint8Array, Uint8Array> {
  const [comma, line] = [0x2c, 0x0a]
  let begun = false
  // A line break at the end of a piece may be the last.
  let pending = false
  return new TransformStream({
    transform(piece, controller) {
      const open = begun ? [] : [0x5b, line]
      const breaks = piece.reduce((sum, byte) => sum + Number(byte === line), 0)
      const out = new Uint8Array(open.length + piece.length + breaks + 2)
      out.set(open)
      let at = open.length
      begun = true
      for (const byte of piece) {
        if (byte === line) {
          pending = true
          continue
        }
        if (pending) {
          out[at++] = comma
          out[at++] = line
          pending = false
        }
        out[at++] = byte
      }
      controller.enqueue(out.subarray(0, at))
    },
    flush(controller) {
      controller.enqueue(new TextEncoder().encode(begun ? '\n]\n' : '[]\n'))
    },
  })
}

/** Lines that become one part of the file. */
const LINES = 1_000

async function written(rows: Rows, format: 'csv' | 'json' | 'parquet', options: ExportOptions): Promise<BlobPart[]> {
  const { onProgress, signal } = options
  const json = format === 'json'
  const parts: BlobPart[] = [json ? '[\n' : csvHeader(rows)]
  const encoder = new TextEncoder()
  let lines: string[] = []
  let bytes = 0
  await inSlices(
    rows.length,
    (row) => {
      lines.push(json ? `${jsonLine(rows, row)}${row < rows.length - 1 ? ',' : ''}\n` : csvLine(rows, row))
      if (lines.length === LINES || row === rows.length - 1) {
        const part = encoder.encode(lines.join(''))
        parts.push(part)
        bytes += part.byteLength
        lines = []
        onProgress?.(bytes)
      }
    },
    signal,
  )
  return json ? [...parts, ']\n'] : parts
}

/** A row as an object; a name that was there before gets a number, so that no value is lost. */
export function jsonLine(rows: Rows, row: number): string {
  const taken = new Map<string, number>()
  const members = rows.columns.map(({ name, type }, column) => {
    const times = (taken.get(name) ?? 0) + 1
    taken.set(name, times)
    return `${JSON.stringify(times === 1 ? name : `${name}_${times}`)}:${jsonText(rows.value(row, column), type)}`
  })
  return `{${members.join(',')}}`
}
