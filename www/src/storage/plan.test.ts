import { expect, test } from 'vitest'
import type { PlanNode, Scan, Trace } from '../engine/trace.js'
import { outcomesOf, sentenceOf } from './outcomes.js'
import { countsOf, linesOf, metricOf, nameOf, seen } from './plan.js'

test.each([
  ['SortExec', 'expr=[a@0 ASC]', 'Sort'],
  ['SortExec', 'TopK(fetch=10), expr=[a@0 DESC]', 'Sort, and take the first'],
  ['SortExec(TopK)', 'fetch=3', 'Sort, and take the first'],
  ['AggregateExec', 'mode=Single, gby=[], aggr=[count(*)]', 'Aggregate'],
  ['AggregateExec', 'mode=Partial, gby=[a@0 as a]', 'Group and aggregate, in part'],
  ['HashJoinExec', 'mode=CollectLeft, join_type=LeftAnti', 'Join by hash (rows without a match)'],
  ['HashJoinExec', 'join_type=Inner', 'Join by hash'],
  ['DataSourceExec', 'file_groups={1 group: [[batch-1.parquet]]}', 'Read files'],
  ['DataSourceExec', 'partitions=1, partition_sizes=[1]', 'Read rows in memory'],
  ['ProjectionExec', '', 'Compute columns'],
  ['MergeScanExec', '', 'Merge scan'],
  ['Whatever', '', 'Whatever'],
])('%s %s', (operator, detail, name) => {
  expect(nameOf(operator, detail)).toBe(name)
})

const PLAN: PlanNode = {
  operator: 'SortExec',
  detail: '',
  elapsed_ms: 1,
  children: [
    { operator: 'FilterExec', detail: '', elapsed_ms: 3, children: [{ operator: 'DataSourceExec', detail: '', children: [] }] },
    { operator: 'UnionExec', detail: '', elapsed_ms: 0, children: [] },
  ],
}

test('lines are in order, with their part of the time', () => {
  expect(linesOf(PLAN).map(({ path, parent, depth, share }) => [path, parent, depth, share])).toEqual([
    ['0', undefined, 1, 0.25],
    ['0.0', '0', 2, 0.75],
    ['0.0.0', '0.0', 3, undefined],
    ['0.1', '0', 2, 0],
  ])
})

test('what is beneath a closed operator is not seen', () => {
  expect(seen(linesOf(PLAN), new Set(['0.0'])).map(({ path }) => path)).toEqual(['0', '0.0', '0.1'])
})

const SCAN: Scan = {
  table: 'app.t',
  scope: 'shared',
  hot_rows: 0,
  rows_hidden: 13_033,
  counts: { files_total: 6, files_read: 1, pages_pruned: 0, novelties_found: 2 },
  files: [1, 2, 3, 4, 5, 6].map((number) => ({ number, outcome: number === 6 ? 'read' : 'pruned_by_statistics' })),
}

test('counts have plain names', () => {
  expect(countsOf(SCAN)).toEqual([
    { name: 'files of the table', count: 6 },
    { name: 'files opened', count: 1 },
    { name: 'hidden rows skipped', count: 13_033 },
    { name: 'hot versions looked through', count: 0 },
    { name: 'novelties found', count: 2 },
  ])
})

test.each<[string, unknown, string]>([
  ['output_bytes', 13_033, '13,033'],
  ['elapsed_compute_ms', 1.25, '1.25\u00a0ms'],
  ['row_groups_pruned_statistics', { pruned: 3, matched: 1 }, '3 pruned, 1 matched'],
  ['spilled', 'no', 'no'],
])('the metric %s', (name, value, text) => {
  expect(metricOf(name, value)).toBe(text)
})

test('what was read is a sentence', () => {
  expect(sentenceOf([SCAN])).toBe('Read 1 of 6 files; 5 pruned by ranges, 0 by Bloom filters, 13,033 hidden rows skipped')
  expect(sentenceOf([{ ...SCAN, files: [], hot_rows: 3 }])).toBe('Read no files; 3 hot versions looked through')
  expect(sentenceOf([])).toBeUndefined()
})

test('a file that one of two scans read was read', () => {
  const twice: Scan[] = [SCAN, { ...SCAN, files: [{ number: 1, outcome: 'read' }, { number: 6, outcome: 'pruned_by_bloom' }] }]
  const trace: Trace = { sql: '', plan: PLAN, scans: twice }
  expect(outcomesOf(trace, 'app.t', 'shared')?.get(1)).toBe('read')
  expect(outcomesOf(trace, 'app.t', 'shared')?.get(6)).toBe('read')
  expect(outcomesOf(trace, 'app.t', 'u-alice')).toBeUndefined()
  expect(outcomesOf(trace, 'app.u', 'shared')).toBeUndefined()
})
