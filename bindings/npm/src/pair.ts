/** Two links that lead to each other, within one thread. */

import type { Link } from './link.js'

/** The two ends: what is posted to one is heard by whoever listens to the other, a moment later. */
export function pair<A, B>(): [Link<A, B>, Link<B, A>] {
  let hearA: ((message: B) => void) | undefined
  let hearB: ((message: A) => void) | undefined
  const a: Link<A, B> = {
    post: (message) => queueMicrotask(() => hearB?.(message)),
    listen: (listener) => {
      hearA = listener
    },
    close: () => {
      hearA = undefined
    },
  }
  const b: Link<B, A> = {
    post: (message) => queueMicrotask(() => hearA?.(message)),
    listen: (listener) => {
      hearB = listener
    },
    close: () => {
      hearB = undefined
    },
  }
  return [a, b]
}
