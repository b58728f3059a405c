/** What runs in one pane: statements one after another, by whoever the pane is. */

import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { History } from '../editor/history.js'
import { type Database, type Outcome, run } from '../engine/run.js'
import { canBeExplained, type Statement } from '../engine/statements.js'
import type { Store, Who } from '../engine/store.js'
import { type Trace, trace } from '../engine/trace.js'

/** A query that took no longer is run once more by itself, to see what it read. */
const TRACED_MS = 1_000

/** A pane's statements. */
export interface Session {
  /** What came of the statements of the last run, as far as it is. */
  readonly outcomes: readonly Outcome[]
  /** How many statements the last run has. */
  readonly asked: number
  readonly running: boolean
  readonly db: Database | undefined
  /** What the last query read, once that is known; `'tracing'` while it is found out. */
  readonly trace: Trace | 'tracing' | undefined
  /** The last query, where what it read is not known, because it took long. */
  readonly untraced: string | undefined
  run(statements: readonly Statement[]): Promise<readonly Outcome[]>
  traceAgain(): void
  cancel(): void
}

interface State {
  readonly outcomes: readonly Outcome[]
  readonly asked: number
  readonly running: boolean
  readonly trace: Trace | 'tracing' | undefined
  readonly untraced: string | undefined
}

const IDLE: State = { outcomes: [], asked: 0, running: false, trace: undefined, untraced: undefined }

/** The statements of a pane in which `who` works. */
export function useSession(store: Store, who: Who, history: History | undefined): Session {
  const [state, setState] = useState<State>(IDLE)
  const [db, setDb] = useState<Database>()
  const controller = useRef<AbortController>(undefined)

  useEffect(() => {
    let gone = false
    setDb(undefined)
    store.databaseOf(who).then(
      (found) => !gone && setDb(found),
      (error: unknown) => console.warn('the store does not know', who, error),
    )
    return () => {
      gone = true
      controller.current?.abort()
      setState(IDLE)
    }
  }, [store, who])

  const findTrace = useCallback(async (of: Database, sql: string, signal: AbortSignal) => {
    setState((old) => ({ ...old, trace: 'tracing', untraced: undefined }))
    // What cannot be explained is no mistake of whoever asked for it.
    const found = await trace(of, sql, signal).catch(() => undefined)
    if (!signal.aborted) {
      setState((old) => ({ ...old, trace: found }))
    }
  }, [])

  const runAll = useCallback(
    async (statements: readonly Statement[]) => {
      if (!db || statements.length === 0) {
        return []
      }
      controller.current?.abort()
      const mine = new AbortController()
      controller.current = mine
      setState({ ...IDLE, asked: statements.length, running: true })
      const outcomes: Outcome[] = []
      for (const { sql, from } of statements) {
        const outcome = await run(db, sql, mine.signal, from)
        if (controller.current !== mine) {
          return outcomes
        }
        outcomes.push(outcome)
        setState((old) => ({ ...old, outcomes: [...outcomes] }))
        void history?.add(outcome, who).catch((error: unknown) => console.warn('not kept in the history:', error))
        if (outcome.kind === 'failed' || outcome.kind === 'cancelled') {
          break
        }
      }
      setState((old) => ({ ...old, running: false }))
      store.changed()
      const last = outcomes.at(-1)
      if (last?.kind === 'rows' && canBeExplained(last.sql)) {
        if (last.ms <= TRACED_MS) {
          void findTrace(db, last.sql, mine.signal)
        } else {
          setState((old) => ({ ...old, untraced: last.sql }))
        }
      }
      return outcomes
    },
    [db, findTrace, history, store, who],
  )

  const cancel = useCallback(() => controller.current?.abort(), [])
  const traceAgain = useCallback(() => {
    const { current } = controller
    if (db && state.untraced !== undefined && current) {
      void findTrace(db, state.untraced, current.signal)
    }
  }, [db, findTrace, state.untraced])

  return useMemo(() => ({ ...state, db, run: runAll, cancel, traceAgain }), [state, db, runAll, cancel, traceAgain])
}
