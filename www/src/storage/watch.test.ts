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
const isFiles = (sql: string) => sql.includes('system.batches')

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
  const store = storeOf(async (sql) => (isFiles(sql) && looks++, []))
  const watch = new Watch(store, OWNER, () => busy, () => {})
  watch.begin()
  await vi.advanceTimersByTimeAsync(3500)
  expect(looks).toBe(4)
  busy = true
  await vi.advanceTimersByTimeAsync(1500)
  expect(looks).toBeGreaterThanOrEqual(9)
  watch.rest()
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
    looks += isFiles(sql) ? 1 : 0
    await new Promise((resolve) => setTimeout(resolve, 50))
    under -= 1
    return []
  })
  const watch = new Watch(store, OWNER, () => false, () => {})
  watch.begin()
  await vi.advanceTimersByTimeAsync(60)
  watch.look()
  watch.begin()
  await vi.advanceTimersByTimeAsync(600)
  expect([most, looks]).toEqual([1, 2])
  watch.rest()
})

test('does not look while the page is hidden', async () => {
  let looks = 0
  const watch = new Watch(storeOf(async () => (looks++, [])), OWNER, () => false, () => {})
  page.hidden = true
  watch.begin()
  await vi.advanceTimersByTimeAsync(5000)
  expect(looks).toBe(0)
  watch.rest()
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
  watch.begin()
  await vi.advanceTimersByTimeAsync(3000)
  expect(told.length).toBe(1)
  tables = [TABLE]
  watch.changed()
  await vi.advanceTimersByTimeAsync(1000)
  expect(told.at(-1)?.log.map(({ event }) => event.kind)).toEqual(['created'])
  error = new Error('gone')
  await vi.advanceTimersByTimeAsync(3000)
  expect(told.length).toBe(3)
  expect(told.at(-1)).toMatchObject({ error: 'gone', snapshot: { tables: [{ id: 'app.t' }] } })
  error = undefined
  await vi.advanceTimersByTimeAsync(1000)
  expect(told.at(-1)).toMatchObject({ error: undefined, snapshot: { tables: [{ id: 'app.t' }] } })
  watch.rest()
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
  watch.begin()
  await vi.advanceTimersByTimeAsync(100)
  expect(told).toMatchObject([{ error: undefined, snapshot: { jobs: undefined, tables: [{ id: 'app.t' }] } }])
  watch.rest()
})

test('who acts for somebody looks by its own rights, at the scopes that it acts upon', async () => {
  const asked: unknown[] = []
  const told: State[] = []
  const names = { namespace: 'app', table_name: 't' }
  const scopes = ['shared', 'u-alice', 'u-bob'].map((scope) => ({ ...names, scope, hot_rows: 1n, hot_versions: 1n }))
  const { databaseOf } = storeOf(async (sql) => (isTables(sql) ? [TABLE] : sql.includes('system.scopes') ? scopes : []))
  const store = { databaseOf: (...who: Parameters<Store['databaseOf']>) => (asked.push(who[0]), databaseOf(...who)) }
  const watch = new Watch(store, { user: 'root', as: 'alice' }, () => false, (state) => told.push(state))
  watch.begin()
  await vi.advanceTimersByTimeAsync(1500)
  expect(asked).toEqual([{ user: 'root' }, { user: 'root' }])
  expect(told[0]?.snapshot?.tables[0]?.scopes.map(({ scope }) => scope)).toEqual(['shared', 'u-alice'])
  watch.rest()
})

test('what was refused once is not asked for again', async () => {
  let refusals = 0
  const store = storeOf(async (sql) => {
    if (sql.includes('system.jobs')) {
      refusals += 1
      throw Object.assign(new Error('not for you'), { code: 'PermissionDenied' })
    }
    return []
  })
  const watch = new Watch(store, { user: 'alice' }, () => false, () => {})
  watch.begin()
  await vi.advanceTimersByTimeAsync(5000)
  expect(refusals).toBe(1)
  watch.rest()
})

test('at rest nothing is read, and after it the next look is compared with the last', async () => {
  const told: State[] = []
  let looks = 0
  let tables: unknown[] = []
  const store = storeOf(async (sql) => (looks++, isTables(sql) ? tables : []))
  const watch = new Watch(store, OWNER, () => false, (state) => told.push(state))
  watch.begin()
  await vi.advanceTimersByTimeAsync(100)
  watch.rest()
  const before = looks
  tables = [TABLE]
  watch.look()
  await vi.advanceTimersByTimeAsync(5000)
  expect([looks, told.length]).toEqual([before, 1])
  watch.begin()
  await vi.advanceTimersByTimeAsync(100)
  expect(told.at(-1)?.log.map(({ event }) => event.kind)).toEqual(['created'])
  watch.rest()
})

test('tables are read again where somebody says so, where rows are of others, and now and then', async () => {
  let reads = 0
  const tables: unknown[] = []
  const scopes: unknown[] = []
  const store = storeOf(async (sql) => (isTables(sql) ? (reads++, [...tables]) : sql.includes('system.scopes') ? scopes : []))
  const watch = new Watch(store, OWNER, () => false, () => {})
  watch.begin()
  await vi.advanceTimersByTimeAsync(2500)
  expect(reads).toBe(1)
  watch.changed()
  await vi.advanceTimersByTimeAsync(100)
  expect(reads).toBe(2)
  tables.push(TABLE)
  scopes.push({ namespace: 'app', table_name: 't', scope: 'shared' })
  await vi.advanceTimersByTimeAsync(1000)
  expect(reads).toBe(3)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(reads).toBeGreaterThanOrEqual(4)
  watch.rest()
})
