/** Loads files into the engine itself, as the package has it for Node.js. */

import { FirnDB } from 'firndb'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { csvHead } from './csv-head.js'
import { type Draft, draftOf } from './draft.js'
import type { Head } from './head.js'
import { importFile } from './import-file.js'
import { jsonHead } from './json-head.js'
import { parquetHead } from './parquet-head.js'
import { csvOfParquet } from './parquet-rows.js'
import { textOf } from './text.js'

vi.setConfig({ testTimeout: 60_000 })

let db: FirnDB

beforeAll(async () => {
  db = await FirnDB.open('memory://')
})

afterAll(() => db.close())

async function headOf(file: File): Promise<Head> {
  if (file.name.endsWith('.parquet')) {
    return await parquetHead(file)
  }
  const text = await textOf(file)
  return file.name.endsWith('.csv') ? csvHead(text, file.name) : jsonHead(text)
}

async function load(
  file: File,
  change: (draft: Draft) => Partial<Draft> = () => ({}),
  signal = new AbortController().signal,
  owner = db,
) {
  const head = await headOf(file)
  const draft = draftOf(head, file.name, new Set())
  const progress = { signal, report: () => undefined }
  return await importFile({ owner, changed: () => undefined }, file, head, { ...draft, ...change(draft) }, progress, csvOfParquet)
}

const rowsOf = async (sql: string) => (await db.query<unknown[]>(sql, [], { rowMode: 'array' })).rows
const tables = async () => (await rowsOf('SELECT name FROM system.tables')).flat()

test('CSV, by names that are none', async () => {
  const file = new File(['ID;;select;"a""b"\n1;x;;"1;5"\n2;y;true;z\n'], 'Odd: names.csv')
  expect(await load(file)).toBe('2 rows of Odd: names.csv are in odd_names.')
  expect(await rowsOf('SELECT "ID", column_2, "select", "a""b" FROM odd_names ORDER BY "ID"')).toEqual([
    [1n, 'x', null, '1;5'],
    [2n, 'y', true, 'z'],
  ])
})

test('CSV in another encoding', async () => {
  await load(new File([new Uint8Array([0x61, 0x0a, 0xe9, 0x0a])], 'latin.csv'))
  expect(await rowsOf('SELECT a FROM latin')).toEqual([['é']])
})

test('bad rows stop it, and nothing is left, or they are left out and counted', async () => {
  const file = new File([`a,b\n${`1,${'x'.repeat(40)}\n`.repeat(20_000)}boom,x\n`], 'bad.csv')
  await expect(load(file)).rejects.toThrow(/bad\.csv, line 20002.*is not a BIGINT/)
  expect(await tables()).not.toContain('bad')
  expect(await load(file, () => ({ skipsBadRows: true }))).toMatch(/^20,000 rows .* 1 bad row was left out\.$/)
})

test('what went wrong is told also where the table cannot be taken away', async () => {
  const owner = {
    query: (sql: string) => (sql.startsWith('DROP') ? Promise.reject(new Error('the store is gone')) : db.query(sql)),
    copyFrom: () => Promise.reject(new Error('no such row')),
  } as unknown as FirnDB
  await expect(load(new File(['a\n1\n'], 'stuck.csv'), undefined, undefined, owner)).rejects.toThrow('no such row')
  await db.query('DROP TABLE stuck')
})

test('JSON, with other names and an id', async () => {
  const file = new File(['[{"a":1,"b":{"c":[1]}},{"b":null,"a":1}]'], 'j.json')
  await load(file, ({ columns: [, b] }) => ({ columns: [{ name: 'b', type: 'BIGINT' }, { name: 'Ä', type: b?.type ?? '' }] }))
  expect(await rowsOf('SELECT b, "Ä" FROM j ORDER BY id')).toEqual([
    [1n, { c: [1] }],
    [1n, null],
  ])
})

test('Parquet of every type that the engine writes', async () => {
  await db.exec(`CREATE TABLE types (id BIGINT PRIMARY KEY, l BIGINT[], t TEXT, z TIMESTAMPTZ, s TIMESTAMP, h TIME, b BYTEA, d DECIMAL(10,2),
    r REAL, f DOUBLE PRECISION, o BOOLEAN, y DATE, i INTEGER, m SMALLINT);
    INSERT INTO types VALUES (1, ARRAY[1,2], 'x', '2020-01-01 00:00:00Z', '2020-01-01', '10:00:00', '\\x00', 1.5, 1, 2, true, '2020-01-01', 1, 1)`)
  const bytes = await new Response(db.copyTo('types', { format: 'parquet' }) as ReadableStream<Uint8Array<ArrayBuffer>>).blob()
  const file = new File([bytes], 'copy.parquet')
  const head = await headOf(file)
  expect(head.columns.map(({ type }) => type)).toEqual([
    ...['BIGINT', 'BIGINT[]', 'TEXT', 'TIMESTAMPTZ', 'TIMESTAMP', 'TIME', 'BYTEA', 'DECIMAL(10,2)', 'REAL', 'DOUBLE PRECISION'],
    ...['BOOLEAN', 'DATE', 'INTEGER', 'SMALLINT'],
  ])
  expect(head.rows).toBe(1)
  await load(file, ({ columns }) => ({ columns: columns.map(({ name, type }) => ({ name: `${name}2`, type })) }))
  expect(await rowsOf('SELECT * FROM copy')).toEqual(await rowsOf('SELECT * FROM types'))
})

