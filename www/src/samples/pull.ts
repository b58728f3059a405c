/** The page's side of workers that make things one at a time, as they are asked. */

import type { Answer, Event, Order } from './event.js'

/** What there is to do for `order`. */
export function pull(order: Order, signal: AbortSignal): AsyncGenerator<Event> {
  const start = () => new Worker(new URL('./rows/rows.worker.ts', import.meta.url), { type: 'module' })
  return pullFrom<Event>(start, order, signal)
}

/**
 * What the worker that `start` starts makes for `order`. One thing is asked for ahead, so that the worker is busy while the
 * engine is. Leaving the loop, or the signal, ends the worker.
 */
export async function* pullFrom<E>(start: () => Worker, order: unknown, signal: AbortSignal): AsyncGenerator<E> {
  signal.throwIfAborted()
  const worker = start()
  try {
    worker.postMessage(order)
    let asked = ask<E>(worker, signal)
    for (;;) {
      const answer = await asked
      if (answer.kind === 'over') {
        return
      }
      if (answer.kind === 'failed') {
        throw new Error(answer.message)
      }
      asked = ask<E>(worker, signal)
      // Whether it fails is found out by whoever asks next, if anybody does.
      asked.catch(() => undefined)
      yield answer.event
    }
  } finally {
    worker.terminate()
  }
}

function ask<E>(worker: Worker, signal: AbortSignal): Promise<Answer<E>> {
  return new Promise((resolve, reject) => {
    const settle = (how: () => void) => {
      signal.removeEventListener('abort', abort)
      worker.onmessage = null
      worker.onerror = null
      how()
    }
    const abort = () => settle(() => reject(signal.reason))
    signal.addEventListener('abort', abort)
    worker.onmessage = ({ data }: MessageEvent<Answer<E>>) => settle(() => resolve(data))
    worker.onerror = ({ message }) =>
      settle(() => reject(new Error(message || 'the worker that makes the rows cannot be loaded')))
    worker.postMessage('next')
  })
}
