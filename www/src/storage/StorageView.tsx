/** The storage of the page as a picture: rows that fall as hot snow, freeze into files, and are found again. */

import { memo, useState } from 'react'
import type { Store, Who } from '../engine/store.js'
import type { Trace } from '../engine/trace.js'
import { ActivityLog } from './ActivityLog.js'
import { CommandButton } from './CommandButton.js'
import type { StorageEvent } from './difference.js'
import { FilePatterns } from './FilePatterns.js'
import { JobList } from './JobList.js'
import type { AxisKind } from './keyaxis.js'
import { Legend } from './Legend.js'
import type { StorageSnapshot, TableStorage } from './snapshot.js'
import { COMPACT_ALL, FLUSH_ALL } from './sql.js'
import './storage.css'
import './controls.css'
import { TableCard } from './TableCard.js'
import { useStorage, type Watched } from './watch.js'

/** The namespace of what the page keeps for itself. */
const OWN = 'playground'
/** Tables that are seen without asking for more. */
const FIRST = 12

export interface StorageViewProps {
  readonly store: Store
  readonly who: Who
  /** What the last statement read. */
  readonly trace: Trace | undefined
  /** Whether the view is seen. While it is not, nothing is read or drawn; when it is again, it goes on from where it was. */
  readonly active?: boolean
}

export function StorageView({ store, who, trace, active = true }: StorageViewProps) {
  const watched = useStorage(store, who, active)
  return <StoragePicture watched={watched} trace={trace} active={active} />
}

interface StoragePictureProps {
  readonly watched: Watched
  readonly trace: Trace | undefined
  readonly active: boolean
}

/** The view of what is `watched`, as it was last seen while it is not active. */
const StoragePicture = memo(function StoragePicture({ watched, trace }: StoragePictureProps) {
  const [axisKind, setAxisKind] = useState<AxisKind>('key')
  const [ownToo, setOwnToo] = useState(false)
  const [shown, setShown] = useState(FIRST)
  const { snapshot, error, failure, log } = watched
  const tables = tablesOf(snapshot, ownToo)
  return (
    <div className="storage-view">
      <FilePatterns />
      <div className="storage-bar-top">
        <div className="storage-axes" role="group" aria-label="Files lie by">
          <span aria-hidden="true">Files by</span>
          {AXES.map(({ kind, label }) => (
            <button key={kind} type="button" aria-pressed={axisKind === kind} onClick={() => setAxisKind(kind)}>
              {label}
            </button>
          ))}
        </div>
        <div className="storage-actions">
          <CommandButton watched={watched} command={FLUSH_ALL} name="Flush all tables">
            Flush all
          </CommandButton>
          <CommandButton watched={watched} command={COMPACT_ALL} name="Compact all tables">
            Compact all
          </CommandButton>
        </div>
      </div>
      {failure !== undefined && (
        <div className="storage-failure" role="alert">
          <span>{failure}</span>
          <button type="button" className="storage-plain" aria-label="Dismiss the error" onClick={watched.dismiss}>
            ×
          </button>
        </div>
      )}
      {error !== undefined && (
        <p className="storage-failure" role="status">
          The store could not be looked at{snapshot && '; this is how it was last seen'}: {error}
        </p>
      )}
      <JobList watched={watched} />
      {tables.length > 0 && <Legend trace={trace} />}
      {snapshot === undefined && error === undefined && <p className="storage-note">Looking at the store…</p>}
      {snapshot && tables.length === 0 && <Empty />}
      {tables.slice(0, shown).map((table) => (
        <TableCard key={table.id} table={table} axisKind={axisKind} trace={trace} watched={watched} />
      ))}
      {tables.length > shown && (
        <button type="button" className="storage-button" onClick={() => setShown(shown + FIRST)}>
          Show more of {tables.length - shown} further tables
        </button>
      )}
      {snapshot && <ActivityLog log={log.filter(({ event }) => ownToo || !isOwn(event))} />}
      <label className="storage-own">
        <input type="checkbox" checked={ownToo} onChange={(event) => setOwnToo(event.target.checked)} />
        Show the page’s own tables too
      </label>
    </div>
  )
}, isSame)

function isSame(before: StoragePictureProps, after: StoragePictureProps): boolean {
  return !after.active || (before.active && before.watched === after.watched && before.trace === after.trace)
}

const AXES: readonly { readonly kind: AxisKind; readonly label: string }[] = [
  { kind: 'key', label: 'key' },
  { kind: 'time', label: 'time' },
]

/** Whether something happened to a table of the page's own. */
function isOwn(event: StorageEvent): boolean {
  return 'table' in event && event.table.startsWith(`${OWN}.`)
}

/** Tables that have something first. */
function tablesOf(snapshot: StorageSnapshot | undefined, ownToo: boolean): TableStorage[] {
  const tables = snapshot?.tables.filter(({ namespace }) => ownToo || namespace !== OWN) ?? []
  return [...tables.filter(({ scopes }) => scopes.length > 0), ...tables.filter(({ scopes }) => scopes.length === 0)]
}

function Empty() {
  return (
    <div className="storage-empty">
      <p>
        <b>No tables yet.</b> Create one and insert rows, or load a sample: rows fall in as <b className="storage-hot-word">hot</b>{' '}
        snow.
      </p>
      <p>
        A flush freezes them into <b className="storage-cold-word">cold</b> Parquet files, each with its range of keys; then see
        which of them a query reads, and which it can leave out.
      </p>
    </div>
  )
}
