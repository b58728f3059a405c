/** How the last query of a pane was run, once that is known. */

import { PlanTree } from '../storage/PlanTree.js'
import type { Session } from './session.js'

export function PlanView({ session }: { readonly session: Session }) {
  const { trace, untraced, traceAgain, cancel } = session
  if (trace === 'tracing') {
    return (
      <div className="dock-empty">
        <p role="status">Running it once more, to see what it reads …</p>
        <button type="button" className="danger" onClick={cancel}>
          Stop
        </button>
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
      <p>What that query reads is found out by running it again. One that takes more than a second, or is done for somebody else and so
        audited, is not run again by itself.</p>
      <button type="button" onClick={traceAgain}>
        Run it again with EXPLAIN ANALYZE
      </button>
    </div>
  )
}
