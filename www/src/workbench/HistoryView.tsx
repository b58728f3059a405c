/** What was run, the last first. */

import { useCallback, useState } from 'react'
import type { History } from '../editor/history.js'
import { useReading } from '../engine/reading.js'
import type { Store } from '../engine/store.js'
import { duration } from '../style/numbers.js'
import { timeOf } from './times.js'

interface Properties {
  readonly store: Store
  readonly history: History
  /** What is not shown is not read. */
  readonly isShown: boolean
  onShow(sql: string): void
}

export function HistoryView({ store, history, isShown, onShow }: Properties) {
  const [containing, setContaining] = useState('')
  const read = useCallback(() => history.read(containing), [history, containing])
  const { value: past, failure } = useReading(store, isShown ? read : undefined)

  return (
    <div className="history">
      <div className="history-head">
        <input
          type="search"
          aria-label="Statements that contain"
          placeholder="Search"
          value={containing}
          onChange={(event) => setContaining(event.target.value)}
        />
        <button
          type="button"
          disabled={!past?.length}
          onClick={() => void history.clear().then(() => store.changed())}
        >
          Clear
        </button>
      </div>
      {failure !== undefined && (
        <p role="alert" className="dock-empty">
          {failure}
        </p>
      )}
      {past?.length === 0 && <p className="dock-empty">{containing === '' ? 'Nothing was run yet.' : 'Nothing like that was run.'}</p>}
      <ol>
        {past?.map(({ id, at, who, sql, ms, outcome }) => (
          <li key={String(id)}>
            <button type="button" className="history-sql" onClick={() => onShow(sql)} title="Open in the editor">
              <code>{sql}</code>
            </button>
            <p>
              <time dateTime={at.toISOString()}>{timeOf(at, new Date())}</time> · {who} · {outcome} · {duration(ms)}
            </p>
          </li>
        ))}
      </ol>
    </div>
  )
}
