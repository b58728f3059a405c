/** The 200,000 flights of an Arrow file. */

import { type Column, tableFromIPC } from '@uwdata/flechette'
import type { Event } from '../event.js'
import type { Value } from './csv.js'
import { download } from './download.js'
import { flush, slice } from './slice.js'

const TABLE = 'main.flights'

/** Rows between two flushes, so that there are several files. */
const SLICE_ROWS = 70_000

export async function* smallFlights(base: string): AsyncGenerator<Event> {
  const file = yield* download('flights-200k.arrow', base)
  const table = tableFromIPC(file)
  const [delay, distance, time] = ['delay', 'distance', 'time'].map((name): Column<number> => table.getChild(name))
  if (!delay || !distance || !time) {
    throw new Error('flights-200k.arrow does not have the columns delay, distance and time')
  }
  for (let from = 0; from < table.numRows; from += SLICE_ROWS) {
    const to = Math.min(from + SLICE_ROWS, table.numRows)
    yield* slice(TABLE, rowsOf({ delay, distance, time }, from, to))
    yield flush(TABLE)
  }
}

interface Columns {
  readonly delay: Column<number>
  readonly distance: Column<number>
  readonly time: Column<number>
}

function* rowsOf({ delay, distance, time }: Columns, from: number, to: number): Generator<readonly Value[]> {
  for (let at = from; at < to; at++) {
    // Hours, from minutes, as 32 bits: what is behind the fourth place is noise.
    yield [at + 1, delay.at(at), distance.at(at), Math.round((time.at(at) ?? 0) * 1e4) / 1e4]
  }
}
