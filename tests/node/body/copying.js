/** Files in and out: copyFrom and copyTo. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

/** All that a stream gives, as text. */
async function textOf(stream) {
  return new Response(stream).text()
}

export function copying(on) {
  test('text, bytes, blobs, streams and iterables are loaded alike', async () => {
    const { db } = on
    await db.query('CREATE SHARED TABLE people (id BIGINT PRIMARY KEY, name TEXT, born DATE)')
    const csv = 'id,name,born\n1,Ada,1815-12-10\n2,"Grace, ""G""",\n3,"",1969-07-20\n'
    const bytes = new TextEncoder().encode(csv)
    async function* slowly() {
      for (const byte of bytes) {
        yield Uint8Array.of(byte)
      }
    }
    const sources = [
      csv,
      bytes,
      new Blob([csv]),
      new Blob([bytes]).stream(),
      slowly(),
      [bytes.subarray(0, 7), bytes.subarray(7)],
      (async function* () {
        yield 'id,name,born\n1,Ada,1815-12-10\n2,"Grace, ""G""",\n'
        yield '3,"",1969-07-20\n'
      })(),
    ]
    for (const source of sources) {
      const copied = await db.copyFrom('people', source, { format: 'csv', header: true })
      assert.deepEqual(copied, { rows: 3, rejected: 0 })
      const { rows } = await db.query('SELECT name, born IS NULL AS unborn FROM people ORDER BY id')
      assert.deepEqual(rows, [
        { name: 'Ada', unborn: false },
        { name: 'Grace, "G"', unborn: true },
        { name: '', unborn: false },
      ])
      await db.query('TRUNCATE people')
    }
  })

  test('what copyTo gives, copyFrom takes', async () => {
    const { db } = on
    await db.exec(`
      CREATE SHARED TABLE given (id BIGINT PRIMARY KEY, v TEXT, j JSON, a TEXT[]);
      INSERT INTO given SELECT v, 'row ' || v, '{"n": 1}', '{a,NULL}' FROM generate_series(1, 20000) AS g(v);
      CREATE SHARED TABLE taken (id BIGINT PRIMARY KEY, v TEXT, j JSON, a TEXT[])`)
    for (const format of ['csv', 'json', 'parquet']) {
      await db.copyFrom('taken', db.copyTo('given', { format }), { format })
      const { rows } = await db.query(
        `SELECT count(*) AS n, sum(id) AS sum, max(v) AS v, max(j ->> 'n') AS j, max(a[1]) AS a FROM taken`,
      )
      assert.deepEqual(rows, [{ n: 20_000n, sum: 200_010_000n, v: 'row 9999', j: '1', a: 'a' }], format)
      await db.query('TRUNCATE taken')
    }
  })

  test('a query with parameters and some columns go out', async () => {
    const { db } = on
    await db.exec(`
      CREATE SHARED TABLE "Out" (id BIGINT PRIMARY KEY, "it's" TEXT);
      INSERT INTO "Out" VALUES (1, 'a'), (2, NULL), (3, 'c;d')`)
    const query = 'SELECT * FROM "Out" WHERE id > $1 ORDER BY id -- the newest;'
    const csv = db.copyTo(query, { format: 'csv', header: true, delimiter: ';', null: '\\N', params: [1n] })
    assert.equal(await textOf(csv), `id;it's\n2;\\N\n3;"c;d"\n`)
    assert.equal(await textOf(db.copyTo('Out', { format: 'json', columns: ['id'] })), '{"id":1}\n{"id":2}\n{"id":3}\n')
    const empty = db.copyTo('SELECT 1 AS one WHERE false', { format: 'csv', header: true })
    assert.equal(await textOf(empty), 'one\n')
  })

  test('a bad row says where it is, and nothing is loaded', async () => {
    const { db } = on
    await db.query('CREATE SHARED TABLE ages (id BIGINT PRIMARY KEY, age INTEGER)')
    const file = new File(['1,5\n2,abc\n'], 'ages.csv')
    await assert.rejects(db.copyFrom('ages', file), {
      name: 'FirnDBError',
      code: 'InvalidInput',
      message: /ages\.csv, line 2, column "age" \(2nd\): "abc" is not an INTEGER/,
    })
    await assert.rejects(db.copyFrom('ages', '{"id": 1, "aeg": 2}', { format: 'json' }), /did you mean age\?/)
    await assert.rejects(db.copyFrom('ages', '1,5\n', { format: 'cvs' }), { code: 'Unsupported', message: /did you mean csv\?/ })
    await assert.rejects(db.copyFrom('ages', '1,5\n'), { code: 'InvalidInput', message: /format of the stream/ })
    await assert.rejects(db.copyFrom('aegs', file), { code: 'NotFound' })
    await assert.rejects(db.copyFrom('ages', [1, 2], { format: 'csv' }), { code: 'InvalidInput', message: /reads bytes/ })
    assert.deepEqual((await db.query('SELECT count(*) AS n FROM ages')).rows, [{ n: 0n }])
    assert.deepEqual(await db.copyFrom('ages', file, { onError: 'skip' }), { rows: 1, rejected: 1 })
    await assert.rejects(db.copyFrom('ages', file, { onError: 'skip' }), { code: 'Constraint' })
  })

  test('a source that fails, or is given up, loads nothing', async () => {
    const { db } = on
    await db.query('CREATE SHARED TABLE halves (id BIGINT PRIMARY KEY)')
    async function* broken() {
      yield '1\n2\n'
      throw new Error('the network is gone')
    }
    await assert.rejects(db.copyFrom('halves', broken(), { format: 'csv' }), /the network is gone/)
    const controller = new AbortController()
    async function* endless() {
      for (let id = 3; ; id++) {
        yield `${id}\n`
        if (id === 100) {
          controller.abort(new Error('enough'))
        }
      }
    }
    await assert.rejects(db.copyFrom('halves', endless(), { format: 'csv', signal: controller.signal }), /enough/)
    assert.deepEqual((await db.query('SELECT count(*) AS n FROM halves')).rows, [{ n: 0n }])
    await db.copyFrom('halves', '1\n', { format: 'csv' })
  })

  test('a transaction loads and takes it back', async () => {
    const { db } = on
    await db.query('CREATE SHARED TABLE within (id BIGINT PRIMARY KEY)')
    await assert.rejects(
      db.transaction(async (tx) => {
        assert.deepEqual(await tx.copyFrom('within', '1\n2\n', { format: 'csv' }), { rows: 2, rejected: 0 })
        assert.equal(await textOf(tx.copyTo('SELECT id FROM within ORDER BY id', { format: 'csv' })), '1\n2\n')
        throw new Error('no')
      }),
      /no/,
    )
    assert.equal(await textOf(db.copyTo('within', { format: 'csv' })), '')
    await db.transaction((tx) => tx.copyFrom('within', '1\n2\n', { format: 'csv' }))
    assert.equal(await textOf(db.copyTo('SELECT id FROM within ORDER BY id', { format: 'csv' })), '1\n2\n')
  })

  test('a stream that is cancelled gives up the rest, and what is wrong comes with the first piece', async () => {
    const { db } = on
    const endless = 'SELECT a.v FROM generate_series(1, 1000000) a(v), generate_series(1, 1000000) b(v)'
    const reader = db.copyTo(endless, { format: 'csv' }).getReader()
    assert.ok((await reader.read()).value.byteLength > 0)
    await reader.cancel()
    await db.query('SELECT 1')
    await assert.rejects(db.copyTo('nowhere', { format: 'csv' }).getReader().read(), { code: 'NotFound' })
  })

  test('many rows go in at once', { timeout: 120_000 }, async () => {
    const { db } = on
    await db.query('CREATE SHARED TABLE lots (id BIGINT PRIMARY KEY, v TEXT)')
    const rows = 600_000
    function* lines() {
      for (let at = 0; at < rows; at += 10_000) {
        // Downwards, so that it has to be sorted.
        const part = Array.from({ length: 10_000 }, (_, n) => `${rows - at - n},value ${at + n}\n`)
        yield new TextEncoder().encode(part.join(''))
      }
    }
    assert.deepEqual(await db.copyFrom('lots', lines(), { format: 'csv' }), { rows, rejected: 0 })
    const { rows: found } = await db.query('SELECT count(*) AS n, min(id) AS low, max(id) AS high FROM lots')
    assert.deepEqual(found, [{ n: BigInt(rows), low: 1n, high: BigInt(rows) }])
    await db.query('DROP TABLE lots')
  })
}
