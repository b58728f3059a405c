import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Tab } from '../editor/tabs.js'
import { TabList, UNDO_MS } from './tabs.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function made(...bodies: string[]) {
  const kept: Tab[] = bodies.map((body, at) => ({ id: `t${at}`, pane: 0, title: `Query ${at + 1}`, body }))
  const forgotten: string[] = []
  const list = new TabList(0, kept, { keep: () => undefined, forget: (id) => forgotten.push(id) })
  const bodiesNow = () => list.now().all.map(({ body }) => body)
  return { list, forgotten, bodiesNow }
}

test('several that come at once are a tab each', () => {
  const { list, bodiesNow } = made('')
  list.edit('t0', 'a')
  list.open('b.csv', 'b')
  list.open('c.csv', 'c')
  expect(bodiesNow()).toEqual(['a', 'b', 'c'])
  expect(list.now().active.title).toBe('c.csv')
})

test('what comes behind leaves what is shown', () => {
  const { list, bodiesNow } = made('typed')
  list.open('Flights', 'SELECT', true)
  expect(bodiesNow()).toEqual(['typed', 'SELECT'])
  expect(list.now().active.body).toBe('typed')
})

test('a closed text can be had again where it was, and is forgotten only then', () => {
  const { list, forgotten, bodiesNow } = made('a', 'b', 'c')
  list.choose('t1')
  list.close('t1')
  expect(bodiesNow()).toEqual(['a', 'c'])
  expect(list.now().active.body).toBe('c')
  list.reopen()
  expect(bodiesNow()).toEqual(['a', 'b', 'c'])
  expect(list.now().active.body).toBe('b')
  vi.advanceTimersByTime(UNDO_MS)
  expect(forgotten).toEqual([])

  list.close('t1')
  list.close('t0')
  vi.advanceTimersByTime(UNDO_MS)
  expect(forgotten).toEqual(['t1', 't0'])
  expect(list.now().closed).toBeUndefined()
})

test('the last one leaves an empty one, which goes when it comes back', () => {
  const { list, forgotten, bodiesNow } = made('a')
  list.close('t0')
  expect(bodiesNow()).toEqual([''])
  list.reopen()
  expect(bodiesNow()).toEqual(['a'])
  // Of an empty one there is nothing to have again.
  list.open()
  const { id } = list.now().active
  list.close(id)
  expect(forgotten.at(-1)).toBe(id)
  expect(list.now().closed).toBeUndefined()
})

test('titles are numbers that are free', () => {
  const { list } = made('a', 'b')
  list.close('t0')
  list.open()
  expect(list.now().active.title).toBe('Query 1')
})
