/** Web Locks, held until they are let go of. */

import { FirnDBError } from './errors.js'

/** The part of `navigator.locks` that is used. */
export interface Locks {
  request(
    name: string,
    options: { mode?: 'exclusive' | 'shared'; signal?: AbortSignal },
    callback: () => Promise<void>,
  ): Promise<unknown>
}

/** Rejects a page without locks: `Unsupported`. */
export function checkLocks(locks: Locks | undefined): asserts locks is Locks {
  if (!locks) {
    throw new FirnDBError('Unsupported', 'the page has no Web Locks: serve it over https, or from localhost')
  }
}

/** Lets go of a lock. */
export type Release = () => void

/**
 * Waits for the lock `name`, and holds it until the function that is returned is called, or this context ends.
 * `signal` gives up waiting: the promise is rejected with its reason.
 */
export function hold(locks: Locks, name: string, signal?: AbortSignal): Promise<Release> {
  return new Promise((resolve, reject) => {
    const held = () => new Promise<void>((release) => resolve(release))
    locks.request(name, signal ? { signal } : {}, held).catch(reject)
  })
}

/** Calls `gone` once whoever holds the lock `name` has let go of it; not after `signal` is aborted. */
export function whenFree(locks: Locks, name: string, signal: AbortSignal, gone: () => void): void {
  const granted = async () => {
    if (!signal.aborted) {
      gone()
    }
  }
  // An abort ends the waiting by a rejection.
  locks.request(name, { mode: 'shared', signal }, granted).catch(() => undefined)
}
