/** A table: its scopes, and the upkeep that can be done to it. */

import { useState } from 'react'
import type { Trace } from '../engine/trace.js'
import { counted } from '../style/numbers.js'
import { CommandButton } from './CommandButton.js'
import type { AxisKind } from './keyaxis.js'
import { ScopeSection } from './ScopeSection.js'
import { isLive, type TableStorage } from './snapshot.js'
import { compactTable, flushTable } from './sql.js'
import type { Watched } from './watch.js'

/** Scopes that are seen without asking for more. */
const FIRST = 4
/** Scopes that each asking shows. */
const MORE = 12

export interface TableCardProps {
  readonly table: TableStorage
  readonly axisKind: AxisKind
  readonly trace: Trace | undefined
  readonly watched: Watched
}

export function TableCard({ table, axisKind, trace, watched }: TableCardProps) {
  const [shown, setShown] = useState(FIRST)
  const { scopes } = table
  const isStream = table.kind === 'STREAM'
  const hot = scopes.some((scope) => scope.hot.versions > 0)
  const files = scopes.some((scope) => scope.files.some(isLive))
  return (
    <article className="storage-card" aria-label={table.id}>
      <header className="storage-card-head">
        <h3 className="storage-name">{table.id}</h3>
        <span className="storage-kind">{table.kind}</span>
        {scopes.length > 1 && <span className="storage-muted">{counted(scopes.length, 'scope')}</span>}
        {!isStream && (
          <span className="storage-actions">
            <CommandButton watched={watched} command={flushTable(table.namespace, table.name)} disabled={!hot} name={`Flush ${table.id}`}>
              Flush
            </CommandButton>
            <CommandButton
              watched={watched}
              command={compactTable(table.namespace, table.name)}
              disabled={!files}
              name={`Compact ${table.id}`}
            >
              Compact
            </CommandButton>
          </span>
        )}
      </header>
      {isStream && <p className="storage-note">Rows of a STREAM table stay hot until their time is over; it has no files.</p>}
      {scopes.length === 0 && <p className="storage-note">No rows yet: what is inserted falls here, hot.</p>}
      {scopes.slice(0, shown).map((scope) => (
        <ScopeSection key={scope.scope} table={table} scope={scope} axisKind={axisKind} trace={trace} />
      ))}
      {scopes.length > shown && (
        <button type="button" className="storage-button" onClick={() => setShown(shown + MORE)}>
          Show {Math.min(MORE, scopes.length - shown)} of {scopes.length - shown} more scopes
        </button>
      )}
    </article>
  )
}
