/** Queries that stay, and call back whenever their rows are others. */

import { FirnDBError } from './errors.js'
import { withJson } from './params.js'
import type { Perform } from './pieces.js'
import { toResult } from './rows.js'
import { same } from './same.js'
import { type Piece, type Stay, type Stays, staying } from './stays.js'
import type { LiveOptions, Param, Row } from './types.js'

/** A live query. */
export interface LiveQuery<R = Row> {
  /** Its rows at the beginning. */
  readonly initialRows: R[]
  /** Ends it: its callback is not called any more, from this moment on. */
  unsubscribe(): void
}

/** Live queries, as `db.live`. */
export class Live {
  readonly #perform: Perform
  readonly #stays: Stays

  /** @internal */
  constructor(perform: Perform, stays: Stays) {
    this.#perform = perform
    this.#stays = stays
  }

  /**
   * Runs a query and stays with it: `callback` is called with all of its rows whenever they are others than before,
   * whichever tab, or `db` of this one, the change came from. What they were between two calls is passed over.
   *
   * It is not called for the initial rows, nor while it is still at work: a promise that it gives is waited for. What it
   * throws is written to the console, and the live query goes on. When the tab that has the engine goes the query is
   * run again by the next, and the callback called if the rows are others.
   */
  async query<R = Row>(
    sql: string,
    params: readonly Param[] = [],
    callback?: (rows: R[]) => void | Promise<void>,
    options: LiveOptions = {},
  ): Promise<LiveQuery<R>> {
    const stay = this.#stays.begin(options.signal)
    // What the caller has may change before it is sent, once or again.
    const begin = { op: 'live', sql, params: withJson(params) } as const
    const pieces = staying(this.#perform, () => begin, stay.signal)
    const end = () => {
      stay.end()
      // Where nothing is waited for the signal wakes nobody.
      void pieces.return(undefined).catch(() => undefined)
    }
    try {
      const first = await pieces.next()
      if (first.done) {
        throw new FirnDBError('Internal', 'the engine answered a live query with nothing')
      }
      const { bytes } = first.value
      const initialRows = rowsOf<R>(bytes, options)
      const show = async (shown: Uint8Array) => callback?.(rowsOf<R>(shown, options))
      void follow(pieces, bytes, stay, show, options).finally(end)
      return { initialRows, unsubscribe: end }
    } catch (error) {
      end()
      throw error
    }
  }
}

/** Has `show` called with what comes after `shown`. Never rejects. */
async function follow(
  pieces: AsyncIterable<Piece>,
  shown: Uint8Array,
  stay: Stay,
  show: (rows: Uint8Array) => Promise<void>,
  { onError }: LiveOptions,
): Promise<void> {
  let last = shown
  try {
    for await (const { bytes, begins } of pieces) {
      if (stay.isOver) {
        return
      }
      // Another leader does not know what the one before has told.
      if (begins && sameRows(last, bytes)) {
        continue
      }
      last = bytes
      await show(bytes).catch((error: unknown) => console.error('firndb: the callback of a live query failed', error))
    }
  } catch (error) {
    if (!stay.isOver) {
      report(error, onError)
    }
  }
}

function report(error: unknown, onError: LiveOptions['onError']): void {
  if (!onError) {
    console.error('firndb: a live query ended', error)
    return
  }
  try {
    onError(error)
  } catch (thrown) {
    console.error('firndb: the callback onError of a live query failed', thrown)
  }
}

function rowsOf<R>(ipc: Uint8Array, options: LiveOptions): R[] {
  return toResult<R>({ kind: 'rows', ipc }, options).rows
}

/** Whether two Arrow IPC streams have the same rows: the same values can be written in several ways. */
function sameRows(a: Uint8Array, b: Uint8Array): boolean {
  const values = (ipc: Uint8Array) => toResult({ kind: 'rows', ipc }, { rowMode: 'array', timestamps: 'micros' })
  return same(a, b) || same(values(a), values(b))
}
