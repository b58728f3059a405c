/** Statements outside of transactions. */

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'

const require = createRequire(new URL('../../../bindings/npm/package.json', import.meta.url))

const CODES = [
  ['SELEC 1', [], 'Syntax'],
  ['SELECT * FROM nowhere', [], 'NotFound'],
  ['SELECT nothing FROM cities', [], 'NotFound'],
  ['CREATE TABLE cities (id BIGINT PRIMARY KEY)', [], 'AlreadyExists'],
  ["INSERT INTO cities VALUES (1, 'again')", [], 'Constraint'],
  ['SELECT $2', [1], 'InvalidInput'],
  ['SELECT 1; SELECT 2', [], 'InvalidInput'],
  ['SELECT 1/0', [], 'InvalidInput'],
  ['BEGIN', [], 'InvalidInput'],
  ['CREATE TABLE u (id BIGINT PRIMARY KEY, n BIGINT UNIQUE)', [], 'Unsupported'],
  [`SELECT ${Array(2_000).fill('1').join(' + ')}`, [], 'LimitExceeded'],
]

export function statements(on) {
  test('a query answers with rows, fields and counts', async () => {
    const { db } = on
    await db.query('CREATE TABLE cities (id BIGINT PRIMARY KEY, name TEXT)')
    const inserted = await db.query("INSERT INTO cities VALUES (1, 'Oslo'), (2, 'Bern')")
    assert.deepEqual(inserted, { rows: [], fields: [], affectedRows: 2 })
    assert.deepEqual(await db.query('SELECT * FROM cities WHERE id = $1', [2]), {
      rows: [{ id: 2n, name: 'Bern' }],
      fields: [
        { name: 'id', key: 'id', type: 'BIGINT' },
        { name: 'name', key: 'name', type: 'TEXT' },
      ],
    })
    const { rows } = await db.query("UPDATE cities SET name = 'Roma' WHERE id = 2 RETURNING name")
    assert.deepEqual(rows, [{ name: 'Roma' }])
  })

  for (const [sql, params, code] of CODES) {
    test(`${sql.slice(0, 60)}: ${code}`, () => assert.rejects(on.db.query(sql, params), { name: 'FirnDBError', code }))
  }

  test('a template and a script', async () => {
    const { db } = on
    const name = "O'Slo"
    assert.deepEqual((await db.sql`SELECT ${name} AS name, ${1n} + ${2} AS n`).rows, [{ name, n: 3n }])
    const script = await db.exec('SELECT 1 AS a; UPDATE cities SET name = name; SELECT 2 AS b')
    const shown = script.map(({ rows, affectedRows }) => [rows, affectedRows])
    assert.deepEqual(shown, [[[{ a: 1n }], undefined], [[], 2], [[{ b: 2n }], undefined]])
    await assert.rejects(db.exec("INSERT INTO cities VALUES (3, 'Rom'); SELECT * FROM nowhere"), { code: 'NotFound' })
    assert.equal((await db.query('DELETE FROM cities WHERE id = 3')).affectedRows, 1)
  })

  test('a prepared statement says how many parameters it has, until it is closed', async () => {
    const statement = await on.db.prepare('SELECT $1 + $2 AS sum')
    assert.equal(statement.parameters, 2)
    assert.deepEqual((await statement.query([1, 2])).rows, [{ sum: 3n }])
    assert.deepEqual((await statement.query([3, 4])).rows, [{ sum: 7n }])
    statement.close()
    await assert.rejects(statement.query([1, 2]), { code: 'InvalidInput' })
    await assert.rejects(on.db.prepare('SELEC'), { code: 'Syntax' })
    await assert.rejects(on.db.prepare('SELECT 1; SELECT 2'), { code: 'InvalidInput' })
  })

  test('an Arrow library reads the rows', async () => {
    const { tableFromIPC } = await import(require.resolve('@uwdata/flechette'))
    const ipc = await on.db.queryArrow('SELECT id, name FROM cities WHERE id < $1 ORDER BY id', [3])
    const table = tableFromIPC(ipc, { useBigInt: true })
    assert.deepEqual(table.toArray().map(({ id, name }) => [id, name]), [[1n, 'Oslo'], [2n, 'Roma']])
    assert.equal((await on.db.queryArrow('UPDATE cities SET name = name')).length, 0)
  })

  test('a flush moves rows to files, which change like any others', async () => {
    const { db } = on
    const before = await db.stats()
    await db.flush('main.cities')
    await db.query("UPDATE cities SET name = 'Turku' WHERE id = 1")
    await db.flush()
    const after = await db.stats()
    assert.equal(after.flushes - before.flushes, 2)
    assert.equal(after.coldRowsUpdated - before.coldRowsUpdated, 1)
    const { rows } = await db.query('SELECT * FROM cities ORDER BY id')
    assert.deepEqual(rows, [{ id: 1n, name: 'Turku' }, { id: 2n, name: 'Roma' }])
    assert.deepEqual((await db.query('STORAGE CHECK')).rows, [])
    await assert.rejects(db.flush('no"such'), { code: 'NotFound' })
  })

  test('an error in the SQL shows its place and what was meant', async () => {
    const message =
      'line 2, column 8: there is no column nam\nLINE 2: SELECT nam FROM cities\n               ^\nhint: did you mean name?'
    const place = { position: { line: 2, column: 8 }, hint: 'did you mean name?' }
    await assert.rejects(on.db.exec('SELECT 1;\nSELECT nam FROM cities'), { code: 'NotFound', message, ...place })
    const error = await on.db.query('SELECT * FORM cities').catch((thrown) => thrown)
    assert.deepEqual([error.code, error.position, error.hint], [
      'Syntax',
      { line: 1, column: 15 },
      'did you mean FROM instead of FORM?',
    ])
    const other = await on.db.query('BEGIN').catch((thrown) => thrown)
    assert.deepEqual([other.code, 'position' in other, 'hint' in other], ['InvalidInput', false, false])
  })

  test('USE holds for later statements', async () => {
    const { db } = on
    await db.exec('CREATE NAMESPACE app; CREATE TABLE app.only (id BIGINT PRIMARY KEY)')
    await db.query('USE app')
    const count = 'SELECT count(*) AS n FROM only'
    assert.deepEqual((await db.transaction((tx) => tx.query(count))).rows, [{ n: 0n }])
    assert.deepEqual((await db.query(count)).rows, [{ n: 0n }])
    await db.query('USE main')
    await assert.rejects(db.query('SELECT * FROM only'), { code: 'NotFound' })
  })

  test('a database says where its data lie', async () => {
    assert.deepEqual(await on.db.storage(), { kind: on.kind, persisted: on.kind === 'directory' })
  })

  test('two databases are two stores, and one that is closed answers no more', async () => {
    const other = await on.open()
    await assert.rejects(other.query('SELECT * FROM cities'), { code: 'NotFound' })
    await other.query('CREATE TABLE here (id BIGINT PRIMARY KEY)')
    await assert.rejects(on.db.query('SELECT * FROM here'), { code: 'NotFound' })
    const last = other.query('INSERT INTO here VALUES (1)')
    await other.close()
    assert.equal((await last).affectedRows, 1)
    await other.close()
    await assert.rejects(other.query('SELECT 1'), { code: 'Unavailable', message: 'the database was closed' })
    assert.deepEqual((await on.db.query('SELECT 1 AS one')).rows, [{ one: 1n }])
  })
}
