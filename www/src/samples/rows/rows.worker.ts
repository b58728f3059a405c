/** Makes the rows of samples away from the page, which asks for one thing at a time, so that no more is made than it takes. */

import type { Answer, Event, Order } from '../event.js'
import { eventsOf } from './sources.js'

/** What of a worker's scope is used here; the types of pages and those of workers exclude each other. */
interface Scope {
  onmessage: ((message: MessageEvent<Order | 'next'>) => void) | null
  postMessage(answer: Answer, transfer: Transferable[]): void
}

const scope = self as unknown as Scope

let events: AsyncGenerator<Event> | undefined

scope.onmessage = ({ data }) => {
  if (data === 'next') {
    void answer()
  } else {
    events = eventsOf(data)
  }
}

async function answer(): Promise<void> {
  try {
    const next = await events?.next()
    if (next === undefined || next.done) {
      scope.postMessage({ kind: 'over' }, [])
      return
    }
    const event = next.value
    scope.postMessage({ kind: 'event', event }, event.kind === 'piece' ? [event.bytes.buffer] : [])
  } catch (error) {
    scope.postMessage({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }, [])
  }
}
