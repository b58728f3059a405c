/** What was run, the last first. */

import { useEffect, useState } from 'react'
import type { History, Past } from '../editor/history.js'
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
  const [past, setPast] = useState<readonly Past[]>()
  useEffect(() => {
    if (!isShown) {
      return
    }
    let gone = false
    const read = () =>
      history.read(containing).then(
        (found) => !gone && setPast(found),
        (error: unknown) => console.warn('the history cannot be read:', error),
      )
    void read()
    const stop = store.subscribe(() => void read())
    return () => {
      gone = true
      stop()
    }
  }, [store, history, containing, isShown])

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
