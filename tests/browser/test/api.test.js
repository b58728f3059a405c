/** The API in one tab, on stores in memory. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stage } from '../harness/stage.js'
import { newTab, open, query, rows } from '../harness/tab.js'

let tab
const on = stage(async ({ browser, server }) => {
  tab = await open(browser, server, 'memory://')
})

test('a query answers with rows, fields and counts', async () => {
  await query(tab, 'CREATE TABLE cities (id BIGINT PRIMARY KEY, name TEXT)')
  const inserted = await query(tab, "INSERT INTO cities VALUES (1, 'Oslo'), (2, 'Bern')")
  assert.deepEqual(inserted, { rows: [], fields: [], affectedRows: 2 })
  assert.deepEqual(await query(tab, 'SELECT * FROM cities WHERE id = $1', [2]), {
    rows: [{ id: 2n, name: 'Bern' }],
    fields: [
      { name: 'id', key: 'id', type: 'BIGINT' },
      { name: 'name', key: 'name', type: 'TEXT' },
    ],
  })
  const returned = await rows(tab, "UPDATE cities SET name = 'Roma' WHERE id = 2 RETURNING name")
  assert.deepEqual(returned, [{ name: 'Roma' }])
})

test('values come back as they went in', async () => {
  await query(
    tab,
    `CREATE TABLE kinds (id INTEGER PRIMARY KEY, b BOOLEAN, s SMALLINT, l BIGINT, r REAL, d DOUBLE PRECISION, t TEXT,
       y BYTEA, a DATE, m TIMESTAMP)`,
  )
  const found = await tab.evaluate(async () => {
    const at = new Date('2024-02-03T04:05:06.789Z')
    const bytes = new Uint8Array([0, 255, 7])
    const values = [1, true, -3, 2n ** 63n - 1n, 0.5, 0.1, 'snö☃w', bytes, new Date('2024-02-03'), at]
    await db.query('INSERT INTO kinds VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', values)
    await db.query('INSERT INTO kinds (id) VALUES ($1)', [2])
    const { rows } = await db.query('SELECT * FROM kinds ORDER BY id', [], { rowMode: 'array' })
    const micros = (await db.query('SELECT m FROM kinds WHERE id = 1', [], { timestamps: 'micros' })).rows[0].m
    const show = (value) => (value instanceof Date ? value.toISOString() : value instanceof Uint8Array ? [...value] : value)
    return { first: rows[0].map(show), second: rows[1], micros: micros === BigInt(at.getTime()) * 1000n }
  })
  assert.deepEqual(found, {
    first: [
      1, true, -3, 2n ** 63n - 1n, 0.5, 0.1, 'snö☃w', [0, 255, 7],
      '2024-02-03T00:00:00.000Z', '2024-02-03T04:05:06.789Z',
    ],
    second: [2, ...Array(9).fill(null)],
    micros: true,
  })
})

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
]

for (const [sql, params, code] of CODES) {
  test(`${sql}: ${code}`, () => assert.rejects(query(tab, sql, params), { code }))
}

test('values that SQL does not have are refused by their number', async () => {
  const found = await tab.evaluate(async () => {
    const values = [[1, new Map()], [2n ** 63n], [new Set()], [new Date(Number.NaN)], ['\ud800'], [() => 1], [Symbol('s')]]
    const refused = values.map((params) => db.query('SELECT $1', params).catch((error) => error))
    return (await Promise.all(refused)).map((error) => [error instanceof FirnDBError, error.code, error.message])
  })
  assert.ok(found.every(([ours, code]) => ours && code === 'InvalidInput'), JSON.stringify(found))
  assert.match(found[0][2], /^parameter \$2: .*Map$/)
  assert.match(found[1][2], /9223372036854775808 does not fit/)
})

test('a template and a script', async () => {
  const found = await tab.evaluate(async () => {
    const name = "O'Slo"
    const templated = await db.sql`SELECT ${name} AS name, ${1n} + ${2} AS n`
    const script = await db.exec('SELECT 1 AS a; UPDATE cities SET name = name; SELECT 2 AS b')
    return [templated.rows, script.map(({ rows, affectedRows }) => [rows, affectedRows])]
  })
  assert.deepEqual(found, [
    [{ name: "O'Slo", n: 3n }],
    [
      [[{ a: 1n }], undefined],
      [[], 2],
      [[{ b: 2n }], undefined],
    ],
  ])
})

test('a transaction commits when its function resolves, and leaves nothing when it rejects', async () => {
  const found = await tab.evaluate(async () => {
    await db.exec('CREATE TABLE tally (id BIGINT PRIMARY KEY, n BIGINT); INSERT INTO tally VALUES (1, 0)')
    const read = async (on) => (await on.query('SELECT n FROM tally')).rows[0].n
    let kept
    const returned = await db.transaction(async (tx) => {
      kept = tx
      await tx.query('UPDATE tally SET n = 1')
      return [await read(tx), await read(db)]
    })
    const failed = await db
      .transaction(async (tx) => {
        await tx.query('UPDATE tally SET n = 2')
        throw new Error('changed my mind')
      })
      .catch((error) => error.message)
    const late = await kept.query('SELECT 1').catch((error) => error.code)
    const conflict = await db
      .transaction(async (tx) => {
        await tx.query('UPDATE tally SET n = n + 10')
        await db.query('UPDATE tally SET n = n + 100')
      })
      .catch((error) => error.code)
    return { returned, failed, late, conflict, n: await read(db) }
  })
  assert.deepEqual(found, {
    returned: [1n, 0n],
    failed: 'changed my mind',
    late: 'InvalidInput',
    conflict: 'Conflict',
    n: 101n,
  })
})

test('a prepared statement, Arrow bytes, flush and storage', async () => {
  const found = await tab.evaluate(async () => {
    const statement = await db.prepare('SELECT $1 + $2 AS sum')
    const sums = [await statement.query([1, 2]), await statement.query([3, 4])].map(({ rows }) => rows[0].sum)
    statement.close()
    const closed = await statement.query([1, 2]).catch((error) => error.code)
    const wrong = await db.prepare('SELEC').catch((error) => error.code)
    const before = await db.stats()
    await db.flush('main.cities')
    const flushes = (await db.stats()).flushes - before.flushes
    const missing = await db.flush('no"such').catch((error) => error.code)
    const arrow = await db.queryArrow('SELECT 1')
    return { parameters: statement.parameters, sums, closed, wrong, flushes, missing, arrow: [...arrow.slice(0, 4)], storage: await db.storage() }
  })
  assert.deepEqual(found, {
    parameters: 2,
    sums: [3n, 7n],
    closed: 'InvalidInput',
    wrong: 'Syntax',
    flushes: 1,
    missing: 'NotFound',
    // The continuation marker with which an Arrow IPC stream begins.
    arrow: [255, 255, 255, 255],
    storage: { kind: 'memory', persisted: false },
  })
})

test('USE holds for later statements', async () => {
  const found = await tab.evaluate(async () => {
    await db.exec('CREATE NAMESPACE app; CREATE TABLE app.only (id BIGINT PRIMARY KEY)')
    await db.query('USE app')
    const inside = await db.transaction((tx) => tx.query('SELECT count(*) AS n FROM only'))
    const plain = await db.query('SELECT count(*) AS n FROM only')
    await db.query('USE main')
    return [inside.rows, plain.rows, await db.query('SELECT * FROM only').catch((error) => error.code)]
  })
  assert.deepEqual(found, [[{ n: 0n }], [{ n: 0n }], 'NotFound'])
})

test('an aborted statement rejects with the reason of its signal', async () => {
  const found = await tab.evaluate(async () => {
    const controller = new AbortController()
    const running = db.query('SELECT count(*) FROM cities', [], { signal: controller.signal })
    controller.abort(new Error('too slow'))
    const aborted = await running.catch((error) => error.message)
    const before = await db.query('SELECT 1', [], { signal: AbortSignal.abort() }).catch((error) => error.name)
    return [aborted, before, (await db.query('SELECT 1 AS one')).rows[0].one]
  })
  assert.deepEqual(found, ['too slow', 'AbortError', 1n])
})

test('each open of memory:// is a store of its own, gone when it is closed', async () => {
  const found = await tab.evaluate(async () => {
    const other = await FirnDB.open('memory://')
    const missing = await other.query('SELECT * FROM cities').catch((error) => error.code)
    await other.close()
    await other.close()
    return [missing, await other.query('SELECT 1').catch((error) => error.code)]
  })
  assert.deepEqual(found, ['NotFound', 'Unavailable'])
})

test('the code can come from an address, as bytes or compiled', async () => {
  const found = await tab.evaluate(async () => {
    const address = '/firndb/engine_bg.wasm'
    const module = await WebAssembly.compileStreaming(fetch(address))
    const sources = [address, new URL(address, location.href), module]
    const answers = []
    for (const wasm of sources) {
      const other = await FirnDB.open('memory://', { wasm, worker: '/firndb/worker.js' })
      answers.push((await other.query('SELECT 1 AS one')).rows[0].one)
      await other.close()
    }
    return answers
  })
  assert.deepEqual(found, [1n, 1n, 1n])
})

test('what cannot be opened says why', async () => {
  const fresh = await newTab(on.browser, on.server)
  const found = await fresh.evaluate(async () => {
    const attempt = (name, options) => FirnDB.open(name, options).then(() => 'opened', (error) => [error.code, error.message])
    return {
      noName: await attempt(''),
      noWasm: await attempt('memory://', { wasm: '/nothing.wasm' }),
      noWorker: await attempt('memory://', { worker: '/nothing.js' }),
      option: await attempt('memory://', { durability: 'hopeful' }),
    }
  })
  assert.equal(found.noName[0], 'InvalidInput')
  assert.match(found.noWasm[1], /nothing\.wasm|404|Response/)
  assert.match(found.noWorker[1], /could not be started/)
  assert.deepEqual(found.option, ['InvalidInput', "the option durability is 'strict' or 'relaxed'"])
  await fresh.close()
})
