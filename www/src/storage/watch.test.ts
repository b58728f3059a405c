import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { OWNER, type Store } from '../engine/store.js'
import { type State, Watch } from './watch.js'

/** A store whose system tables have what `answer` gives. */
function storeOf(answer: (sql: string) => Promise<unknown[]>): Pick<Store, 'databaseOf'> {
  const db = { query: async (sql: string) => ({ rows: await answer(sql) }) }
  return { databaseOf: async () => db } as unknown as Pick<Store, 'databaseOf'>
}

const page = { hidden: false }
const TABLE = { namespace: 'app', name: 't', kind: 'SHARED' }
const isTables = (sql: string) => sql.includes('system.tables')

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('document', page)
  page.hidden = false
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('looks once a second, and oftener while something is under way', async () => {
  let looks = 0
  let busy = false
  const store = storeOf(async (sql) => (isTables(sql) && looks++, []))
  const watch = new Watch(store, OWNER, () => busy, () => {})
  watch.look()
  await vi.advanceTimersByTimeAsync(3500)
  expect(looks).toBe(4)
  busy = true
  await vi.advanceTimersByTimeAsync(1500)
  expect(looks).toBeGreaterThanOrEqual(9)
  watch.end()
  const before = looks
  await vi.advanceTimersByTimeAsync(5000)
  expect(looks).toBe(before)
})

test('never looks twice at once, and looks again for who asked meanwhile', async () => {
  let under = 0
  let most = 0
  let looks = 0
  const store = storeOf(async (sql) => {
    under += 1
    most = Math.max(most, under)
    looks += isTables(sql) ? 1 : 0
    await new Promise((resolve) => setTimeout(resolve, 50))
    under -= 1
    return []
  })
  const watch = new Watch(store, OWNER, () => false, () => {})
  watch.look()
  await vi.advanceTimersByTimeAsync(60)
  watch.look()
  watch.look()
  await vi.advanceTimersByTimeAsync(600)
  expect([most, looks]).toEqual([1, 2])
  watch.end()
})

test('does not look while the page is hidden', async () => {
  let looks = 0
  const watch = new Watch(storeOf(async () => (looks++, [])), OWNER, () => false, () => {})
  page.hidden = true
  watch.look()
  await vi.advanceTimersByTimeAsync(5000)
  expect(looks).toBe(0)
  watch.end()
})

test('tells only what is other, and keeps the last picture when a look fails', async () => {
  const told: State[] = []
  let tables: unknown[] = []
  let error: Error | undefined
  const store = storeOf(async (sql) => {
    if (error) {
      throw error
    }
    return isTables(sql) ? tables : []
  })
  const watch = new Watch(store, OWNER, () => false, (state) => told.push(state))
  watch.look()
  await vi.advanceTimersByTimeAsync(3000)
  expect(told.length).toBe(1)
  tables = [TABLE]
  await vi.advanceTimersByTimeAsync(1000)
  expect(told.at(-1)?.log.map(({ event }) => event.kind)).toEqual(['created'])
  error = new Error('gone')
  await vi.advanceTimersByTimeAsync(3000)
  expect(told.length).toBe(3)
  expect(told.at(-1)).toMatchObject({ error: 'gone', snapshot: { tables: [{ id: 'app.t' }] } })
  error = undefined
  await vi.advanceTimersByTimeAsync(1000)
  expect(told.at(-1)).toMatchObject({ error: undefined, snapshot: { tables: [{ id: 'app.t' }] } })
  watch.end()
})

test('what is not for whoever looks is left out', async () => {
  const told: State[] = []
  const store = storeOf(async (sql) => {
    if (sql.includes('system.jobs')) {
      throw Object.assign(new Error('not for you'), { code: 'PermissionDenied' })
    }
    return isTables(sql) ? [TABLE] : []
  })
  const watch = new Watch(store, OWNER, () => false, (state) => told.push(state))
  watch.look()
  await vi.advanceTimersByTimeAsync(100)
  expect(told).toMatchObject([{ error: undefined, snapshot: { jobs: undefined, tables: [{ id: 'app.t' }] } }])
  watch.end()
})
