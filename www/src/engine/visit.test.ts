import { expect, test, vi } from 'vitest'
import type { Store } from './store.js'
import { Visit } from './visit.js'

/** Stores that come when they are told to, and the messages of other windows. */
function stage() {
  const opens: { store: Store; come(): void; fail(error: Error): void }[] = []
  const windows = { leave: () => undefined as void, back: () => undefined as void }
  const open = () =>
    new Promise<Store>((resolve, reject) => {
      const store = { close: vi.fn(() => Promise.resolve()) } as unknown as Store
      opens.push({ store, come: () => resolve(store), fail: reject })
    })
  const preparing: (() => void)[] = []
  const prepare = (store: Store) => new Promise<{ store: Store }>((resolve) => preparing.push(() => resolve({ store })))
  const listen = (leave: () => void, back: () => void) => {
    expect(opens).toEqual([])
    Object.assign(windows, { leave, back })
    return () => undefined
  }
  const visit = new Visit(prepare, open, listen)
  const settle = () => new Promise((resolve) => setTimeout(resolve))
  /** Has the store `at` open, and whatever is made of it made. */
  const come = async (at: number) => {
    opens[at]?.come()
    await settle()
    preparing.splice(0).forEach((done) => done())
    await settle()
  }
  return { visit, opens, windows, preparing, settle, come }
}

test('a store is opened, left to others, and opened again', async () => {
  const { visit, opens, windows, come } = stage()
  const seen: string[] = []
  visit.subscribe(() => seen.push(Object.keys(visit.state())[0] ?? ''))
  await come(0)
  expect(visit.state()).toEqual({ opened: { store: opens[0]?.store } })
  windows.leave()
  expect(visit.state()).toHaveProperty('step')
  expect(opens[0]?.store.close).toHaveBeenCalled()
  windows.back()
  await come(1)
  expect(visit.state()).toEqual({ opened: { store: opens[1]?.store } })
  expect(seen).toEqual(['opened', 'step', 'step', 'opened'])
})

test('a store that comes after others asked for it is closed', async () => {
  const { visit, opens, windows, come, preparing } = stage()
  windows.leave()
  await come(0)
  expect(preparing).toEqual([])
  expect(opens[0]?.store.close).toHaveBeenCalled()
  expect(visit.state()).toHaveProperty('step')
})

test('so is one of which something is being made', async () => {
  const { visit, opens, windows, come, settle } = stage()
  opens[0]?.come()
  await settle()
  windows.leave()
  await come(0)
  expect(opens[0]?.store.close).toHaveBeenCalled()
  expect(visit.state()).toHaveProperty('step')
})

test('of two the one that was asked for last is the store, whichever comes first', async () => {
  const { visit, opens, windows, come } = stage()
  windows.leave()
  windows.back()
  await come(1)
  await come(0)
  expect(visit.state()).toEqual({ opened: { store: opens[1]?.store } })
  expect(opens[0]?.store.close).toHaveBeenCalled()
  expect(opens[1]?.store.close).not.toHaveBeenCalled()
})

test('a failure is told, unless something else was asked for; who has not left does not come back', async () => {
  const { visit, opens, windows, settle } = stage()
  windows.back()
  expect(opens).toHaveLength(1)
  const failure = new Error('no room')
  opens[0]?.fail(failure)
  await settle()
  expect(visit.state()).toEqual({ failure, what: 'The store could not be opened' })
  visit.start()
  windows.leave()
  opens[1]?.fail(failure)
  await settle()
  expect(visit.state()).toHaveProperty('step')
})
