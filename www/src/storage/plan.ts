/** Plans in plain words: what operators do, and how much of the time each took. */

import type { PlanNode, Scan } from '../engine/trace.js'
import { count, duration } from '../style/numbers.js'

/** An operator, with what a view of it needs. */
export interface PlanLine {
  /** Where it is: the places of its ancestors and its own among their children. */
  readonly path: string
  readonly parent: string | undefined
  readonly depth: number
  readonly node: PlanNode
  readonly name: string
  /** Its part of the time of all operators, from 0 to 1; `undefined` when it tells of none. */
  readonly share: number | undefined
}

/** What an operator does, in plain words; a name that nobody knows without its ending. */
export function nameOf(told: string, detail = ''): string {
  // Some tell how they do it: `SortExec(TopK)`.
  const [operator = '', variant = ''] = told.split(/[(:]/)
  if (operator === 'SortExec' && /TopK|fetch=/.test(variant + detail)) {
    return 'Sort, and take the first'
  }
  if (operator === 'DataSourceExec' && /file_groups=/.test(detail)) {
    return 'Read files'
  }
  if (operator === 'DataSourceExec' && /partition_sizes=/.test(detail)) {
    return 'Read rows in memory'
  }
  if (operator === 'AggregateExec') {
    const mode = /mode=(\w+)/.exec(detail)?.[1] ?? ''
    const what = /gby=\[\]/.test(detail) ? 'Aggregate' : 'Group and aggregate'
    return /^Partial/.test(mode) ? `${what}, in part` : what
  }
  if (/JoinExec$/.test(operator)) {
    const kind = /join_type=(\w+)/.exec(detail)?.[1] ?? ''
    return [NAMES[operator] ?? spaced(operator), ...(KINDS_OF_JOIN[kind] ? [`(${KINDS_OF_JOIN[kind]})`] : [])].join(' ')
  }
  return NAMES[operator] ?? spaced(operator)
}

const KINDS_OF_JOIN: Readonly<Record<string, string>> = {
  Left: 'left',
  Right: 'right',
  Full: 'full',
  LeftSemi: 'rows with a match',
  RightSemi: 'rows with a match',
  LeftAnti: 'rows without a match',
  RightAnti: 'rows without a match',
}

const NAMES: Readonly<Record<string, string>> = {
  BoundedWindowAggExec: 'Window functions',
  CoalesceBatchesExec: 'Join small batches',
  CoalescePartitionsExec: 'Bring partitions together',
  CooperativeExec: 'Give way to others',
  CrossJoinExec: 'Cross join',
  DataSourceExec: 'Read',
  DirectRead: 'Find a row by its key',
  IndexRead: 'Find rows by an index',
  EmptyExec: 'No rows',
  FilterExec: 'Filter',
  GlobalLimitExec: 'Limit',
  HashJoinExec: 'Join by hash',
  InterleaveExec: 'Interleave',
  LazyMemoryExec: 'Make rows',
  LocalLimitExec: 'Limit each partition',
  MemoryExec: 'Read memory',
  NestedLoopJoinExec: 'Join row by row',
  PacedExec: 'Give way to others',
  PartialSortExec: 'Sort within sorted groups',
  PiecewiseMergeJoinExec: 'Join by range',
  PlaceholderRowExec: 'One row of nothing',
  ProjectionExec: 'Compute columns',
  RecursiveQueryExec: 'Repeat until nothing is new',
  RepartitionExec: 'Spread over partitions',
  SequentialExec: 'One partition after the other',
  SortExec: 'Sort',
  SortMergeJoinExec: 'Join by merging',
  SortPreservingMergeExec: 'Merge what is sorted',
  StreamingTableExec: 'Read a stream',
  SymmetricHashJoinExec: 'Join by hash, both sides',
  UnionExec: 'Union',
  UnnestExec: 'Unfold arrays',
  WindowAggExec: 'Window functions',
  WorkTableExec: 'Rows of the last round',
}

/** `MergeScanExec` → `Merge scan`. */
function spaced(operator: string): string {
  const words = operator
    .replace(/Exec$/, '')
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** Every operator from the top down, parents before children. */
export function linesOf(plan: PlanNode): PlanLine[] {
  const total = timeOf(plan)
  const lines: PlanLine[] = []
  const visit = (node: PlanNode, path: string, parent: string | undefined, depth: number) => {
    const share = node.elapsed_ms === undefined || total <= 0 ? undefined : node.elapsed_ms / total
    lines.push({ path, parent, depth, node, name: nameOf(node.operator, node.detail), share })
    node.children.forEach((child, at) => visit(child, `${path}.${at}`, path, depth + 1))
  }
  visit(plan, '0', undefined, 1)
  return lines
}

/** The time of an operator and all beneath it. */
function timeOf(node: PlanNode): number {
  return node.children.reduce((sum, child) => sum + timeOf(child), node.elapsed_ms ?? 0)
}

/** The lines that are seen while the operators at `closed` are. */
export function seen(lines: readonly PlanLine[], closed: ReadonlySet<string>): PlanLine[] {
  return lines.filter(({ path }) => ![...closed].some((each) => path.startsWith(`${each}.`)))
}

/** A count of a scan, as it is called in plain words. */
export interface ScanCount {
  readonly name: string
  readonly count: number
}

/** The counts of a scan that tell something: the known ones in a fixed order, then any others that are not 0. */
export function countsOf(scan: Scan): ScanCount[] {
  const counts: Record<string, number> = { ...scan.counts, rows_hidden: scan.rows_hidden, hot_rows: scan.hot_rows }
  const known = COUNTS.flatMap(([key, name, always]) => {
    const n = counts[key]
    return n === undefined || (n === 0 && !always) ? [] : [{ name, count: n }]
  })
  const names = new Set(COUNTS.map(([key]) => key))
  const others = Object.entries(counts).filter(([key, n]) => !names.has(key) && n !== 0)
  return [...known, ...others.map(([key, n]) => ({ name: key.replaceAll('_', ' '), count: n }))]
}

/** Counts by the engine's names, and whether they are told when they are 0. */
const COUNTS: readonly (readonly [string, string, boolean])[] = [
  ['files_total', 'files of the table', true],
  ['files_pruned_stats', 'files left out by ranges', true],
  ['files_pruned_bloom', 'files left out by Bloom filters', true],
  ['files_pruned_dynamic', 'files left out while running', false],
  ['files_read', 'files opened', true],
  ['row_groups_pruned', 'row groups left out', false],
  ['row_groups_pruned_bloom', 'row groups left out by Bloom filters', false],
  ['pages_pruned', 'pages left out', false],
  ['rows_pruned_late', 'rows left out before all columns were read', false],
  ['rows_hidden', 'hidden rows skipped', true],
  ['hot_rows', 'hot versions looked through', true],
]

/** A metric as text: times by their unit, and of what is counted in several ways each of them. */
export function metricOf(name: string, value: unknown): string {
  if (typeof value === 'number') {
    return name.endsWith('_ms') ? duration(value) : Number.isInteger(value) ? count(value) : String(value)
  }
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value).map(([each, part]) => `${metricOf(each, part)} ${each.replaceAll('_', ' ')}`)
    return parts.join(', ')
  }
  return String(value)
}
