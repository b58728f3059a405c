/** Rows as they are asked for. */

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'

const require = createRequire(new URL('../../../bindings/npm/package.json', import.meta.url))

const ROWS = 100_000

export function streams(on) {
  test('rows come in batches, all of one moment, whatever is written meanwhile', async () => {
    const { db } = on
    await db.exec(`
      CREATE TABLE streamed (id BIGINT PRIMARY KEY, n BIGINT);
      INSERT INTO streamed SELECT v, v FROM generate_series(1, ${ROWS}) AS g(v);
      STORAGE FLUSH TABLE streamed`)
    let sum = 0n
    let count = 0
    let batches = 0
    for await (const rows of db.stream('SELECT n FROM streamed WHERE id > $1', [0])) {
      if (batches++ === 0) {
        await db.query('UPDATE streamed SET n = 0 WHERE id > $1', [ROWS / 2])
        await db.flush('streamed')
      }
      count += rows.length
      sum += rows.reduce((sum, { n }) => sum + n, 0n)
    }
    assert.equal(count, ROWS)
    assert.equal(sum, (BigInt(ROWS) * BigInt(ROWS + 1)) / 2n)
    assert.ok(batches > 5, `${batches} batches`)
    const { rows } = await db.query('SELECT count(*) AS n FROM streamed WHERE n = 0')
    assert.deepEqual(rows, [{ n: BigInt(ROWS / 2) }])
  })

  test('a query without end is left after its first rows', { timeout: 20_000 }, async () => {
    const { db } = on
    const endless = 'SELECT a.v FROM generate_series(1, 1000000) a(v), generate_series(1, 1000000) b(v)'
    for await (const rows of db.stream(endless, [], { rowMode: 'array' })) {
      assert.equal(typeof rows[0][0], 'bigint')
      break
    }
    await db.query('SELECT 1')
  })

  test('an Arrow library reads the pieces as one stream', async () => {
    const { tableFromIPC } = require('@uwdata/flechette')
    const pieces = []
    for await (const piece of on.db.streamArrow('SELECT v FROM generate_series(1, 20000) AS g(v)')) {
      pieces.push(piece)
    }
    assert.ok(pieces.length > 3, `${pieces.length} pieces`)
    const table = tableFromIPC(pieces)
    assert.equal(table.numRows, 20_000)
  })

  test('the columns come also where there are no rows', async () => {
    const pieces = []
    for await (const piece of on.db.streamArrow('SELECT 1 AS one WHERE false')) {
      pieces.push(piece)
    }
    const { tableFromIPC } = require('@uwdata/flechette')
    assert.deepEqual(tableFromIPC(pieces).schema.fields.map(({ name }) => name), ['one'])
  })

  test('a transaction streams what it wrote', async () => {
    const { db } = on
    await db.query('CREATE TABLE drafts (id BIGINT PRIMARY KEY)')
    await db.transaction(async (tx) => {
      await tx.query('INSERT INTO drafts VALUES (1), (2)')
      const found = []
      for await (const rows of tx.stream('SELECT id FROM drafts ORDER BY id')) {
        found.push(...rows)
      }
      assert.deepEqual(found, [{ id: 1n }, { id: 2n }])
    })
  })

  test('what is wrong with a statement is said with the first rows', async () => {
    await assert.rejects(on.db.stream('SELECT * FROM nowhere').next(), { name: 'FirnDBError', code: 'NotFound' })
    const late = on.db.stream('SELECT 1 / (20000 - v) AS x FROM generate_series(1, 20000) AS g(v)')
    await assert.rejects(
      async () => {
        for await (const _ of late);
      },
      { name: 'FirnDBError', code: 'InvalidInput' },
    )
  })

  test('a statement without rows takes effect and gives none', async () => {
    const { db } = on
    await db.query('CREATE TABLE effects (id BIGINT PRIMARY KEY)')
    for await (const _ of db.stream('INSERT INTO effects VALUES (1)')) {
      assert.fail('there are no rows')
    }
    const returned = []
    for await (const rows of db.stream('INSERT INTO effects VALUES (2) RETURNING id')) {
      returned.push(...rows)
    }
    assert.deepEqual(returned, [{ id: 2n }])
    assert.deepEqual((await db.query('SELECT count(*) AS n FROM effects')).rows, [{ n: 2n }])
  })
}
