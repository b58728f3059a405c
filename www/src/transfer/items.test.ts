import { expect, test } from 'vitest'
import type { Head } from './head.js'
import { type Item, type ReadyItem, asSaid, isLookedAt, itemOf, seenAgain } from './items.js'

const file = new File([''], 'a.csv')

function headOf(...names: string[]): Head {
  return { format: 'csv', columns: names.map((name) => ({ name, type: 'TEXT', isUnique: false })), preview: [], notes: [] }
}

function ready(item: Item): ReadyItem {
  if (item.state !== 'ready') {
    throw new Error(item.state)
  }
  return item
}

const item = ready(itemOf({ file, head: headOf('a;b') }, new Set()))

test('of two looks the one that was asked for last counts, in whatever order they answer', () => {
  const first = asSaid(item, { delimiter: ';' })
  const second = asSaid(first, { header: false })
  expect(second.hints).toEqual({ delimiter: ';', header: false })
  expect(seenAgain(second, first.hints, { file, head: headOf('late') })).toBe(second)
  const seen = ready(seenAgain(second, second.hints, { file, head: headOf('a', 'b') }))
  expect(seen.head.columns).toHaveLength(2)
  expect(seenAgain(seen, first.hints, { file, head: headOf('late') })).toBe(seen)
  expect([item, second, seen].map(isLookedAt)).toEqual([false, true, false])
})

test('what is typed during a look stays', () => {
  const asked = asSaid(item, { delimiter: ';' })
  const typed = { ...asked, draft: { ...asked.draft, table: 'mine' } }
  expect(ready(seenAgain(typed, asked.hints, { file, head: headOf('a', 'b') })).draft.table).toBe('mine')
})

test('a file that cannot be read so stays as it was, and says why', () => {
  const asked = asSaid(item, { delimiter: '|' })
  const seen = ready(seenAgain(asked, asked.hints, { file, message: 'no' }))
  expect(seen).toMatchObject({ head: item.head, hints: {}, problem: expect.stringContaining('no') })
  expect(isLookedAt(seen)).toBe(false)
  expect(asSaid(seen, { delimiter: ',' }).problem).toBeUndefined()
})