test('of one user', async () => {
  await db.exec('CREATE USER alice')
  await load(new File(['id,v\n1,x\n'], 'own.csv'), () => ({ kind: 'USER', user: 'alice' }))
  expect(await rowsOf('SELECT count(*) FROM own')).toEqual([[0n]])
  expect(await rowsOf("EXECUTE AS USER 'alice' (SELECT v FROM own)")).toEqual([['x']])
})

test('cancelled, nothing is left', async () => {
  const controller = new AbortController()
  const line = `${'x'.repeat(99)}\n`
  const file = new File([`a\n${line.repeat(500_000)}`], 'large.csv')
  setTimeout(() => controller.abort(), 300)
  await expect(load(file, undefined, controller.signal)).rejects.toThrow()
  expect(await tables()).not.toContain('large')
})

test('in parts, lines are counted from where the part begins', async () => {
  const line = `1,${'x'.repeat(997)}\n`
  const file = new File([`a,b\n${line.repeat(40_000)}no,x\n`], 'parts.csv')
  await expect(load(file)).rejects.toThrow(/line \d+.*\(lines are counted from line [\d,]+ of the file\)/s)
  await expect(load(file, () => ({ skipsBadRows: true }))).resolves.toMatch(/^40,000 rows/)
})

test('Parquet of simple types goes in by parts, as it was', async () => {
  await db.exec(`CREATE TABLE simple (id BIGINT PRIMARY KEY, t TEXT, z TIMESTAMPTZ, s TIMESTAMP, d DECIMAL(15,2), r REAL, f DOUBLE PRECISION,
    o BOOLEAN, y DATE, i INTEGER, m SMALLINT);
    INSERT INTO simple VALUES (1, 'a,"b"' || chr(10) || 'c', '2020-01-01 00:00:00.123456Z', '1969-12-31 23:59:59.999999', -0.01, 0.1, 5e-324, true,
      '1969-12-31', -1, 1), (2, '', '0001-01-01 00:00:00Z', '9999-12-31 23:59:59', 1234567890123.45, 3.4e38, '-Infinity', false, '2024-02-29', 2, 2),
      (3, '\\N', NULL, NULL, NULL, NULL, 'NaN', NULL, NULL, NULL, NULL), (4, NULL, NULL, NULL, NULL, -0.0, -0.0, NULL, NULL, NULL, NULL);
    INSERT INTO simple (id, t, f) SELECT value, repeat('x', 100), value * 0.1 FROM generate_series(5, 200000)`)
  const bytes = await new Response(db.copyTo('simple', { format: 'parquet' }) as ReadableStream<Uint8Array<ArrayBuffer>>).blob()
  const file = new File([bytes], 'simple_copy.parquet')
  expect((await headOf(file)).isSimple).toBe(true)
  expect(await load(file)).toBe('200,000 rows of simple_copy.parquet are in simple_copy.')
  const some = (table: string) => rowsOf(`SELECT *, s::TEXT, z::TEXT, r::TEXT, f::TEXT FROM ${table} WHERE id < 5 ORDER BY id`)
  expect(await some('simple_copy')).toEqual(await some('simple'))
  const same = 'SELECT count(*) FROM simple a JOIN simple_copy b ON a.id = b.id WHERE a.id > 4 AND a.f = b.f AND a.t = b.t'
  expect(await rowsOf(same)).toEqual([[199_996n]])
  expect(await rowsOf("SELECT count(*) > 1 FROM system.batches WHERE table_name = 'simple_copy'")).toEqual([[true]])
  // A row that is none of the table's leaves nothing.
  await expect(load(file, ({ columns }) => ({ table: 'broken', columns: columns.map(({ name }) => ({ name, type: 'BIGINT' })) }))).rejects.toThrow()
  expect(await tables()).not.toContain('broken')
})

test('an array of JSON goes in by parts', async () => {
  const rows = Array.from({ length: 120_000 }, (_, id) => ({ id, text: `]},{"${'x'.repeat(80)}\n` }))
  await load(new File([JSON.stringify(rows, null, 1)], 'array.json'))
  expect(await rowsOf('SELECT count(*), count(DISTINCT id), min(length(text)) FROM "array"')).toEqual([[120_000n, 120_000n, 86]])
  expect(await rowsOf("SELECT count(*) > 0 FROM system.batches WHERE table_name = 'array'")).toEqual([[true]])
  await expect(load(new File(['[{"a":1},{"a":"x"}'], 'cut.json'))).rejects.toThrow(/the file ends/)
  expect(await tables()).not.toContain('cut')
})

test("cancelled while the table is made, nothing is left, and somebody else's table stays", async () => {
  const file = new File(['a\n1\n'], 'early.csv')
  const controller = new AbortController()
  const loading = load(file, undefined, controller.signal)
  setTimeout(() => controller.abort(), 0)
  await expect(loading.then(() => controller.signal.throwIfAborted())).rejects.toThrow()
  await db.query('DROP TABLE IF EXISTS early')
  await db.query('CREATE TABLE early (mine TEXT PRIMARY KEY)')
  await expect(load(file)).rejects.toThrow(/early/)
  expect(await tables()).toContain('early')
})

test('whatever namespace somebody works in', async () => {
  await db.exec('CREATE NAMESPACE IF NOT EXISTS elsewhere; USE elsewhere')
  await load(new File([`a\n${'1\n'.repeat(3)}`], 'order.csv'))
  await db.query('USE main')
  expect(await rowsOf('SELECT count(*) FROM main."order"')).toEqual([[3n]])
})
