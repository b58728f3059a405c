/** Makes the rows of samples away from the page. */

import type { Event, Order } from '../event.js'
import { serve } from './serve.js'
import { eventsOf } from './sources.js'

serve<Order, Event>(eventsOf, (event) => (event.kind === 'piece' ? [event.bytes.buffer] : []))
