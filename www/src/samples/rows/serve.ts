/** A worker's side: makes things away from the page, which asks for one at a time, so that no more is made than it takes. */

import type { Answer } from '../event.js'

/** What of a worker's scope is used here; the types of pages and those of workers exclude each other. */
interface Scope<O, E> {
  onmessage: ((message: MessageEvent<O | 'next'>) => void) | null
  postMessage(answer: Answer<E>, transfer: Transferable[]): void
}

/** Makes what `make` gives for the order that comes; `buffersOf` are handed over with each thing. */
export function serve<O, E>(make: (order: O) => AsyncGenerator<E>, buffersOf: (made: E) => Transferable[]): void {
  const scope = self as unknown as Scope<O, E>
  let made: AsyncGenerator<E> | undefined

  const answer = async () => {
    try {
      const next = await made?.next()
      if (next === undefined || next.done) {
        scope.postMessage({ kind: 'over' }, [])
      } else {
        scope.postMessage({ kind: 'event', event: next.value }, buffersOf(next.value))
      }
    } catch (error) {
      scope.postMessage({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }, [])
    }
  }

  scope.onmessage = ({ data }) => {
    if (data === 'next') {
      void answer()
    } else {
      made = make(data as O)
    }
  }
}
