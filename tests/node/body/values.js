/** What goes in as a parameter, and what comes back. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FirnDBError } from '../../../bindings/npm/dist/node.js'

const BIGGEST = 2n ** 63n - 1n

/** What is no value of SQL, and how it is refused. */
const REFUSED = [
  [[new Map()], 'parameter $1: expected null, a boolean, number, bigint, string, Uint8Array or Date, found Map'],
  [[() => 1], 'parameter $1: expected null, a boolean, number, bigint, string, Uint8Array or Date, found function'],
  [[Symbol('s')], 'parameter $1: expected null, a boolean, number, bigint, string, Uint8Array or Date, found symbol'],
  [[BIGGEST + 1n], 'parameter $1: 9223372036854775808 does not fit the 64 bits of BIGINT'],
  [[-BIGGEST - 2n], 'parameter $1: -9223372036854775809 does not fit the 64 bits of BIGINT'],
  [[new Date(Number.NaN)], 'parameter $1: the Date is invalid'],
  [['a\ud800b'], 'parameter $1: the text holds half of a surrogate pair, so it is not Unicode'],
]

export function values(on) {
  test('values come back as they went in', async () => {
    const { db } = on
    await db.exec(
      `CREATE TABLE kinds (id INTEGER PRIMARY KEY, b BOOLEAN, s SMALLINT, l BIGINT, r REAL, d DOUBLE PRECISION, t TEXT,
         y BYTEA, a DATE, m TIMESTAMP)`,
    )
    const at = new Date('2024-02-03T04:05:06.789Z')
    const row = [1, true, -3, BIGGEST, 0.5, 0.1, 'snö☃w', new Uint8Array([0, 255, 7]), new Date('2024-02-03'), at]
    await db.query('INSERT INTO kinds VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', row)
    await db.query('INSERT INTO kinds (id, b, t) VALUES ($1, $2, $3)', [2, null, undefined])
    const all = () => db.query('SELECT * FROM kinds ORDER BY id', [], { rowMode: 'array' })
    const expected = [row, [2, ...Array(9).fill(null)]]
    assert.deepEqual((await all()).rows, expected)
    await db.flush('kinds')
    const { rows, fields } = await all()
    assert.deepEqual(rows, expected)
    assert.deepEqual(
      fields.map(({ type }) => type),
      ['INTEGER', 'BOOLEAN', 'SMALLINT', 'BIGINT', 'REAL', 'DOUBLE PRECISION', 'TEXT', 'BYTEA', 'DATE', 'TIMESTAMP'],
    )
    const micros = await db.query('SELECT m FROM kinds WHERE id = 1', [], { timestamps: 'micros' })
    assert.deepEqual(micros.rows, [{ m: BigInt(at.getTime()) * 1000n }])
  })

  test('types that JavaScript has not come back as text, parsed, or as arrays', async () => {
    const { db } = on
    await db.exec(
      `CREATE TABLE more (id UUID PRIMARY KEY, n DECIMAL(30, 2), v VARCHAR(5), t TIME, z TIMESTAMPTZ, j JSON, l BIGINT[],
         s TEXT[])`,
    )
    const at = new Date('2024-02-03T04:05:06.789Z')
    const id = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
    const row = [id, '1234567890123456789012345678.90', 'é', '10:30:00.25', at, { a: [1, 'x', null] }, [BIGGEST, null], ['y']]
    await db.query('INSERT INTO more VALUES ($1, $2, $3, $4, $5, $6, $7, $8)', [id.toUpperCase(), ...row.slice(1)])
    await db.query('INSERT INTO more (id) VALUES ($1)', ['b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'])
    const all = async () => db.query('SELECT * FROM more ORDER BY id', [], { rowMode: 'array' })
    assert.deepEqual((await all()).rows[0], row)
    await db.flush('more')
    const { rows, fields } = await all()
    assert.deepEqual(rows[0], row)
    assert.deepEqual(rows[1].slice(1), Array(7).fill(null))
    assert.deepEqual(
      fields.map(({ type }) => type),
      ['UUID', 'DECIMAL(30,2)', 'VARCHAR(5)', 'TIME', 'TIMESTAMPTZ', 'JSON', 'BIGINT[]', 'TEXT[]'],
    )
    const found = await db.query("SELECT j -> 'a' AS a, j ->> 'a' AS t, j::TEXT AS w FROM more WHERE id = $1", [id.toUpperCase()])
    assert.deepEqual(found.rows, [{ a: [1, 'x', null], t: '[1,"x",null]', w: '{"a":[1,"x",null]}' }])
    const some = await db.query('SELECT v FROM more WHERE l[1] = ANY($1::BIGINT[]) AND n = $2', [[1, BIGGEST], row[1]])
    assert.deepEqual(some.rows, [{ v: 'é' }])
  })

  test('a parameter has the type that its value says', async () => {
    const given = [true, 1, 1.5, -0, 2 ** 53, -BIGGEST - 1n, '', new Uint8Array(), new Date(-1)]
    const list = given.map((_, at) => `$${at + 1} AS p${at}`)
    const { rows, fields } = await on.db.query(`SELECT ${list.join(', ')}`, given, { rowMode: 'array' })
    assert.deepEqual(rows[0], [true, 1n, 1.5, -0, 2 ** 53, -BIGGEST - 1n, '', new Uint8Array(), new Date(-1)])
    assert.deepEqual(
      fields.map(({ type }) => type),
      ['BOOLEAN', 'BIGINT', 'DOUBLE PRECISION', 'DOUBLE PRECISION', 'DOUBLE PRECISION', 'BIGINT', 'TEXT', 'BYTEA', 'TIMESTAMP'],
    )
    const { rows: cast } = await on.db.query('SELECT 1.25::DECIMAL(6, 2) + $1::DECIMAL(6, 2) AS d', ['-3.5'])
    assert.deepEqual(cast, [{ d: '-2.25' }])
  })

  test('values that SQL does not have are refused by their number', async () => {
    for (const [params, message] of REFUSED) {
      const refused = on.db.query('SELECT $1, $2', params)
      await assert.rejects(refused, { name: 'FirnDBError', code: 'InvalidInput', message })
      await assert.rejects(refused, FirnDBError)
    }
  })

  test('a parameter is what it was when query was called', async () => {
    const bytes = new Uint8Array([1, 2])
    const at = new Date(0)
    const asked = on.db.query('SELECT $1 AS y, $2 AS m', [bytes, at])
    bytes.fill(9)
    at.setTime(9)
    assert.deepEqual((await asked).rows, [{ y: new Uint8Array([1, 2]), m: new Date(0) }])
  })

  test('part of a buffer goes in as that part, and bytes come out as a plain Uint8Array', async () => {
    const part = Buffer.from([1, 2, 3, 4]).subarray(1, 3)
    const { rows } = await on.db.query('SELECT $1 AS y', [part])
    assert.deepEqual(rows, [{ y: new Uint8Array([2, 3]) }])
    assert.equal(Object.getPrototypeOf(rows[0].y), Uint8Array.prototype)
    const ipc = await on.db.queryArrow('SELECT 1')
    assert.equal(Object.getPrototypeOf(ipc), Uint8Array.prototype)
  })
}
