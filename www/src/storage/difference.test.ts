import { expect, test } from 'vitest'
import { difference, logged, sentenceOf, type StorageEvent } from './difference.js'
import type { BatchFile, Job, ScopeStorage, StorageSnapshot } from './snapshot.js'

function file(number: number, change: Partial<BatchFile> = {}): BatchFile {
  return {
    number,
    path: `batch-${number}.parquet`,
    status: 'active',
    rows: 100,
    deadRows: 0,
    bytes: 1000,
    rowGroups: 1,
    minSeq: BigInt(number * 100),
    maxSeq: BigInt(number * 100 + 99),
    schemaVersion: 1,
    minKey: '1',
    maxKey: '9',
    ...change,
  }
}

function store(versions: number, files: BatchFile[], jobs?: Job[]): StorageSnapshot {
  const scope: ScopeStorage = {
    scope: 'shared',
    hot: { rows: versions, versions, tombstones: 0, bytes: undefined },
    files,
  }
  const table = { id: 'app.t', namespace: 'app', name: 't', kind: 'SHARED', key: undefined, scopes: [scope] }
  return { tables: [table], jobs }
}

function told(before: StorageSnapshot, after: StorageSnapshot): string[] {
  return difference(before, after).map((event) => sentenceOf(event).replaceAll('\u00a0', ' '))
}

const archived = { status: 'archived' }

test('nothing happened', () => {
  expect(difference(store(1, [file(1)]), store(1, [file(1)]))).toEqual([])
})

test('rows are written, and evicted', () => {
  expect(told(store(0, []), store(1500, []))).toEqual(['1,500 versions written to app.t, hot'])
  expect(told(store(5, []), store(4, []))).toEqual(['1 hot version of app.t removed'])
})

test('a flush makes a file of hot rows', () => {
  const after = store(0, [file(1), file(2, { rows: 200_000, bytes: 2_100_000 })])
  expect(told(store(200_000, [file(1)]), after)).toEqual(['flush of app.t: 200,000 rows to batch-2, 2.1 MB'])
})

test('a compaction makes one file of several, which stay for a while', () => {
  const before = store(0, [file(1), file(2), file(3)])
  const made = file(4, { minSeq: 100n, maxSeq: 399n, bytes: 2500 })
  const during = store(0, [file(1, archived), file(2, archived), file(3, archived), made])
  expect(told(before, during)).toEqual(['compaction of app.t: 3 files became 1, 3.0 kB → 2.5 kB'])
  expect(told(before, store(0, [made]))).toEqual(['compaction of app.t: 3 files became 1, 3.0 kB → 2.5 kB'])
  expect(told(during, store(0, [made]))).toEqual(['3 replaced files of app.t removed, 3.0 kB'])
})

test('a compaction of what is all deleted leaves nothing', () => {
  expect(told(store(0, [file(1)]), store(0, [file(1, archived)]))).toEqual(['compaction of app.t: 1 file became none, 1.0 kB → 0 B'])
})

test('a flush and a compaction between two looks are told apart by the age of rows', () => {
  const after = store(0, [file(1, archived), file(2, archived), file(3), file(4, { minSeq: 100n, maxSeq: 299n })])
  expect(difference(store(100, [file(1), file(2)]), after).map((event) => [event.kind, 'files' in event ? event.files : 0])).toEqual([
    ['flushed', [3]],
    ['compacted', 0],
  ])
})

test('a file that came and went between two looks was flushed and merged', () => {
  const after = store(0, [file(1, archived), file(2, archived), file(3, { minSeq: 100n, maxSeq: 299n })])
  expect(difference(store(100, [file(1)]), after)).toMatchObject([
    { kind: 'flushed', files: [2] },
    { kind: 'compacted', from: [1, 2], to: [3] },
  ])
})

test('a deletion vector that grew', () => {
  expect(told(store(0, [file(1), file(2)]), store(0, [file(1, { deadRows: 3 }), file(2, { deadRows: 4 })]))).toEqual([
    '7 cold rows of app.t hidden in 2 files',
  ])
})

test('tables come and go; of a new one what is in it is told too', () => {
  const none: StorageSnapshot = { tables: [], jobs: [] }
  expect(told(none, store(2, []))).toEqual(['app.t was created', '2 versions written to app.t, hot'])
  expect(told(store(2, []), none)).toEqual(['app.t was dropped'])
})

test('jobs that failed since are told, once', () => {
  const job: Job = { id: 7, type: 'compact', state: 'running', progress: 0.5, error: undefined }
  const failed = { ...job, state: 'failed', error: 'no room' }
  expect(told(store(0, [], [job]), store(0, [], [failed]))).toEqual(['job 7 (compact) failed: no room'])
  expect(told(store(0, [], []), store(0, [], [{ ...job, state: 'killed' }]))).toEqual(['job 7 (compact) was cancelled'])
  expect(told(store(0, [], [failed]), store(0, [], [failed]))).toEqual([])
  expect(told(store(0, [], [job]), store(0, [], [{ ...job, state: 'done' }]))).toEqual([])
})

test('writes that follow each other are one entry of the log', () => {
  const written = (versions: number): StorageEvent => ({ kind: 'written', table: 'app.t', scope: 'shared', versions })
  const dropped: StorageEvent = { kind: 'dropped', table: 'app.u' }
  const log = logged(logged(logged([], [written(1)], 1), [written(2)], 2), [dropped, written(4)], 3)
  expect(log.map(({ id, at, event }) => [id, at, 'versions' in event ? event.versions : event.kind])).toEqual([
    [3, 3, 4],
    [2, 3, 'dropped'],
    [1, 2, 3],
  ])
})
