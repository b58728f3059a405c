import { FirnDBError } from 'firndb'
import { expect, test, vi } from 'vitest'
import type { Asked } from './own.js'
import { type Tab, TabKeeper } from './tabs.js'
import { Leftovers } from './unsaved.js'

type Row = Tab & { place: number; version: string }

/** The store of several windows: the one table, and what is asked of it. */
class FakeStore {
  table: Map<string, Row> | undefined
  isPrivate = true
  failure: Error | undefined
  /** A text that it does not take. */
  refused: string | undefined
  readonly asked: string[] = []

  /** What a window asks. */
  readonly db = { query: (sql: string, params: unknown[] = []) => this.#query(sql, params) } as unknown as Asked

  get texts(): Record<string, string> {
    return Object.fromEntries([...(this.table?.values() ?? [])].map(({ title, body }) => [title, body]))
  }

  async #query(sql: string, params: unknown[]): Promise<{ rows: unknown[]; affectedRows?: number }> {
    await Promise.resolve()
    this.asked.push(sql)
    if (this.failure) {
      throw this.failure
    }
    if (this.refused !== undefined && params.includes(this.refused)) {
      throw new FirnDBError('LimitExceeded', 'the text is too long')
    }
    if (sql.startsWith('CREATE TABLE')) {
      this.table ??= new Map()
      return { rows: [] }
    }
    if (sql.includes('FROM system.tables')) {
      return { rows: this.isPrivate ? [] : [{ name: 'tabs' }] }
    }
    if (/^(CREATE NAMESPACE|ALTER)/.test(sql)) {
      return { rows: [] }
    }
    const { table } = this
    if (!table) {
      throw new FirnDBError('NotFound', 'there is no table playground.tabs')
    }
    const [id, second, pane, place, title, body, version] = params as [string, string, number, number, string, string, string]
    const row = table.get(id)
    if (sql.startsWith('UPDATE')) {
      if (row?.version !== second) {
        return { rows: [], affectedRows: 0 }
      }
      table.set(id, { id, pane, place, title, body, version })
      return { rows: [], affectedRows: 1 }
    }
    if (sql.startsWith('INSERT')) {
      const [, pane, place, title, body, version] = params as [string, number, number, string, string, string]
      table.set(id, { id, pane, place, title, body, version })
      return { rows: [], affectedRows: 1 }
    }
    if (sql.startsWith('DELETE')) {
      return { rows: [], affectedRows: row?.version === second && table.delete(id) ? 1 : 0 }
    }
    return { rows: sql.includes('WHERE') ? (row ? [row] : []) : [...table.values()].sort((a, b) => a.place - b.place) }
  }
}

class FakeStorage extends Map<string, string> {
  get length() {
    return this.size
  }
  key(at: number) {
    return [...this.keys()][at] ?? null
  }
  getItem(key: string) {
    return this.get(key) ?? null
  }
  setItem(key: string, value: string) {
    this.set(key, value)
  }
  removeItem(key: string) {
    this.delete(key)
  }
}

function leftovers() {
  const storage = new FakeStorage()
  return { storage, of: new Leftovers(storage as unknown as Storage) }
}

const tab = (body: string, id = 'a', title = 'Query 1'): Tab => ({ id, pane: 0, title, body })

test('what is kept is read again, and what is forgotten is not', async () => {
  const store = new FakeStore()
  const keeper = new TabKeeper(store.db)
  expect(await keeper.read()).toEqual([])
  keeper.keep(tab('SELECT 1'))
  keeper.keep(tab('SELECT 2', 'b', 'Query 2'))
  await keeper.flush()
  keeper.forget('a')
  keeper.keep(tab('SELECT 3', '0', 'Query 3'))
  keeper.keep(tab('SELECT 2', 'b', 'Query 2'))
  await keeper.flush()
  // In the order in which they came.
  expect(await new TabKeeper(store.db).read()).toEqual([tab('SELECT 2', 'b', 'Query 2'), tab('SELECT 3', '0', 'Query 3')])
})

test('two windows that write the same text: both are kept, and each goes on with its own', async () => {
  const store = new FakeStore()
  const one = new TabKeeper(store.db)
  await one.read()
  one.keep(tab('both'))
  await one.flush()
  const other = new TabKeeper(store.db)
  await other.read()

  one.keep(tab('of one'))
  await one.flush()
  other.keep(tab('of the other'))
  await other.flush()
  one.keep(tab('of one, more'))
  await one.flush()
  other.keep(tab('of the other, more'))
  await other.flush()
  expect(store.texts).toEqual({ 'Query 1': 'of one, more', 'Query 1 (other window)': 'of the other, more' })

  // Closing it here is closing what is seen here.
  other.forget('a')
  await other.flush()
  expect(store.texts).toEqual({ 'Query 1': 'of one, more' })
})

test('the same text in two windows is one', async () => {
  const store = new FakeStore()
  const one = new TabKeeper(store.db)
  one.keep(tab(''))
  await one.flush()
  const other = new TabKeeper(store.db)
  await other.read()
  one.keep(tab('SELECT 1'))
  await one.flush()
  other.keep(tab('SELECT 1', 'a', 'Renamed'))
  await other.flush()
  expect(store.texts).toEqual({ Renamed: 'SELECT 1' })
})

test('a text that another window has changed is not deleted here', async () => {
  const store = new FakeStore()
  const one = new TabKeeper(store.db)
  one.keep(tab('before'))
  await one.flush()
  const other = new TabKeeper(store.db)
  await other.read()
  one.keep(tab('after'))
  await one.flush()
  other.forget('a')
  await other.flush()
  expect(store.texts).toEqual({ 'Query 1': 'after' })
})

