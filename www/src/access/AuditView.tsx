/** The audit log, growing. */

import { useCallback } from 'react'
import { useReading } from '../engine/reading.js'
import type { Store } from '../engine/store.js'

interface Entry {
  readonly number: bigint
  readonly at: string
  readonly actor: string
  readonly role: string
  readonly subject: string
  readonly outcome: string
  readonly error: string | null
  readonly statement: string
  readonly rows: bigint | null
}

/** Entries that are shown. */
const SHOWN = 200

export function AuditView({ store }: { readonly store: Store }) {
  const read = useCallback(async () => {
    const { rows } = await store.owner.query<Entry>(
      `SELECT number, at, actor, role, subject, outcome, error, statement, rows
         FROM system.audit_log ORDER BY number DESC LIMIT ${SHOWN}`,
    )
    return rows
  }, [store])
  const { value: entries, failure } = useReading(store, read)

  if (failure !== undefined) {
    return <p role="alert" className="audit-failure">{failure}</p>
  }
  if (entries?.length === 0) {
    return (
      <div className="dock-empty">
        <p>
          Nothing yet. What somebody does in another's name is written here, together with its effect, and so is what was
          refused; of each statement its shape, never a value. Let a pane act for somebody, or try
        </p>
        <code>EXECUTE AS USER 'alice' (SELECT 1)</code>
      </div>
    )
  }
  return (
    <ol className="audit" aria-label="Audit log, the last entry first">
      {entries?.map((entry) => (
        <li key={String(entry.number)} data-outcome={entry.outcome}>
          <p className="audit-head">
            <span className="audit-number">{String(entry.number)}</span>
            <span className="audit-who">
              {entry.actor} <small>({entry.role})</small> for {entry.subject}
            </span>
            <span>{entry.outcome}</span>
          </p>
          <code>{entry.statement}</code>
          <p className="audit-foot">
            <time dateTime={entry.at}>{new Date(entry.at).toLocaleString('en')}</time>
            {entry.rows !== null && ` · ${entry.rows} ${entry.rows === 1n ? 'row' : 'rows'}`}
            {entry.error !== null && ` · ${entry.error}`}
          </p>
        </li>
      ))}
    </ol>
  )
}
