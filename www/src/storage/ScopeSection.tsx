/** One scope of a table: what is in either tier in numbers, and the picture of it. */

import { memo, useMemo } from 'react'
import type { Trace } from '../engine/trace.js'
import { bytes, counted, share } from '../style/numbers.js'
import type { AxisKind } from './keyaxis.js'
import { outcomesOf } from './outcomes.js'
import { ownerOf } from './owner.js'
import { ScopeChart } from './ScopeChart.js'
import { isLive, type ScopeStorage, type TableStorage } from './snapshot.js'

export interface ScopeSectionProps {
  readonly table: TableStorage
  readonly scope: ScopeStorage
  readonly axisKind: AxisKind
  readonly trace: Trace | undefined
}

/** Drawn again only when what it shows is other. */
export const ScopeSection = memo(function ScopeSection({ table, scope, axisKind, trace }: ScopeSectionProps) {
  const owner = ownerOf(scope.scope)
  const outcomes = useMemo(() => outcomesOf(trace, table.id, scope.scope), [trace, table.id, scope.scope])
  const label = owner === undefined ? table.id : `${table.id} of ${owner}`
  return (
    <section className="storage-scope" aria-label={label}>
      {owner !== undefined && <h4 className="storage-owner">{owner}</h4>}
      <p className="storage-totals">
        <HotTotals scope={scope} />
        <ColdTotals scope={scope} />
      </p>
      <ScopeChart
        label={label}
        scope={scope}
        keyColumn={table.key}
        axisKind={axisKind}
        outcomes={outcomes}
      />
    </section>
  )
})

function HotTotals({ scope: { hot } }: { scope: ScopeStorage }) {
  const more = [
    ...(hot.versions > hot.rows ? [counted(hot.versions, 'version')] : []),
    ...(hot.tombstones > 0 ? [counted(hot.tombstones, 'tombstone')] : []),
    ...(hot.bytes !== undefined && hot.versions > 0 ? [bytes(hot.bytes)] : []),
  ]
  return (
    <span className="storage-total storage-total-hot">
      <b>{counted(hot.rows, 'hot row')}</b>
      {more.length > 0 && ` (${more.join(', ')})`}
    </span>
  )
}

function ColdTotals({ scope }: { scope: ScopeStorage }) {
  const live = scope.files.filter(isLive)
  const sum = (of: (file: (typeof live)[number]) => number) => live.reduce((total, file) => total + of(file), 0)
  const rows = sum((file) => file.rows)
  const dead = sum((file) => file.deadRows)
  return (
    <span className="storage-total">
      <b>{counted(rows, 'cold row')}</b>
      {` in ${counted(live.length, 'file')}`}
      {live.length > 0 && `, ${bytes(sum((file) => file.bytes))}`}
      {dead > 0 && `; ${counted(dead, 'hidden', 'hidden')} (${share(dead / rows)})`}
    </span>
  )
}
