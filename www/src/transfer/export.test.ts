/** Writes tables of the engine itself, as the package has it for Node.js. */

import { FirnDB } from 'firndb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TableName } from '../engine/names.js'
import type { Queryable } from '../engine/run.js'
import { type ExportFormat, fileName, written } from './export.js'

let db: FirnDB

beforeAll(async () => {
  db = await FirnDB.open('memory://')
  await db.exec(`CREATE TABLE "odd.name" (id BIGINT PRIMARY KEY, "a ""b" TEXT);
    INSERT INTO "odd.name" VALUES (1, 'x'), (2, 'two
lines, "quoted"');
    CREATE USER alice; CREATE USER TABLE own (id BIGINT PRIMARY KEY); CREATE NAMESPACE other; CREATE TABLE other.own (id BIGINT PRIMARY KEY)`)
  await db.as('alice').query('INSERT INTO own VALUES (7)')
})

afterAll(() => db.close())

const main = (name: string): TableName => ({ namespace: 'main', name })
const out = (of: Queryable, table: TableName, format: ExportFormat) => written(of, table, format, new AbortController().signal, () => undefined)

test.each(['csv', 'json', 'parquet'] as const)('a name with a dot, as %s, and how many rows', async (format) => {
  const { blob, rows } = await out(db, main('odd.name'), format)
  expect(rows).toBe(2)
  expect(await blob.text()).toContain('quoted')
})

test('of a USER table it is the rows of whoever exports, whatever they USE', async () => {
  const alice = db.as('alice')
  await db.query('USE other')
  expect(await (await out(alice, main('own'), 'csv')).blob.text()).toBe('id\n7\n')
  expect((await out(db, main('own'), 'csv')).rows).toBe(0)
  expect((await out(db, main('own'), 'parquet')).rows).toBe(0)
  await db.query('USE main')
})

test('in a transaction it has what was written in it', async () => {
  await db.transaction(async (tx) => {
    await tx.query("INSERT INTO other.own VALUES (1)")
    expect((await out(tx, { namespace: 'other', name: 'own' }, 'csv')).rows).toBe(1)
    await tx.query('DELETE FROM other.own')
  })
})

test('errors are those of the engine', async () => {
  await expect(out(db, main('nope'), 'csv')).rejects.toThrow(/there is no table/)
})

test('files are called like tables, without what files cannot be called', () => {
  expect(fileName(main('flights'), 'csv')).toBe('flights.csv')
  expect(fileName({ namespace: 'chat', name: 'a/b' }, 'json')).toBe('chat.a_b.json')
  expect(fileName(main('odd.name'), 'parquet')).toBe('odd_name.parquet')
})
