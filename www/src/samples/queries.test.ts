/** Loads samples into the engine itself, as the package has it for Node.js, and runs what they have to show. */

import { FirnDB } from 'firndb'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import arrow from '../../node_modules/vega-datasets/data/flights-200k.arrow?url&inline'
import { CHAT } from './chat.js'
import { FLIGHTS, FLIGHTS_LARGE } from './flights.js'
import { calledBy, tablesOf } from '../engine/names.js'
import { carryOut, define, drop } from './load.js'
import { eventsOf } from './rows/sources.js'
import type { Recipe } from './sample.js'
import { TPCH } from './tpch.js'

let db: FirnDB

beforeAll(async () => {
  db = await FirnDB.open('memory://')
  const { fetch } = globalThis
  vi.stubGlobal('fetch', () => fetch(arrow))
})

afterAll(async () => {
  vi.unstubAllGlobals()
  await db.close()
})

async function load(recipe: Recipe): Promise<number> {
  const events = eventsOf({ sample: recipe.id, base: 'http://localhost/' })
  const progress = { signal: new AbortController().signal, report: () => undefined }
  return await carryOut(events, { owner: db, changed: () => undefined }, recipe.rows, progress)
}

/** Those that answer with nothing on purpose. */
const EMPTY = /own\b|merge/i

for (const recipe of [FLIGHTS, CHAT, TPCH]) {
  test(`${recipe.title}: loads, and every statement has something to say`, { timeout: 120_000 }, async () => {
    // Whatever somebody works in.
    await db.exec('CREATE NAMESPACE IF NOT EXISTS elsewhere; USE elsewhere')
    await define(db, recipe)
    expect(await load(recipe)).toBe(recipe.rows)
    await db.query('USE main')
    const there = await tablesOf(db)
    expect(recipe.tables.every((table) => there.has(calledBy(table)))).toBe(true)
    for (const { title, sql } of recipe.queries) {
      const { rows, fields, affectedRows } = await db.query(sql)
      if (!EMPTY.test(title)) {
        expect(fields.length > 0 ? rows.length : affectedRows, title).toBeGreaterThan(0)
      }
    }
    await drop(db, recipe)
    await drop(db, recipe)
    const left = await tablesOf(db)
    expect(recipe.tables.some((table) => left.has(calledBy(table)))).toBe(false)
  })
}

test('the statements about three million flights run on none', async () => {
  await define(db, FLIGHTS_LARGE)
  for (const { sql } of FLIGHTS_LARGE.queries) {
    await db.query(sql)
  }
  await drop(db, FLIGHTS_LARGE)
})

test("somebody's own table stays, unless it is to be replaced", async () => {
  await db.exec("CREATE TABLE flights (id BIGINT PRIMARY KEY, mine TEXT); INSERT INTO flights VALUES (1, 'precious')")
  await expect(define(db, FLIGHTS)).rejects.toThrow('there is a table flights already')
  await drop(db, FLIGHTS)
  expect((await db.query('SELECT mine FROM flights')).rows).toEqual([{ mine: 'precious' }])
  await define(db, FLIGHTS, true)
  expect((await db.query('SELECT delay FROM flights')).rows).toEqual([])
  // It is the sample's from here on, until somebody makes another in its place.
  await define(db, FLIGHTS)
  await db.exec('DROP TABLE flights; CREATE TABLE flights (id BIGINT PRIMARY KEY)')
  await drop(db, FLIGHTS)
  expect(await tablesOf(db)).toContain('flights')
})
