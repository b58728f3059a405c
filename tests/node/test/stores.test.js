/** Stores in directories: who may open them, what they are opened with, and what they share with the program `firndb`. */

import assert from 'node:assert/strict'
import { openAsBlob } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { FirnDB, FirnDBError } from '../../../bindings/npm/dist/node.js'
import { freshDirectory } from '../harness/directory.js'
import { firndb, start } from '../harness/process.js'

const directories = []
let around
let path

beforeEach(async () => {
  const directory = await freshDirectory()
  directories.push(directory)
  ;({ around, path } = directory)
})
after(() => Promise.all(directories.map(({ remove }) => remove())))

const FILL = `
  CREATE TABLE seasons (id BIGINT PRIMARY KEY, name TEXT, n DOUBLE PRECISION, at TIMESTAMP, raw BYTEA);
  INSERT INTO seasons VALUES (1, 'spring', 1.5, TIMESTAMP '2024-03-20 03:06:00', X'00ff'), (2, 'summer', 2, NULL, NULL);
  INSERT INTO seasons (id, name) VALUES (3, 'autumn');
  STORAGE FLUSH TABLE seasons;
  UPDATE seasons SET n = 20 WHERE id = 2;
  DELETE FROM seasons WHERE id = 3;
  INSERT INTO seasons (id, name) VALUES (4, 'winter')`

const LEFT = [
  { id: 1n, name: 'spring', n: 1.5, at: new Date('2024-03-20T03:06:00Z'), raw: new Uint8Array([0, 255]) },
  { id: 2n, name: 'summer', n: 20, at: null, raw: null },
  { id: 4n, name: 'winter', n: null, at: null, raw: null },
]

const seasons = async (db) => (await db.query('SELECT * FROM seasons ORDER BY id')).rows

test('a store of the program firndb is opened by the addon, and goes back', async () => {
  await firndb('sql', '--quiet', '-d', path, FILL)
  const db = await FirnDB.open(path)
  assert.deepEqual(await seasons(db), LEFT)
  await db.query('UPDATE seasons SET n = n + $1 WHERE id = 1', [1])
  await db.flush()
  await db.query('INSERT INTO seasons (id, name) VALUES ($1, $2)', [5, 'fifth'])
  await db.close()

  await firndb('check', path)
  const printed = await firndb('sql', '-d', path, '--format', 'jsonl', 'SELECT id, name, n FROM seasons ORDER BY id')
  const rows = printed.trim().split('\n').map((line) => JSON.parse(line))
  assert.deepEqual(
    rows.map(({ id, name, n }) => [Number(id), name, n]),
    [[1, 'spring', 2.5], [2, 'summer', 20], [4, 'winter', null], [5, 'fifth', null]],
  )
})

test('SQL names files only as long as the option files lets it', async () => {
  const file = join(around, 'rows.csv')
  for (const [where, options] of [[path, {}], [path, { files: true }], ['memory://', { files: true }]]) {
    const db = await FirnDB.open(where, options)
    await db.query(`COPY (SELECT 1 AS id) TO '${file}'`)
    await db.close()
  }
  for (const where of [path, 'memory://']) {
    const db = await FirnDB.open(where, { files: false })
    await db.query('CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY)')
    await assert.rejects(db.query(`COPY (SELECT 2 AS id) TO '${file}'`), { code: 'Unsupported' })
    await assert.rejects(db.query(`COPY rows FROM '${file}'`), { code: 'Unsupported' })
    await assert.rejects(db.copyFrom('rows', 'x\n', { format: 'csv', onError: 'skip', rejected: file }), { code: 'Unsupported' })
    assert.deepEqual(await db.copyFrom('rows', '3\n', { format: 'csv' }), { rows: 1, rejected: 0 })
    await db.close()
  }
  await assert.rejects(FirnDB.open(path, { files: 'no' }), { code: 'InvalidInput' })
})