test('what was typed last is left for the next page, which writes it', async () => {
  const store = new FakeStore()
  const { storage, of } = leftovers()
  const keeper = new TabKeeper(store.db, undefined, of)
  keeper.keep(tab('SELECT'))
  await keeper.flush()
  keeper.keep(tab('SELECT 1'))
  keeper.keep(tab('new', 'b', 'Query 2'))
  keeper.leave()
  expect(store.texts).toEqual({ 'Query 1': 'SELECT' })

  const next = new TabKeeper(store.db, undefined, of)
  expect(await next.read()).toEqual([tab('SELECT 1'), tab('new', 'b', 'Query 2')])
  await next.flush()
  expect(store.texts).toEqual({ 'Query 1': 'SELECT 1', 'Query 2': 'new' })
  expect(storage.size).toBe(0)
})

test('a page that wrote an earlier text while it went has not been another window', async () => {
  const store = new FakeStore()
  const { of } = leftovers()
  const keeper = new TabKeeper(store.db, undefined, of)
  keeper.keep(tab('a'))
  await keeper.flush()
  keeper.keep(tab('ab'))
  const writing = keeper.flush()
  keeper.keep(tab('abc'))
  keeper.leave()
  await writing
  expect(await new TabKeeper(store.db, undefined, of).read()).toEqual([tab('abc')])
})

test('what another window wrote after a page went is kept beside what it left', async () => {
  const store = new FakeStore()
  const { of } = leftovers()
  const keeper = new TabKeeper(store.db, undefined, of)
  keeper.keep(tab('a'))
  await keeper.flush()
  const other = new TabKeeper(store.db, undefined, of)
  await other.read()
  keeper.keep(tab('left'))
  keeper.leave()
  other.keep(tab('other'))
  await other.flush()
  // That it has written removes nothing of what others left.
  const next = new TabKeeper(store.db, undefined, of)
  await next.read()
  await next.flush()
  expect(store.texts).toEqual({ 'Query 1': 'other', 'Query 1 (other window)': 'left' })
})

test('a table that was dropped is made again, with all that was in it', async () => {
  const store = new FakeStore()
  const keeper = new TabKeeper(store.db)
  await keeper.read()
  keeper.keep(tab('SELECT 1'))
  keeper.keep(tab('SELECT 2', 'b', 'Query 2'))
  await keeper.flush()
  store.table = undefined
  keeper.keep(tab('SELECT 3'))
  await keeper.flush()
  expect(store.texts).toEqual({ 'Query 1': 'SELECT 3', 'Query 2': 'SELECT 2' })
  expect(keeper.trouble()).toBeUndefined()
})

test('what cannot be written is said, and written once it can', async () => {
  const store = new FakeStore()
  const keeper = new TabKeeper(store.db)
  await keeper.read()
  const said: (string | undefined)[] = []
  keeper.subscribe(() => said.push(keeper.trouble()))
  store.failure = new FirnDBError('LimitExceeded', 'the disk is full')
  keeper.keep(tab('SELECT 1'))
  await keeper.flush()
  await keeper.flush()
  store.failure = undefined
  await keeper.flush()
  expect(said).toEqual(['the disk is full', undefined])
  expect(store.texts).toEqual({ 'Query 1': 'SELECT 1' })
})

test('a text that cannot be written holds up no other, and the trouble stays as long as it does', async () => {
  const store = new FakeStore()
  const { storage, of } = leftovers()
  const keeper = new TabKeeper(store.db, undefined, of)
  await keeper.read()
  keeper.keep(tab('to be closed', 'c', 'Query 3'))
  await keeper.flush()
  store.refused = 'long'
  keeper.keep(tab('long'))
  keeper.keep(tab('short', 'b', 'Query 2'))
  keeper.leave()
  await keeper.flush()
  expect(store.texts).toEqual({ 'Query 2': 'short', 'Query 3': 'to be closed' })
  keeper.forget('c')
  await vi.waitFor(() => expect(store.texts).toEqual({ 'Query 2': 'short' }))
  expect(keeper.trouble()).toBe('the text is too long')
  expect(storage.size).toBe(1)
  keeper.keep(tab('shorter'))
  await keeper.flush()
  expect(keeper.trouble()).toBeUndefined()
  expect(storage.size).toBe(0)
})

test('what is typed while an earlier text is written stays for the next page', async () => {
  const store = new FakeStore()
  const { of } = leftovers()
  const query = async (sql: string, params: unknown[]) => {
    if (sql.startsWith('INSERT')) {
      keeper.keep(tab('ab'))
      keeper.leave()
    }
    return store.db.query(sql, params as [])
  }
  const keeper = new TabKeeper({ query } as unknown as Asked, undefined, of)
  keeper.keep(tab('a'))
  await keeper.flush()
  expect(await new TabKeeper(store.db, undefined, of).read()).toEqual([tab('ab')])
})

test('the table is private, also one that was not', async () => {
  const store = new FakeStore()
  await new TabKeeper(store.db).read()
  expect(store.asked.join('\n')).toMatch(/CREATE TABLE.*ACCESS_LEVEL = 'private'/)
  expect(store.asked.join('\n')).not.toMatch(/SET \(ACCESS_LEVEL/)
  store.isPrivate = false
  await new TabKeeper(store.db).read()
  await vi.waitFor(() => expect(store.asked.join('\n')).toMatch(/ALTER TABLE playground.tabs SET \(ACCESS_LEVEL = 'private'\)/))
})
