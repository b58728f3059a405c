/** What was seen to happen, the latest first. */

import { type Seen, sentenceOf } from './difference.js'
import { clock } from './wording.js'
import './log.css'

/** Entries that are seen. */
const SHOWN = 10

export function ActivityLog({ log }: { log: readonly Seen[] }) {
  return (
    <section className="storage-log" aria-label="What happened">
      <h3 className="storage-log-title">What happened</h3>
      {log.length === 0 ? (
        <p className="storage-note">Nothing since this was opened.</p>
      ) : (
        <ol>
          {log.slice(0, SHOWN).map(({ id, at, event }) => (
            <li key={id} data-kind={event.kind}>
              <time dateTime={new Date(at).toISOString()}>{clock(at)}</time> {sentenceOf(event)}
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}
