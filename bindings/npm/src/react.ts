/** The package in React: rows that stay as they are in the store. */

import { useMemo, useState, useSyncExternalStore } from 'react'
import { type HasLive, LOADING, type QueryState, QueryStore } from './query-state.js'
import { same } from './same.js'
import type { LiveOptions, Param, Row } from './types.js'

export type { HasLive, QueryState } from './query-state.js'

const NO_PARAMS: readonly Param[] = []
const NO_OPTIONS: UseLiveQueryOptions = {}

/** How rows are given. */
export type UseLiveQueryOptions = Pick<LiveOptions, 'rowMode' | 'timestamps'>

/**
 * The rows of a query, and again whenever they are others, whichever tab the change came from. The query runs while the
 * component is mounted, and begins anew, with `loading`, when `db`, `sql` or what is in `params` is another; a `db` that
 * is not there yet is `undefined`. Of `db.as(user)` keep the object: each call makes another.
 */
export function useLiveQuery<R = Row>(
  db: HasLive | null | undefined,
  sql: string,
  params: readonly Param[] = NO_PARAMS,
  options: UseLiveQueryOptions = NO_OPTIONS,
): QueryState<R> {
  // A component makes its arrays anew each time it renders: what is in them counts.
  const values = useLasting(params)
  const { rowMode, timestamps } = options
  const store = useMemo(
    () =>
      new QueryStore<R>(db, sql, values, {
        ...(rowMode === undefined ? {} : { rowMode }),
        ...(timestamps === undefined ? {} : { timestamps }),
      }),
    [db, sql, values, rowMode, timestamps],
  )
  return useSyncExternalStore(store.subscribe, store.state, loading)
}

/** On a server there are no rows. */
const loading = () => LOADING

/** `value`, or the one of before if that is the same. */
function useLasting<T>(value: T): T {
  const [lasting, setLasting] = useState(value)
  if (same(lasting, value)) {
    return lasting
  }
  // While rendering: React begins again with it, before it looks at what this render gives.
  setLasting(value)
  return value
}
