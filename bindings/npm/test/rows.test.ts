import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as arrow from '@uwdata/flechette'
import { decimalText, intervalText, readArrow, timeText, toResult, uniqueKeys } from '../src/rows.js'
import { quotedName, statementOf } from '../src/template.js'
import type { QueryOptions, Row } from '../src/types.js'

function result(columns: [string, arrow.DataType, unknown[]][], options?: QueryOptions) {
  const table = arrow.tableFromColumns(
    columns.map(([name, type, values]) => [name, arrow.columnFromArray(values, type)]) as never,
  )
  const ipc = arrow.tableToIPC(table, { format: 'stream' })
  assert.ok(ipc)
  return toResult({ kind: 'rows', ipc }, options)
}

const at = new Date('2024-02-03T04:05:06.789Z')

test('each type has its value in JavaScript', () => {
  const { rows, fields } = result([
    ['b', arrow.bool(), [true, null]],
    ['s', arrow.int16(), [-3, null]],
    ['i', arrow.int32(), [7, null]],
    ['l', arrow.int64(), [2n ** 62n, null]],
    ['r', arrow.float32(), [0.5, null]],
    ['d', arrow.float64(), [0.1, null]],
    ['t', arrow.utf8(), ['snöw', null]],
    ['y', arrow.binary(), [new Uint8Array([1, 2]), null]],
    ['a', arrow.dateDay(), [new Date('2024-02-03'), null]],
    ['m', arrow.timestamp(arrow.TimeUnit.MICROSECOND), [at, null]],
  ])
  assert.deepEqual(rows[0], {
    b: true,
    s: -3,
    i: 7,
    l: 2n ** 62n,
    r: 0.5,
    d: 0.1,
    t: 'snöw',
    y: new Uint8Array([1, 2]),
    a: new Date('2024-02-03'),
    m: at,
  })
  assert.ok(Object.values(rows[1] ?? {}).every((value) => value === null))
  assert.deepEqual(
    fields.map(({ type }) => type),
    ['BOOLEAN', 'SMALLINT', 'INTEGER', 'BIGINT', 'REAL', 'DOUBLE PRECISION', 'TEXT', 'BYTEA', 'DATE', 'TIMESTAMP'],
  )
})

test('types that Arrow has not, and arrays, are what SQL has them be', () => {
  const { rows, fields } = result([
    ['d', arrow.decimal(10, 2, 128), [-1.5, null]],
    ['t', arrow.timeMicrosecond(), [37_800_250_000, null]],
    ['z', arrow.timestamp(arrow.TimeUnit.MICROSECOND, 'UTC'), [at, null]],
    ['l', arrow.list(arrow.int64()), [[1n, null], null]],
    ['s', arrow.list(arrow.utf8()), [['a', 'b'], []]],
  ])
  assert.deepEqual(rows, [
    { d: '-1.50', t: '10:30:00.25', z: at, l: [1n, null], s: ['a', 'b'] },
    { d: null, t: null, z: null, l: null, s: [] },
  ])
  assert.deepEqual(
    fields.map(({ type }) => type),
    ['DECIMAL(10,2)', 'TIME', 'TIMESTAMPTZ', 'BIGINT[]', 'TEXT[]'],
  )
  assert.equal(timeText(0n), '00:00:00')
  assert.equal(timeText(86_399_999_999n), '23:59:59.999999')
})

test('timestamps keep their microseconds on request', () => {
  const column: [string, arrow.DataType, unknown[]] = ['m', arrow.timestamp(arrow.TimeUnit.MICROSECOND), [at]]
  const micros = BigInt(at.getTime()) * 1000n
  assert.deepEqual(result([column], { timestamps: 'micros' }).rows, [{ m: micros }])
})

test('microseconds are that in whatever unit a column is, also in arrays', () => {
  const { SECOND, MILLISECOND, MICROSECOND, NANOSECOND } = arrow.TimeUnit
  const units = [SECOND, MILLISECOND, MICROSECOND, NANOSECOND]
  const second = new Date('2024-02-03T04:05:06Z')
  const columns = units.map((unit): [string, arrow.DataType, unknown[]] => [String(unit), arrow.timestamp(unit), [second, null]])
  const lists = units.map((unit): [string, arrow.DataType, unknown[]] => [`l${unit}`, arrow.list(arrow.timestamp(unit)), [[second, null], null]])
  const micros = BigInt(second.getTime()) * 1000n
  const options = { timestamps: 'micros', rowMode: 'array' } as const
  assert.deepEqual(result(columns, options).rows, [units.map(() => micros), units.map(() => null)])
  assert.deepEqual(result(lists, options).rows, [units.map(() => [micros, null]), units.map(() => null)])
  assert.deepEqual(result(columns, { rowMode: 'array' }).rows[0], units.map(() => second))
  // Rounded down, before 1970 too.
  const early: [string, arrow.DataType, unknown[]] = ['n', arrow.timestamp(NANOSECOND), [new Date(-1)]]
  assert.deepEqual(result([early], options).rows, [[-1000n]])
  assert.deepEqual(result([['t', arrow.timeNanosecond(), [37_800_250_000_000n]], ['s', arrow.timeSecond(), [61]]]).rows, [
    { t: '10:30:00.25', s: '00:01:01' },
  ])
})

