/** What a page shows of a live query: rows, an error, or that they are still to come. */

import type { FirnDBError } from './errors.js'
import type { Live } from './live.js'
import type { LiveOptions, Param, Row } from './types.js'

/** What there is of a live query. */
export interface QueryState<R = Row> {
  /** All of its rows as they are; none while `loading`. */
  readonly rows: readonly R[]
  /** What ended it; `rows` are the last then. */
  readonly error: FirnDBError | undefined
  /** Whether the first rows are still to come. */
  readonly loading: boolean
}

/** What has live queries: a database, or the same in the name of a user. */
export interface HasLive {
  readonly live: Live
}

/** Before there are rows. */
export const LOADING: QueryState<never> = Object.freeze({ rows: Object.freeze([]) as never, error: undefined, loading: true })

/** A live query that runs while somebody listens, as `useSyncExternalStore` takes it. */
export class QueryStore<R> {
  readonly #db: HasLive | null | undefined
  readonly #sql: string
  readonly #params: readonly Param[]
  readonly #options: Pick<LiveOptions, 'rowMode' | 'timestamps'>
  readonly #listeners = new Set<() => void>()
  #state: QueryState<R> = LOADING
  #stop: AbortController | undefined

  /** Without a database it is always loading. */
  constructor(
    db: HasLive | null | undefined,
    sql: string,
    params: readonly Param[],
    options: Pick<LiveOptions, 'rowMode' | 'timestamps'> = {},
  ) {
    this.#db = db
    this.#sql = sql
    this.#params = params
    this.#options = options
  }

  /** Has `changed` called after each change of {@link state}; gives what ends that. The first to come starts the query. */
  readonly subscribe = (changed: () => void): (() => void) => {
    this.#listeners.add(changed)
    if (!this.#stop) {
      this.#stop = new AbortController()
      void this.#run(this.#stop.signal)
    }
    return () => {
      this.#listeners.delete(changed)
      if (this.#listeners.size === 0) {
        this.#stop?.abort()
        this.#stop = undefined
      }
    }
  }

  /** The same object until something changes. */
  readonly state = (): QueryState<R> => this.#state

  async #run(signal: AbortSignal): Promise<void> {
    const show = (state: QueryState<R>) => {
      if (!signal.aborted) {
        this.#state = state
        for (const changed of [...this.#listeners]) {
          changed()
        }
      }
    }
    const showRows = (rows: readonly R[]) => show({ rows, error: undefined, loading: false })
    const showError = (error: unknown) =>
      show({ rows: this.#state.rows, error: error as FirnDBError, loading: false })
    try {
      if (this.#db) {
        const options: LiveOptions = { ...this.#options, signal, onError: showError }
        const { initialRows } = await this.#db.live.query<R>(this.#sql, this.#params, showRows, options)
        showRows(initialRows)
      }
    } catch (error) {
      showError(error)
    }
  }
}
