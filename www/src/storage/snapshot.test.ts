import { expect, test } from 'vitest'
import { isOfOneMoment } from './reading.js'
import { snapshotOf, type SystemRows } from './rows.js'
import { isLive, sharing } from './snapshot.js'

const NAMES = { namespace: 'app', table_name: 'flights', scope: 'shared' }

function rows(change: Partial<SystemRows> = {}): SystemRows {
  return { tables: [], keys: [], scopes: [], batches: [], jobs: [], ...change }
}

const FLIGHTS = { namespace: 'app', name: 'flights', kind: 'SHARED', primary_key: 'id' }
const BATCH = {
  ...NAMES,
  number: 7n,
  path: 'app/flights/batch-7.parquet',
  status: 'active',
  rows: 200_000n,
  dead_rows: 13_033n,
  bytes: 2_100_000n,
  row_groups: 2n,
  min_seq: 9_007_199_254_740_993n,
  max_seq: 9_007_199_254_740_995n,
  schema_version: 1n,
  min_key: '1',
  max_key: '200000',
}

test('files lie in scopes, and those in tables, in order', () => {
  const { tables } = snapshotOf(
    rows({
      tables: [{ ...FLIGHTS, name: 'z' }, FLIGHTS],
      batches: [BATCH, { ...BATCH, number: 3n, status: 'archived' }, { ...BATCH, scope: 'u-alice', number: 1n }],
    }),
  )
  expect(tables.map((table) => table.id)).toEqual(['app.flights', 'app.z'])
  expect(tables[0]?.scopes.map((scope) => scope.scope)).toEqual(['shared', 'u-alice'])
  expect(tables[0]?.scopes[0]?.files.map((file) => [file.number, isLive(file)])).toEqual([
    [3, false],
    [7, true],
  ])
  expect(tables[1]?.scopes).toEqual([])
})

test('a _seq keeps every digit, counts are numbers', () => {
  const file = snapshotOf(rows({ tables: [FLIGHTS], batches: [BATCH] })).tables[0]?.scopes[0]?.files[0]
  expect(file?.minSeq).toBe(9_007_199_254_740_993n)
  expect(file).toMatchObject({ rows: 200_000, deadRows: 13_033, bytes: 2_100_000, minKey: '1', maxKey: '200000' })
})

test('hot rows without files make a scope', () => {
  const scopes = [{ ...NAMES, kind: 'SHARED', hot_rows: 4n, hot_versions: 6n, hot_tombstones: 1n, hot_bytes: null, manifest_version: null }]
  const scope = snapshotOf(rows({ tables: [FLIGHTS], scopes })).tables[0]?.scopes[0]
  expect(scope).toEqual({
    scope: 'shared',
    hot: { rows: 4, versions: 6, tombstones: 1, bytes: undefined },
    files: [],
  })
})

test('columns that are missing are not known, and do no harm', () => {
  const { min_key: _low, max_key: _high, ...old } = BATCH
  const scope = snapshotOf(rows({ tables: [FLIGHTS], batches: [old], jobs: undefined }))
  expect(scope.tables[0]?.scopes[0]?.files[0]?.minKey).toBeUndefined()
  expect(scope.tables[0]?.scopes[0]?.hot).toEqual({ rows: 0, versions: 0, tombstones: 0, bytes: undefined })
  expect(scope.tables[0]?.key).toBeUndefined()
  expect(scope.jobs).toBeUndefined()
})

test('the first column of the key and jobs are told', () => {
  const { tables, jobs } = snapshotOf(
    rows({
      tables: [FLIGHTS],
      keys: [{ namespace: 'app', table_name: 'flights', name: 'id', type: 'BIGINT' }],
      jobs: [{ id: 7n, type: 'compact', state: 'running', progress: 0.25, error: null }],
    }),
  )
  expect(tables[0]?.key).toEqual({ name: 'id', type: 'BIGINT' })
  expect(jobs).toEqual([{ id: 7, type: 'compact', state: 'running', progress: 0.25, error: undefined }])
})

test('what is as it was is the same object', () => {
  const of = (dead: bigint) => rows({ tables: [FLIGHTS, { ...FLIGHTS, name: 'b' }], batches: [{ ...BATCH, dead_rows: dead }, { ...BATCH, table_name: 'b' }] })
  const before = snapshotOf(of(1n))
  const after = sharing(before, snapshotOf(of(2n)))
  expect(after.tables[0]).toBe(before.tables[0])
  expect(after.tables[1]).not.toBe(before.tables[1])
  expect(after.tables[1]?.scopes[0]?.files[0]?.deadRows).toBe(2)
  expect(sharing(before, snapshotOf(of(1n))).tables[1]).toBe(before.tables[1])
})

test('a flush between two tables is noticed', () => {
  const scope = { ...NAMES, files: 1n, cold_rows: 200_000n, dead_rows: 13_033n }
  const archived = { ...BATCH, number: 1n, status: 'archived' }
  expect(isOfOneMoment([scope], [archived, BATCH])).toBe(true)
  expect(isOfOneMoment([scope], [archived, BATCH, { ...BATCH, number: 8n }])).toBe(false)
  expect(isOfOneMoment([scope], [{ ...BATCH, dead_rows: 0n }])).toBe(false)
  expect(isOfOneMoment([{ ...scope, files: 0n, cold_rows: 0n, dead_rows: 0n }], [])).toBe(true)
  expect(isOfOneMoment([NAMES], [BATCH])).toBe(true)
})
