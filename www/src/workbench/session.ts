/** What runs in one pane: statements one after another, by whoever the pane is. */

import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { FirnDBError } from 'firndb'
import type { History } from '../editor/history.js'
import { asFirnDBError, type Database, failed, type Outcome, type Queryable, run } from '../engine/run.js'
import { canBeExplained, type Statement } from '../engine/statements.js'
import type { Store, Who } from '../engine/store.js'
import { type Trace, trace } from '../engine/trace.js'
import { PaneTransaction, verbOf } from './transaction.js'

/** A query that took no longer is run once more by itself, to see what it read. */
const TRACED_MS = 1_000

interface State {
  /** What came of the statements of the last run, as far as it is. */
  readonly outcomes: readonly Outcome[]
  /** How many statements the last run has. */
  readonly asked: number
  readonly running: boolean
  /** How many runs have come to their end. */
  readonly finished: number
  /** Whether a transaction was begun and has not ended. */
  readonly inTransaction: boolean
  /** What the last query read, once that is known; `'tracing'` while it is found out. */
  readonly trace: Trace | 'tracing' | undefined
  /** The last query, where what it read is not known, because it took long. */
  readonly untraced: string | undefined
  /** Why that could not be found out, where it was tried. */
  readonly traceFailure: FirnDBError | undefined
}

/** A connection, and the transaction of whoever it is of. */
interface Connected {
  readonly db: Database
  readonly transaction: PaneTransaction
}

/** A pane's statements. */
export interface Session extends State {
  readonly db: Database | undefined
  /** What a statement of the pane would run in: its transaction, if there is one. */
  within(): Promise<Queryable>
  /** Why there is no `db` for whoever the pane is. */
  readonly problem: FirnDBError | undefined
  run(statements: readonly Statement[]): Promise<readonly Outcome[]>
  traceAgain(): void
  /** Gives up what runs, and finding out what it read. */
  cancel(): void
}

const IDLE: State = {
  outcomes: [],
  asked: 0,
  running: false,
  finished: 0,
  inTransaction: false,
  trace: undefined,
  untraced: undefined,
  traceFailure: undefined,
}

/** The statements of the pane called `pane`, in which `who` works; while it is not shown it has no connection. */
export function useSession(store: Store, who: Who, history: History, pane: string, shown: boolean): Session {
  const [state, setState] = useState<State>(IDLE)
  const [connected, setConnected] = useState<Connected>()
  const [problem, setProblem] = useState<FirnDBError>()
  /** Of the run that is the pane's: what another still says is not heard. */
  const controller = useRef<AbortController>(undefined)

  useEffect(() => {
    let gone = false
    // Of its own: what another user begins late is not to be found by this one.
    const transaction = new PaneTransaction()
    setConnected(undefined)
    setProblem(undefined)
    if (!shown) {
      return
    }
    store.databaseOf(who, pane).then(
      (db) => !gone && setConnected({ db, transaction }),
      (error: unknown) => !gone && setProblem(asFirnDBError(error)),
    )
    return () => {
      gone = true
      controller.current?.abort()
      controller.current = undefined
      void transaction.abandon()
      setState(IDLE)
    }
  }, [store, who, pane, shown])

  /** What is changed by the run of `mine`, unless another has begun. */
  const update = useCallback((mine: AbortController, change: (old: State) => State) => {
    if (controller.current === mine) {
      setState(change)
    }
  }, [])

  const findTrace = useCallback(
    async (of: Database, sql: string) => {
      const mine = new AbortController()
      controller.current = mine
      setState((old) => ({ ...old, trace: 'tracing', untraced: undefined, traceFailure: undefined }))
      try {
        const found = await trace(of, sql, mine.signal)
        update(mine, (old) => ({ ...old, trace: found }))
      } catch (error) {
        const traceFailure = mine.signal.aborted ? undefined : asFirnDBError(error)
        update(mine, (old) => ({ ...old, trace: undefined, untraced: sql, traceFailure }))
      }
    },
    [update],
  )

  const runAll = useCallback(
    async (statements: readonly Statement[]) => {
      if (!connected || statements.length === 0) {
        return []
      }
      const { db, transaction } = connected
      store.asked()
      controller.current?.abort()
      const mine = new AbortController()
      controller.current = mine
      setState(({ finished, inTransaction }) => ({
        ...IDLE,
        asked: statements.length,
        running: true,
        finished,
        inTransaction,
      }))
      const outcomes: Outcome[] = []
      const kept: Promise<unknown>[] = []
      for (const { sql, from } of statements) {
        const outcome = await runOne(db, transaction, sql, mine.signal, from)
        outcomes.push(outcome)
        // Also what nobody waits for any more: it may have taken effect.
        kept.push(keep(history, outcome, who))
        update(mine, (old) => ({ ...old, outcomes: [...outcomes], inTransaction: transaction.isOpen }))
        if (outcome.kind === 'failed' || outcome.kind === 'cancelled' || controller.current !== mine) {
          break
        }
      }
      update(mine, (old) => ({ ...old, running: false, finished: old.finished + 1 }))
      await Promise.all(kept)
      store.changed()
      const last = outcomes.at(-1)
      // In a transaction another look would see what others do not.
      if (controller.current === mine && last?.kind === 'rows' && canBeExplained(last.sql) && !transaction.isOpen) {
        // For somebody else each look is in the audit log: it would tell of what nobody asked for.
        if (last.ms <= TRACED_MS && who.as === undefined) {
          void findTrace(db, last.sql)
        } else {
          update(mine, (old) => ({ ...old, untraced: last.sql }))
        }
      }
      return outcomes
    },
    [connected, findTrace, history, store, update, who],
  )

  const cancel = useCallback(() => controller.current?.abort(), [])
  const traceAgain = useCallback(() => {
    if (connected && state.untraced !== undefined) {
      void findTrace(connected.db, state.untraced)
    }
  }, [connected, findTrace, state.untraced])
  const within = useCallback(async () => {
    if (!connected) {
      throw new FirnDBError('Unavailable', 'the pane has no connection')
    }
    return connected.transaction.within(connected.db)
  }, [connected])

  return useMemo(
    () => ({ ...state, db: connected?.db, problem, within, run: runAll, cancel, traceAgain }),
    [state, connected, problem, within, runAll, cancel, traceAgain],
  )
}

/** What comes of one statement, which may begin or end the transaction of the pane. */
async function runOne(
  db: Database,
  transaction: PaneTransaction,
  sql: string,
  signal: AbortSignal,
  offset: number,
): Promise<Outcome> {
  const verb = verbOf(sql)
  if (verb === undefined) {
    return run(await transaction.within(db), sql, signal, offset)
  }
  const begin = performance.now()
  try {
    await transaction.carryOut(verb, db)
    return { kind: 'affected', sql, ms: performance.now() - begin, affected: 0 }
  } catch (error) {
    return failed(sql, performance.now() - begin, error, offset)
  }
}

async function keep(history: History, outcome: Outcome, who: Who): Promise<void> {
  try {
    await history.add(outcome, who)
  } catch (error) {
    console.warn('not kept in the history:', error)
  }
}