test('an archive of the program firndb is loaded, and the other way; where there is a store it is not', async () => {
  const file = join(around, 'store.tar')
  await firndb('sql', '--quiet', '-d', path, FILL)
  await firndb('dump', path, file)
  const copy = join(around, 'copy')
  const db = await FirnDB.load(copy, await openAsBlob(file))
  assert.deepEqual(await seasons(db), LEFT)
  await db.query("DELETE FROM seasons WHERE id = 4")
  await writeFile(file, new Uint8Array(await (await db.dump()).arrayBuffer()))
  await db.close()

  await assert.rejects(FirnDB.load(copy, await openAsBlob(file)), { code: 'AlreadyExists' })
  await assert.rejects(FirnDB.load(copy, await openAsBlob(file), { readOnly: true }), { code: 'InvalidInput' })
  const back = join(around, 'back')
  await firndb('load', back, file)
  await firndb('check', back)
  const printed = await firndb('sql', '-d', back, '--format', 'csv', 'SELECT id FROM seasons ORDER BY id')
  assert.deepEqual(printed.trim().split('\n'), ['id', '1', '2'])
})

test('a backup is a store, made while others write, here and from the program firndb', async () => {
  const db = await FirnDB.open(path)
  await db.exec(FILL)
  const copies = ['first', pathToFileURL(join(around, 'second')), 'third'].map((c) => (typeof c === 'string' ? join(around, c) : c))
  let writing = true
  const others = (async () => {
    for (let id = 100; writing; id++) {
      await db.query('INSERT INTO seasons (id, name) VALUES ($1, $2)', [id, 'late'])
      await db.query('DELETE FROM seasons WHERE id = $1', [id])
      await db.flush()
    }
  })()
  for (const copy of copies) {
    const { files, bytes, damage } = await db.backup(copy)
    assert.ok(files > 3 && bytes > 1000, `${files} files, ${bytes} bytes`)
    assert.deepEqual(damage, [])
  }
  await assert.rejects(db.backup(copies[0]), { code: 'AlreadyExists' })
  const beside = join(around, 'beside')
  await firndb('backup', path, beside)
  writing = false
  await others
  await db.close()
  for (const copy of [...copies, beside]) {
    const opened = await FirnDB.open(copy)
    assert.deepEqual((await seasons(opened)).filter(({ id }) => id < 100n), LEFT)
    assert.deepEqual((await opened.query('STORAGE CHECK')).rows, [])
    await opened.close()
  }
})

test('a store in memory is backed up by the addon, and dumped by WebAssembly', async () => {
  const db = await FirnDB.open('memory://')
  await db.exec(FILL)
  await db.backup(path)
  await assert.rejects(db.backup('memory://'), { code: 'InvalidInput' })
  await db.close()
  const copy = await FirnDB.open(path)
  assert.deepEqual(await seasons(copy), LEFT)
  await copy.close()
  const wasm = await FirnDB.open('memory://', { addon: false })
  await assert.rejects(wasm.backup(join(around, 'copy')), { code: 'Unsupported' })
  await wasm.close()
})

test('half an archive leaves room for a whole one', async () => {
  const db = await FirnDB.open('memory://')
  await db.exec(FILL)
  const archive = await db.dump()
  await db.close()
  await assert.rejects(FirnDB.load(path, archive.slice(0, archive.size - 2048)), { code: 'Corrupt' })
  const whole = await FirnDB.load(path, archive)
  assert.deepEqual(await seasons(whole), LEFT)
  await whole.close()
})

test('what was written is there when the store is opened again, under any name of its directory', async () => {
  const first = await FirnDB.open(path)
  await first.exec(FILL)
  await first.close()
  for (const name of [relative(process.cwd(), path), pathToFileURL(path), pathToFileURL(path).href]) {
    const db = await FirnDB.open(name)
    assert.deepEqual(await seasons(db), LEFT)
    await db.close()
  }
})

test('a store that another process has open is Locked, and can be read', async () => {
  const holder = start('holder.js', path)
  assert.equal(await holder.said(), 'open')
  await assert.rejects(FirnDB.open(path), (error) => {
    assert.ok(error instanceof FirnDBError)
    assert.equal(error.code, 'Locked')
    assert.ok(error.message.includes(path), error.message)
    return true
  })
  const reader = await FirnDB.open(path, { readOnly: true })
  assert.deepEqual((await reader.query('SELECT * FROM held')).rows, [{ id: 1n }])
  await assert.rejects(reader.query('INSERT INTO held VALUES (2)'), { code: 'PermissionDenied' })
  await reader.close()

  assert.equal(await holder.end(), 0)
  const db = await FirnDB.open(path)
  await db.query('INSERT INTO held VALUES (2)')
  await db.close()
})

