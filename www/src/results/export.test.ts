/** Files of results, by the engine itself, as the package has it for Node.js. */

import { FirnDB } from 'firndb'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Queryable } from '../engine/run.js'
import { rowsOfArrow } from '../engine/result.js'
import { fileOf } from './export.js'

vi.setConfig({ testTimeout: 60_000 })

let db: FirnDB

beforeAll(async () => {
  db = await FirnDB.open('memory://')
  await db.exec('CREATE TABLE basket (id BIGINT PRIMARY KEY)')
})

afterAll(() => db.close())

async function exported(of: Queryable, sql: string) {
  return { within: () => Promise.resolve(of), sql, rows: rowsOfArrow(await of.queryArrow(sql)) }
}

test('a file of a transaction has what was written in it', async () => {
  await db.transaction(async (tx) => {
    await tx.query('INSERT INTO basket VALUES (1), (2)')
    const all = await exported(tx, 'SELECT id FROM basket ORDER BY id')
    expect(await (await fileOf('csv', all)).text()).toBe('id\n1\n2\n')
    expect(await (await fileOf('json', all)).text()).toBe('[\n{"id":1},\n{"id":2}\n]\n')
    expect((await fileOf('parquet', all)).size).toBeGreaterThan(100)
  })
})

test('it is cancelled also before there is a row', async () => {
  const sql = 'SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b WHERE a.value * b.value % 7919 = 1'
  const controller = new AbortController()
  const { rows } = await exported(db, 'SELECT 1')
  setTimeout(() => controller.abort(new Error('given up')), 200)
  const file = fileOf('csv', { within: () => Promise.resolve(db), sql, rows }, { signal: controller.signal })
  await expect(file).rejects.toThrow('given up')
})
