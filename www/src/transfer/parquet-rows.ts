/** The rows of a Parquet file as CSV, so that it can be loaded in parts. */

import { type FileMetaData, type SchemaTree, parquetMetadataAsync, parquetRead, parquetSchema } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { type Piece, type Value, piecesOf } from '../samples/rows/csv.js'
import { NULL_TEXT } from './head.js'

/** Bytes of a row group up to which its rows are read here: they are in memory together. */
const MOST_GROUP_BYTES = 256 * 1024 * 1024
/** Digits of a decimal that are exact in a JavaScript number, as which hyparquet gives it. */
const EXACT_DIGITS = 15

/** Whether all that the file has can be written as CSV without a loss, and read in pieces that fit into memory. */
export function isSimple(metadata: FileMetaData): boolean {
  const { children } = parquetSchema(metadata)
  const fits = metadata.row_groups.every(({ total_byte_size }) => total_byte_size <= MOST_GROUP_BYTES)
  return fits && children.length > 0 && children.every(isSimpleColumn)
}

function isSimpleColumn({ element, children }: SchemaTree): boolean {
  const { type, repetition_type, logical_type: logical, converted_type: converted, precision } = element
  if (children.length > 0 || repetition_type === 'REPEATED') {
    return false
  }
  switch (converted) {
    case 'DATE':
    case 'UTF8':
    case 'ENUM':
    case 'TIMESTAMP_MILLIS':
    case 'TIMESTAMP_MICROS':
      return true
    case 'DECIMAL':
      return (precision ?? EXACT_DIGITS + 1) <= EXACT_DIGITS
    case undefined:
      break
    default:
      return /^U?INT_\d+$/.test(converted)
  }
  switch (logical?.type) {
    case 'STRING':
    case 'ENUM':
    case 'INTEGER':
      return true
    case 'TIMESTAMP':
      return logical.unit !== 'NANOS'
    case undefined:
      return type === 'BOOLEAN' || type === 'INT32' || type === 'INT64' || type === 'FLOAT' || type === 'DOUBLE'
    default:
      return false
  }
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Times as text, since a Date has no microseconds. */
const PARSERS = {
  timestampFromMilliseconds: (millis: bigint) => timeOf(BigInt(millis) * 1000n),
  timestampFromMicroseconds: (micros: bigint) => timeOf(BigInt(micros)),
  dateFromDays: (days: number | null | undefined) => days == null ? days : dayOf(days * DAY_MS).slice(0, 10),
  stringFromBytes: (bytes: Uint8Array | null | undefined) => bytes && DECODER.decode(bytes),
}

const DAY_MS = 86_400_000

function timeOf(micros: bigint): string {
  const rest = Number(micros % 1_000_000n)
  const after = rest < 0 ? rest + 1_000_000 : rest
  // Whole seconds, which a number has exactly.
  const text = dayOf(Number(micros / 1_000_000n - (rest < 0 ? 1n : 0n)) * 1000).slice(0, 19)
  return after === 0 ? text : `${text}.${String(after).padStart(6, '0')}`
}

function dayOf(ms: number): string {
  const text = new Date(ms).toISOString()
  if (text.length > 24) {
    throw new Error(`a time is out of the range of years that have four digits: ${text}`)
  }
  return text
}

/** The lines of `file`, a row group at a time, without one of names. */
export async function* csvOfParquet(file: Blob): AsyncGenerator<Piece> {
  const slice = (start: number, end?: number) => file.slice(start, end).arrayBuffer()
  const buffer = { byteLength: file.size, slice }
  const metadata = await parquetMetadataAsync(buffer)
  const columns = parquetSchema(metadata).children.map(({ element }) => element)
  let from = 0
  for (const group of metadata.row_groups) {
    const to = from + Number(group.num_rows)
    const found = new Map<string, Chunk[]>()
    await parquetRead({
      file: buffer,
      metadata,
      compressors,
      parsers: PARSERS,
      rowStart: from,
      rowEnd: to,
      onChunk: ({ columnName, columnData, rowStart }) => {
        found.set(columnName, [...(found.get(columnName) ?? []), { rowStart, values: columnData as ArrayLike<Value> }])
      },
    })
    const values = columns.map(({ name }) => whole(found.get(name) ?? [], name, from, to))
    const scales = columns.map(({ converted_type, scale }) => (converted_type === 'DECIMAL' ? (scale ?? 0) : undefined))
    yield* piecesOf(rowsOf(values, scales, to - from), NULL_TEXT)
    from = to
  }
}

interface Chunk {
  readonly rowStart: number
  readonly values: ArrayLike<Value>
}

/** The values of a column from row `from` to `to`, which may have come in several chunks. */
function whole(chunks: readonly Chunk[], name: string, from: number, to: number): ArrayLike<Value> {
  const [first] = chunks
  if (chunks.length === 1 && first && first.rowStart === from && first.values.length === to - from) {
    return first.values
  }
  const values = chunks.toSorted((a, b) => a.rowStart - b.rowStart).flatMap((chunk) => Array.from(chunk.values))
  if (values.length !== to - from) {
    throw new Error(`the column ${name} has ${values.length} values in a group of ${to - from} rows`)
  }
  return values
}

/** The same array each time, with the next row in it. */
function* rowsOf(columns: readonly ArrayLike<Value>[], scales: readonly (number | undefined)[], count: number): Generator<readonly Value[]> {
  const row = new Array<Value>(columns.length)
  for (let at = 0; at < count; at++) {
    for (const [number, column] of columns.entries()) {
      const value = column[at]
      const scale = scales[number]
      row[number] = scale !== undefined && typeof value === 'number' ? value.toFixed(scale) : value
    }
    yield row
  }
}