test('a store that this process has open is Locked, until it is closed', async () => {
  const db = await FirnDB.open(path)
  await assert.rejects(FirnDB.open(path), { code: 'Locked' })
  await db.close()
  await (await FirnDB.open(path)).close()
})

test('a directory is only read where there is a store', async () => {
  await assert.rejects(FirnDB.open(path, { readOnly: true }), { code: 'NotFound' })
  assert.deepEqual(await readdir(around), [])
})

test('the cold tier can be elsewhere', async () => {
  const blobs = pathToFileURL(join(around, 'blobs')).href
  const db = await FirnDB.open(path, { blobs, durability: 'relaxed' })
  await db.exec(FILL)
  await db.flush()
  await db.close()
  assert.ok((await readdir(join(around, 'blobs'), { recursive: true })).some((name) => name.endsWith('.parquet')))
  assert.ok((await readdir(path, { recursive: true })).every((name) => !name.endsWith('.parquet')))
  const again = await FirnDB.open(path, { blobs })
  assert.deepEqual(await seasons(again), LEFT)
  await again.close()
})

const REFUSED = [
  ['', {}, 'InvalidInput', /memory:\/\//],
  ['s3://bucket/store', {}, 'InvalidInput', /option blobs/],
  ['file://elsewhere/store', {}, 'InvalidInput', /host/],
  ['memory://', { blobs: 's3://bucket' }, 'InvalidInput', /blobs/],
  ['memory://', { durability: 'hopeful' }, 'InvalidInput', /^the option durability is 'strict' or 'relaxed'$/],
  ['memory://', { durability: 'hopeful', addon: false }, 'InvalidInput', /^the option durability is 'strict' or 'relaxed'$/],
  ['memory://', { readOnly: 1 }, 'InvalidInput', /^the option readOnly is true or false$/],
  ['memory://', { readOnly: true, addon: false }, 'NotFound', /store/],
  ['memory://', { addon: './nothing.node' }, 'Unsupported', /nothing\.node/],
  ['./store', { addon: false }, 'Unsupported', /open "memory:\/\/"/],
  ['./store', { blobs: 'nowhere' }, 'InvalidInput', /s3:\/\/bucket\/prefix/],
]

for (const [name, options, code, message] of REFUSED) {
  test(`open("${name}", ${JSON.stringify(options)}): ${code}`, async () => {
    const there = name.startsWith('./') ? path : name
    await assert.rejects(FirnDB.open(there, options), { name: 'FirnDBError', code, message })
  })
}

test('require gives the same', async () => {
  const { FirnDB: Required } = createRequire(import.meta.url)('../../../bindings/npm/dist/node.cjs')
  for (const addon of [undefined, false]) {
    const db = await Required.open('memory://', addon === undefined ? {} : { addon })
    assert.deepEqual((await db.query('SELECT 1 AS one')).rows, [{ one: 1n }])
    await db.close()
  }
  const db = await Required.open(path)
  await db.exec(FILL)
  await db.close()
})

test('a process ends by itself though a database is open', { timeout: 30_000 }, async () => {
  const forgetful = start('forgetful.js', path)
  assert.equal(await forgetful.said(), 'written')
  assert.equal(await forgetful.end(), 0)
  const db = await FirnDB.open(path)
  assert.deepEqual((await db.query('SELECT * FROM t')).rows, [{ id: 1n }])
  await db.close()
  for (const engine of ['addon', 'wasm']) {
    const inMemory = start('forgetful.js', 'memory://', engine)
    assert.equal(await inMemory.said(), 'written')
    assert.equal(await inMemory.end(), 0)
  }
})

test('statements that nest deep are answered or refused, and the process goes on', { timeout: 60_000 }, async () => {
  const nesting = start('nesting.js')
  const verdicts = []
  nesting.lines.on('line', (line) => verdicts.push(line))
  assert.equal(await nesting.end(), 0, `the process ended after ${verdicts.join(', ')}`)
  assert.ok(verdicts.length > 3 && verdicts.every((verdict) => ['ok', 'LimitExceeded', 'Syntax'].includes(verdict)), verdicts.join())
})
