/** What the last statement did with each file, in words. */

import type { FileOutcome as Outcome, Scan, Trace } from '../engine/trace.js'
import { count, counted } from '../style/numbers.js'

export type { Outcome }

/** How outcomes are called, and in which order a legend has them. */
export const OUTCOMES: readonly { readonly outcome: Outcome; readonly label: string; readonly why: string }[] = [
  { outcome: 'read', label: 'read', why: 'opened, and rows of it looked at' },
  { outcome: 'pruned_by_statistics', label: 'pruned by range', why: 'the smallest and largest values exclude it' },
  { outcome: 'pruned_by_bloom', label: 'pruned by Bloom filter', why: 'its filter says that the value is not in it' },
  { outcome: 'pruned_dynamically', label: 'pruned while running', why: 'rows found by then excluded it' },
  { outcome: 'not_needed', label: 'not needed', why: 'what was sought was found before, or all of its rows are hidden' },
  { outcome: 'kept', label: 'not excluded', why: 'nothing excludes it; whether it was opened is not known' },
]

/** The outcome in a few words. */
export function labelOf(outcome: Outcome): string {
  return OUTCOMES.find((each) => each.outcome === outcome)?.label ?? outcome
}

/** What became of the files of one scope, by number. */
export type Outcomes = ReadonlyMap<number, Outcome>

/** What `trace` tells of the files of `scope` of `table`; `undefined` when it did not read that. */
export function outcomesOf(trace: Trace | undefined, table: string, scope: string): Outcomes | undefined {
  const scans = trace?.scans.filter((scan) => scan.table === table && isScope(scan, scope)) ?? []
  if (scans.length === 0) {
    return undefined
  }
  const found = new Map<number, Outcome>()
  for (const { number, outcome } of scans.flatMap((scan) => scan.files)) {
    const known = found.get(number)
    // A table may be read twice, and a file by one of them only.
    if (known === undefined || rankOf(outcome) < rankOf(known)) {
      found.set(number, outcome)
    }
  }
  return found
}

function isScope(scan: Scan, scope: string): boolean {
  return scan.scope === scope || `u-${scan.scope}` === scope
}

function rankOf(outcome: Outcome): number {
  const order: Outcome[] = ['read', 'kept']
  const rank = order.indexOf(outcome)
  return rank < 0 ? order.length : rank
}

/** How much of the cold tier was read and left out, in a sentence; `undefined` when there is nothing to tell. */
export function sentenceOf(scans: readonly Scan[]): string | undefined {
  if (scans.length === 0) {
    return undefined
  }
  const files = scans.flatMap((scan) => scan.files)
  const outcomes: Outcome[] = files.map((file) => file.outcome)
  const of = (outcome: Outcome) => outcomes.filter((each) => each === outcome).length
  const hidden = scans.reduce((total, scan) => total + scan.rows_hidden, 0)
  const hot = scans.reduce((total, scan) => total + scan.hot_rows, 0)
  const parts = [
    `${count(of('pruned_by_statistics'))} pruned by ranges`,
    `${count(of('pruned_by_bloom'))} by Bloom filters`,
    ...(of('pruned_dynamically') > 0 ? [`${count(of('pruned_dynamically'))} while running`] : []),
    ...(of('not_needed') > 0 ? [`${count(of('not_needed'))} not needed`] : []),
    ...(of('kept') > 0 ? [`${count(of('kept'))} not excluded`] : []),
    `${counted(hidden, 'hidden row')} skipped`,
    ...(hot > 0 ? [`${counted(hot, 'hot version')} looked through`] : []),
  ]
  return files.length === 0
    ? `Read no files${hot > 0 ? `; ${counted(hot, 'hot version')} looked through` : ''}`
    : `Read ${count(of('read'))} of ${counted(files.length, 'file')}; ${parts.join(', ')}`
}
