import { beforeEach, expect, test, vi } from 'vitest'
import { during, resume } from './unfinished.js'

const kept = new Map<string, string>()
/** Locks that another tab may hold. */
let isHeld = false

beforeEach(() => {
  kept.clear()
  isHeld = false
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  })
  vi.stubGlobal('navigator', {
    locks: { request: (_: string, __: unknown, work: (lock: unknown) => unknown) => work(isHeld ? null : {}) },
  })
})

const failing = (why: string) => () => Promise.reject(new Error(why))

test('what came to its end leaves nothing to do', async () => {
  expect(await during('a', () => Promise.resolve(7))).toBe(7)
  await expect(during('a', failing('no rows'), () => Promise.resolve())).rejects.toThrow('no rows')
  const undo = vi.fn(() => Promise.resolve())
  await resume('a', undo)
  expect(undo).not.toHaveBeenCalled()
})

test('where it cannot be undone the first failure is told, and it is undone later', async () => {
  await expect(during('a', failing('no rows'), failing('no drop'))).rejects.toThrow('no rows')
  await expect(resume('a', failing('still not'))).rejects.toThrow('still not')
  const undo = vi.fn(() => Promise.resolve())
  await resume('a', undo)
  await resume('a', undo)
  expect(undo).toHaveBeenCalledTimes(1)
})

test('what another tab is at is left to it', async () => {
  isHeld = true
  await expect(during('a', () => Promise.resolve())).rejects.toThrow('it is being loaded already')
})
