/** What somebody sees who has nothing yet. */

import { useRef } from 'react'
import { useFocusAfter } from '../style/focus.js'
import { Mark } from './Mark.js'

interface Properties {
  onFlights(): void
  onSamples(): void
  onImport(): void
  /** Moves the focus, where it is here when there is something. */
  goOn(): void
}

export function Welcome({ onFlights, onSamples, onImport, goOn }: Properties) {
  const whole = useRef<HTMLDivElement>(null)
  useFocusAfter(whole, goOn)
  return (
    <div ref={whole} className="welcome">
      <Mark />
      <h2>SQL over rows that fall as snow and become ice</h2>
      <p>
        What you write lies hot in IndexedDB. A flush freezes it into Parquet files in this browser's own file system. A query,
        an UPDATE and a DELETE see one table, and open only the files that matter: watch it in <b>Storage</b>.
      </p>
      <div className="welcome-actions">
        <button type="button" className="primary" onClick={onFlights}>
          Load 200,000 flights
        </button>
        <button type="button" onClick={onSamples}>
          Other samples
        </button>
        <button type="button" onClick={onImport}>
          Import a file
        </button>
      </div>
      <p className="welcome-note">
        Or drop a CSV, JSON or Parquet file onto the page, or begin with <code>CREATE TABLE</code>. Nothing leaves this browser.
      </p>
    </div>
  )
}
