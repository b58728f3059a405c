/** What is said of an engine that broke down: by a panic, by a trap of WebAssembly, or with its thread. */

import { toSent } from './errors.js'

/** What brought the engine down, for everybody whom it has not answered. */
export interface Breakdown {
  readonly code: 'Internal' | 'LimitExceeded'
  readonly message: string
}

const OUT_OF_MEMORY =
  'the memory of WebAssembly was used up, which ended the engine: ask for less at once. ' +
  'Whether a statement that was writing took effect is unknown: look it up'

/** A panic, or whatever else is a defect, by its message. */
export function defect(message: string): Breakdown {
  return { code: 'Internal', message }
}

/**
 * An exception that ended the engine, and that no panic announced: a trap, or a want of memory where the engine was to
 * begin or to give something back.
 *
 * A panic tells its message before it traps, so the trap behind it is never asked about here. What executes
 * `unreachable` without one is Rust's answer to an allocation that failed: it has no memory left to say so.
 */
export function breakdownOf(thrown: unknown): Breakdown {
  const aborted = thrown instanceof WebAssembly.RuntimeError && /unreachable/i.test(thrown.message)
  if (aborted || (thrown instanceof RangeError && /out of memory|allocation failed/i.test(thrown.message))) {
    return { code: 'LimitExceeded', message: OUT_OF_MEMORY }
  }
  return defect(toSent(thrown).message)
}

/** Whether `error` ended the engine in the middle of something: what it holds is not to be trusted any more. */
export function isTrap(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError
}
