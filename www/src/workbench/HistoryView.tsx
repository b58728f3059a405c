/** What was run, the last first. */

import { useCallback, useState } from 'react'
import type { History } from '../editor/history.js'
import { useReading } from '../engine/reading.js'
import type { Store } from '../engine/store.js'
import { duration } from '../style/numbers.js'
import { ConfirmDialog } from '../transfer/Dialog.js'
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
  const [isAsked, setIsAsked] = useState(false)
  const [notDeleted, setNotDeleted] = useState<string>()
  const problem = notDeleted ?? failure

  const clear = async () => {
    setIsAsked(false)
    try {
      await history.clear()
      setNotDeleted(undefined)
      store.changed()
    } catch (error) {
      setNotDeleted(`It was not deleted: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

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
        <button type="button" onClick={() => setIsAsked(true)}>
          Delete history …
        </button>
      </div>
      <ConfirmDialog
        title="Delete the history?"
        open={isAsked}
        verb="Delete the history"
        onNo={() => setIsAsked(false)}
        onYes={() => void clear()}
      >
        <p>
          <strong>This cannot be undone.</strong> All statements of the history are lost, not only those that the search finds.
        </p>
      </ConfirmDialog>
      {problem !== undefined && (
        <p role="alert" className="dock-empty">
          {problem}
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
