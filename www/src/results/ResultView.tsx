/** What one statement answered: rows as a table or a chart, a count, or what is wrong with it. */

import { type KeyboardEvent, lazy, Suspense, useId, useRef, useState } from 'react'
import type { Outcome, Queryable } from '../engine/run.js'
import { duration } from '../style/numbers.js'
import { ExportMenu } from './ExportMenu.js'
import { Grid } from './Grid.js'
import { headline, labelOf, messageOf, sentence } from './wording.js'
import './result.css'

// The library that draws is larger than the rest of the view.
const ChartView = lazy(async () => ({ default: (await import('../chart/ChartView.js')).ChartView }))

export interface ResultViewProps {
  readonly outcome: Outcome
  /** What exports run the statement in once more. */
  within(): Promise<Queryable>
}

export function ResultView({ outcome, within }: ResultViewProps) {
  switch (outcome.kind) {
    case 'rows':
      // Another outcome has nothing of this one: no sort, no selection.
      return <RowsView key={keyOf(outcome)} outcome={outcome} within={within} />
    case 'affected':
    case 'cancelled':
      return <p className="result-line">{sentence(outcome)}</p>
    case 'failed':
      return <Failure outcome={outcome} />
  }
}

function Failure({ outcome: { error, ms } }: { readonly outcome: Extract<Outcome, { kind: 'failed' }> }) {
  // The line with a caret beneath stays as it is; what is wrong may take several.
  const [message, ...place] = messageOf(error.message, error.hint).split('\n')
  return (
    <div className="result-failure" role="alert">
      <p>
        <strong>{error.code}</strong> <span className="result-after">after {duration(ms)}</span>
      </p>
      <p className="result-message">{message}</p>
      {place.length > 0 && <pre tabIndex={0}>{place.join('\n')}</pre>}
      {error.hint !== undefined && (
        <p>
          <strong>Hint:</strong> {error.hint}
        </p>
      )}
    </div>
  )
}

const VIEWS = ['Table', 'Chart'] as const

interface RowsViewProps {
  readonly outcome: Extract<Outcome, { kind: 'rows' }>
  within(): Promise<Queryable>
}

function RowsView({ outcome, within }: RowsViewProps) {
  const { rows, sql, ms } = outcome
  const [view, setView] = useState<(typeof VIEWS)[number]>('Table')
  const id = useId()
  const tabs = useRef<HTMLDivElement>(null)

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight' || event.key === 'Home' || event.key === 'End') {
      const other = view === 'Table' ? 'Chart' : 'Table'
      const next = event.key === 'Home' ? 'Table' : event.key === 'End' ? 'Chart' : other
      setView(next)
      tabs.current?.querySelectorAll<HTMLElement>('[role=tab]')[VIEWS.indexOf(next)]?.focus()
      event.preventDefault()
    }
  }

  return (
    <section className="result" aria-label="Result">
      <div className="result-head">
        <p className="result-count">
          <strong>{headline(outcome)}</strong> <span className="result-after">{duration(ms)}</span>
        </p>
        <div ref={tabs} role="tablist" aria-label="View of the result" className="result-tabs" onKeyDown={onKeyDown}>
          {VIEWS.map((each) => (
            <button
              key={each}
              type="button"
              role="tab"
              id={`${id}-${each}`}
              aria-selected={view === each}
              aria-controls={`${id}-panel`}
              tabIndex={view === each ? 0 : -1}
              onClick={() => setView(each)}
            >
              {each}
            </button>
          ))}
        </div>
        <ExportMenu within={within} sql={sql} rows={rows} truncated={outcome.truncated} />
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${view}`} className="result-panel">
        {/* The table stays while the chart is seen, with its sort and its place. */}
        <div className="result-view" hidden={view !== 'Table'}>
          <Grid rows={rows} label={labelOf(sql, rows.length)} />
        </div>
        {view === 'Chart' && (
          <Suspense fallback={<p className="result-line">Loading the chart …</p>}>
            <ChartView rows={rows} />
          </Suspense>
        )}
      </div>
    </section>
  )
}

const keys = new WeakMap<Outcome, number>()
let next = 0

function keyOf(outcome: Outcome): number {
  const known = keys.get(outcome)
  if (known !== undefined) {
    return known
  }
  keys.set(outcome, ++next)
  return next
}