test('intervals are text', () => {
  const day = 86_400_000_000n
  assert.deepEqual(
    result([
      ['d', arrow.duration(arrow.TimeUnit.MICROSECOND), [day + 7_384_500_000n, -day, null]],
      ['s', arrow.duration(arrow.TimeUnit.SECOND), [60n, 0n, null]],
      ['m', arrow.interval(arrow.IntervalUnit.MONTH_DAY_NANO), [[14, -1, 3_600_000_000_000], [0, 0, 0], null]],
      ['y', arrow.interval(arrow.IntervalUnit.YEAR_MONTH), [13, -1, null]],
      ['t', arrow.interval(arrow.IntervalUnit.DAY_TIME), [[1, 500], [0, -1], null]],
    ]).rows,
    [
      { d: '1 day 02:03:04.5', s: '00:01:00', m: '1 year 2 mons -1 days 01:00:00', y: '1 year 1 mon', t: '1 day 00:00:00.5' },
      { d: '-1 days', s: '00:00:00', m: '00:00:00', y: '-1 mons', t: '-00:00:00.001' },
      { d: null, s: null, m: null, y: null, t: null },
    ],
  )
  assert.equal(intervalText(0, 2n, -1n), '2 days -00:00:00.000001')
})

test('JSON is parsed, or text with all its digits', () => {
  const text = '{"id":12345678901234567890}'
  const field = arrow.field('j', arrow.utf8(), true, new Map([['ARROW:extension:name', 'arrow.json']]))
  const column = arrow.columnFromArray([text, null], arrow.utf8())
  const table = arrow.tableFromColumns({ j: column } as never)
  ;(table.schema.fields as unknown[])[0] = field
  const ipc = arrow.tableToIPC(table, { format: 'stream' })
  assert.ok(ipc)
  assert.deepEqual(toResult({ kind: 'rows', ipc }, { json: 'text' }).rows, [{ j: text }, { j: null }])
  assert.deepEqual(toResult({ kind: 'rows', ipc }).rows, [{ j: JSON.parse(text) }, { j: null }])
  assert.equal(readArrow(ipc, { json: 'text' }).fields[0]?.type, 'JSON')
})

test('bytes are a copy, not a view of the whole answer', () => {
  const { rows } = result([['y', arrow.binary(), [new Uint8Array([9])]]])
  assert.equal(((rows[0] as Row).y as Uint8Array).buffer.byteLength, 1)
})

test('columns of one name keep their values', () => {
  const columns = (): [string, arrow.DataType, unknown[]][] => [
    ['id', arrow.int32(), [1]],
    ['__proto__', arrow.int32(), [2]],
  ]
  assert.deepEqual(Object.entries(result(columns()).rows[0] ?? {}), [
    ['id', 1],
    ['__proto__', 2],
  ])
  assert.deepEqual(result(columns(), { rowMode: 'array' }).rows, [[1, 2]])
  assert.deepEqual(uniqueKeys(['id', 'id', 'id_2', 'id', 'a']), ['id', 'id_3', 'id_2', 'id_4', 'a'])
})

test('decimals are text with all their digits', () => {
  assert.equal(decimalText(-5n, 3), '-0.005')
  assert.equal(decimalText(123456789012345678901n, 2), '1234567890123456789.01')
  assert.equal(decimalText(7n, 0), '7')
  assert.equal(decimalText(7n, -2), '700')
})

test('statements without rows say how many they changed', () => {
  assert.deepEqual(toResult({ kind: 'affected', rows: 3 }), { rows: [], fields: [], affectedRows: 3 })
  assert.deepEqual(toResult({ kind: 'done', verb: 'BEGIN' }), { rows: [], fields: [], affectedRows: 0 })
})

test('a template is a statement whose values are parameters', () => {
  const sql = (parts: TemplateStringsArray, ...values: unknown[]) => [statementOf(parts), values]
  assert.deepEqual(sql`a = ${1} AND b = ${"'; DROP"}`, ["a = $1 AND b = $2", [1, "'; DROP"]])
  assert.deepEqual(sql`SELECT 1`, ['SELECT 1', []])
})

test('names are quoted part by part', () => {
  assert.equal(quotedName('app.mess"ages'), '"app"."mess""ages"')
})

test('rows of Arrow are read value by value, as they are in a result', () => {
  const columns = { n: arrow.columnFromArray([1n, 2n ** 60n], arrow.int64()), n2: arrow.columnFromArray([null, 'x'], arrow.utf8()) }
  const ipc = arrow.tableToIPC(arrow.tableFromColumns(columns), { format: 'stream' })
  assert.ok(ipc)
  const { fields, length, at } = readArrow(ipc)
  assert.deepEqual(fields.map(({ name, type }) => [name, type]), [['n', 'BIGINT'], ['n2', 'TEXT']])
  assert.equal(length, 2)
  assert.deepEqual([at(0, 0), at(1, 0), at(0, 1), at(1, 1)], [1n, 2n ** 60n, null, 'x'])
  assert.equal(at(0, 2), undefined)
})
