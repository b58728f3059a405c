/** Where the rows of each sample come from. */

import type { Event, Order } from '../event.js'
import { chat } from './chat.js'
import { largeFlights } from './flights-large.js'
import { smallFlights } from './flights-small.js'
import { tpch } from './tpch.js'

/** What there is to do for `order`. */
export async function* eventsOf({ sample, base }: Order): AsyncGenerator<Event> {
  switch (sample) {
    case 'flights':
      return yield* smallFlights(base)
    case 'flights-3m':
      return yield* largeFlights(base)
    case 'chat':
      return yield* chat()
    case 'tpch':
      return yield* tpch()
    default:
      throw new Error(`there is no sample ${sample}`)
  }
}
