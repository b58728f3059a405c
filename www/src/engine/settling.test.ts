import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SETTLED_MS, Settling } from './settling.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Whether it has settled. */
function watched(settling: Settling) {
  let is = false
  void settling.done.then(() => (is = true))
  return async () => {
    await vi.advanceTimersByTimeAsync(0)
    return is
  }
}

test('where nobody asks it settles soon', async () => {
  const isSettled = watched(new Settling())
  await vi.advanceTimersByTimeAsync(SETTLED_MS - 1)
  expect(await isSettled()).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(await isSettled()).toBe(true)
})

test('what is asked first is answered first, however long that takes', async () => {
  const settling = new Settling()
  const isSettled = watched(settling)
  settling.asked()
  await vi.advanceTimersByTimeAsync(10 * SETTLED_MS)
  expect(await isSettled()).toBe(false)
  settling.answered()
  expect(await isSettled()).toBe(true)
})
