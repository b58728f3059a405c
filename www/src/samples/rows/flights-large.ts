/** The 3,000,000 flights of a Parquet file, a row group at a time. */

import { parquetMetadata, parquetRead } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import type { Event } from '../event.js'
import type { Value } from './csv.js'
import { download } from './download.js'
import { flush, slice } from './slice.js'

const TABLE = 'main.flights_3m'
const COLUMNS = ['date', 'delay', 'distance', 'origin', 'destination']

/** A slice is a row group, of which the file has eleven, so that others get their turn in between. */
export async function* largeFlights(base: string): AsyncGenerator<Event> {
  const { buffer } = yield* download('flights-3m.parquet', base)
  const metadata = parquetMetadata(buffer)
  let from = 0
  for (const group of metadata.row_groups) {
    const to = from + Number(group.num_rows)
    const columns = new Map<string, ArrayLike<Value>>()
    await parquetRead({
      file: buffer,
      metadata,
      compressors,
      columns: COLUMNS,
      rowStart: from,
      rowEnd: to,
      onChunk: ({ columnName, columnData }) => {
        if (columnData.length !== to - from) {
          throw new Error(`flights-3m.parquet: ${columnName} has ${columnData.length} values of ${to - from}`)
        }
        columns.set(columnName, columnData as ArrayLike<Value>)
      },
    })
    const ordered = COLUMNS.map((name) => columns.get(name) ?? [])
    yield* slice(TABLE, rowsOf(ordered, from, to - from))
    yield flush(TABLE)
    from = to
  }
}

function* rowsOf(columns: readonly ArrayLike<Value>[], before: number, count: number): Generator<readonly Value[]> {
  for (let at = 0; at < count; at++) {
    yield [before + at + 1, ...columns.map((column) => column[at])]
  }
}
