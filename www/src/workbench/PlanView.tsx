/** How the last query of a pane was run, once that is known. */

import { PlanTree } from '../storage/PlanTree.js'
import { PassingButton } from '../style/focus.js'
import type { Session } from './session.js'

interface Properties {
  readonly session: Session
  /** Moves the focus on from a button that goes. */
  goOn(): void
}

export function PlanView({ session, goOn }: Properties) {
  const { trace, untraced, traceFailure, traceAgain, cancel } = session
  if (trace === 'tracing') {
    return (
      <div className="dock-empty">
        <p role="status">Running it once more, to see what it reads …</p>
        <PassingButton goOn={goOn} className="danger" onClick={cancel}>
          Stop
        </PassingButton>
      </div>
    )
  }
  if (trace) {
    return <PlanTree trace={trace} />
  }
  if (untraced === undefined) {
    return (
      <p className="dock-empty">
        Run a query: its plan, what each step took, and what was read of each table come here.
      </p>
    )
  }
  return (
    <div className="dock-empty">
      {traceFailure === undefined ? (
        <p>
          What that query reads is found out by running it again. One that takes more than a second, or is done for somebody else
          and so audited, is not run again by itself.
        </p>
      ) : (
        <p role="alert">
          What that query reads could not be found out. <strong>{traceFailure.code}</strong> {traceFailure.message}
        </p>
      )}
      <PassingButton goOn={goOn} onClick={traceAgain}>
        Run it again with EXPLAIN ANALYZE
      </PassingButton>
    </div>
  )
}
