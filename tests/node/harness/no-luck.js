/**
 * Loaded by `--import` before anything else: from the statement `SELECT uuid()` on there are no random numbers in the
 * engine's thread, which is a panic of whoever needs some.
 */

import { isMainThread, parentPort } from 'node:worker_threads'

if (!isMainThread) {
  parentPort.on('message', ({ operation }) => {
    if (operation?.sql === 'SELECT uuid()') {
      Object.getPrototypeOf(globalThis.crypto).getRandomValues = () => {
        throw new Error('there are none')
      }
    }
  })
}
