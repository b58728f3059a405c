import { FirnDBError } from 'firndb'
import { expect, test } from 'vitest'
import { OWNER } from '../engine/store.js'
import { History } from './history.js'
import type { Asked } from './own.js'

/** A store that tells what it was asked; its table may be missing, or public. */
function fake({ isThere = true, isPrivate = true } = {}) {
  const asked: string[] = []
  let there = isThere
  const query = async (sql: string) => {
    await Promise.resolve()
    asked.push(sql)
    there ||= sql.startsWith('CREATE TABLE')
    if (!there && !sql.startsWith('CREATE')) {
      throw new FirnDBError('NotFound', 'there is no table playground.history')
    }
    return { rows: sql.includes('system.tables') && !isPrivate ? [{ name: 'history' }] : [], fields: [] }
  }
  return { db: { query } as unknown as Asked, asked }
}

const outcome = { kind: 'affected', sql: 'SELECT 1', ms: 1, affected: 0 } as const

test('it is made with its first entry, and private', async () => {
  const { db, asked } = fake({ isThere: false })
  expect(await new History(db).read()).toEqual([])
  await new History(db).add(outcome, OWNER)
  expect(asked.filter((sql) => sql.startsWith('INSERT'))).toHaveLength(2)
  expect(asked.join('\n')).toMatch(/CREATE TABLE.*history.*ACCESS_LEVEL = 'private'/s)
})

test('one that was made before it was private is made so with the first entry of a visit', async () => {
  const { db, asked } = fake({ isPrivate: false })
  const history = new History(db)
  await history.add(outcome, OWNER)
  const made = asked.filter((sql) => /ALTER TABLE playground.history SET \(ACCESS_LEVEL = 'private'\)/.test(sql))
  expect(made).toHaveLength(1)
  const before = asked.length
  await history.add(outcome, OWNER)
  expect(asked.slice(before)).toHaveLength(1)
})
