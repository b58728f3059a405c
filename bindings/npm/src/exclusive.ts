/** Deletes or makes a store, while no tab has it open. */

import { FirnDBError } from './errors.js'
import { hold, type Locks, type Release } from './locks.js'
import { leaderLock } from './protocol.js'

/** A tab that was closed a moment ago may still hold on to the store. */
const PATIENCE_MS = 3_000

/**
 * Does `work` while nobody can open the store `name`.
 *
 * Rejects with `Locked` when a tab has it open.
 */
export async function whileClosed(locks: Locks, name: string, work: () => Promise<void>): Promise<void> {
  let release: Release
  try {
    release = await hold(locks, leaderLock(name), AbortSignal.timeout(PATIENCE_MS))
  } catch (error) {
    if ((error as { name?: unknown }).name !== 'TimeoutError') {
      throw error
    }
    throw new FirnDBError('Locked', `the store "${name}" is open, here or in another tab: close it first`)
  }
  try {
    await work()
  } finally {
    release()
  }
}
