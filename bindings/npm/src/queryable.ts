/** What a database and a transaction have in common: running SQL. */

import { copyFromSql, copyToSql, nameOf, piecesOf } from './copy.js'
import type { Copied } from './engine.js'
import type { Answer, Operation } from './protocol.js'
import { withJson } from './params.js'
import { type Begin, newNumber, pieces } from './pieces.js'
import type { Answered, RequestOptions } from './requests.js'
import { toResult } from './rows.js'
import { statementOf } from './template.js'
import { FirnDBError } from './errors.js'
import type { CopyFromOptions, CopySource, CopyToOptions, Param, QueryOptions, Result, Row } from './types.js'

/** A statement to be run several times. */
export interface Statement {
  /** How many parameters it has. */
  readonly parameters: number
  /** Runs it with the values of its parameters. */
  query<R = Row>(params?: readonly Param[], options?: QueryOptions): Promise<Result<R>>
  /** Ends it: later queries are rejected. */
  close(): void
}

/** Runs SQL. */
export abstract class Queryable {
  /** Has one operation carried out by the engine. */
  protected abstract perform(operation: Operation, options?: RequestOptions): Promise<Answered>

  /** Runs one statement with the values of its parameters `$1`, `$2`, … */
  async query<R = Row>(sql: string, params: readonly Param[] = [], options: QueryOptions = {}): Promise<Result<R>> {
    const answer = await this.#answer(sql, params, options.signal)
    return toResult<R>(answer, options)
  }

  /** Runs the statement that a tagged template makes: the values in it become parameters. */
  sql<R = Row>(parts: TemplateStringsArray, ...params: Param[]): Promise<Result<R>> {
    return this.query<R>(statementOf(parts), params)
  }

  /**
   * Runs a script: statements separated by semicolons, without parameters. The first that fails ends it; those before
   * it have taken effect.
   */
  async exec(script: string, options: QueryOptions = {}): Promise<Result[]> {
    const { reply } = await this.perform({ op: 'exec', sql: script }, options)
    return (reply as Answer[]).map((answer) => toResult(answer, options))
  }

  /** Runs one statement and gives its rows as an Arrow IPC stream; the stream of a statement without rows is empty. */
  async queryArrow(sql: string, params: readonly Param[] = [], options: QueryOptions = {}): Promise<Uint8Array> {
    const answer = await this.#answer(sql, params, options.signal)
    return answer.kind === 'rows' ? answer.ipc : new Uint8Array()
  }

  /**
   * Runs one statement and gives its rows in batches, as they are asked for: of a large result only what is looked at
   * is in memory. All rows are of the moment at which the first were asked for. Leaving the loop gives up the rest.
   *
   * Rows that nobody asks for during five minutes may end with `Conflict`, since a flush waits no longer for them; with
   * `Unavailable` when the tab that has the engine goes.
   */
  stream<R = Row>(sql: string, params: readonly Param[] = [], options: QueryOptions = {}): AsyncGenerator<R[]> {
    const begin = { op: 'stream', each: true, sql, params: withJson(params) } as const
    return decoded<R>(this.#pieces(begin, options.signal), options)
  }

  /**
   * As {@link stream}, in pieces of one Arrow IPC stream: the columns, then rows, then the end. Arrow libraries read
   * such an iterable (`RecordBatchReader.from` of apache-arrow).
   */
  streamArrow(sql: string, params: readonly Param[] = [], options: QueryOptions = {}): AsyncGenerator<Uint8Array> {
    return this.#pieces({ op: 'stream', each: false, sql, params: withJson(params) }, options.signal)
  }

  /**
   * Loads rows into `table` (`name` or `namespace.name`) from CSV, JSON (an object a line, or an array of objects) or
   * Parquet: a `File`, a `Blob`, a stream, an iterable of bytes, or a string. All of them go in, or none. Of a large
   * source only a part is in memory at a time; but Parquet is gathered first, and in a browser's persistent storage the
   * rows are in memory until they are committed.
   *
   * Rejects with `InvalidInput` or `Constraint` at the first bad row, and the message says where it is; with the option
   * `onError: 'skip'` bad rows are left out and counted.
   */
  async copyFrom(table: string, source: CopySource, options: CopyFromOptions = {}): Promise<Copied> {
    const { signal } = options
    const load = newNumber()
    let term: number | undefined
    let over = false
    try {
      const name = nameOf(source, options)
      ;({ term } = await this.perform({ op: 'load', load, name, sql: copyFromSql(table, options) }, { signal }))
      for await (const bytes of piecesOf(source)) {
        await this.perform({ op: 'feed', load, bytes }, { signal, term })
      }
      const { reply } = await this.perform({ op: 'loaded', load }, { signal, term })
      over = true
      const { rows = 0, rejected = 0 } = reply as Record<string, number>
      return { rows, rejected }
    } finally {
      if (!over) {
        // Where this fails the engine is gone, or the transaction over, and the load with it.
        this.perform({ op: 'unload', load }, { term }).catch(() => undefined)
      }
    }
  }

  /**
   * The rows of a table (`name` or `namespace.name`), or of a query, which begins with SELECT, WITH or VALUES, as a
   * stream of CSV, JSON (an object a line) or Parquet. They are made as they are read, and are all of the moment at which
   * the first were; cancelling the stream gives up the rest.
   */
  copyTo(tableOrQuery: string, options: CopyToOptions): ReadableStream<Uint8Array> {
    const params = withJson(options.params ?? [])
    const pieces = this.#pieces({ op: 'copyTo', sql: copyToSql(tableOrQuery, options), params }, options.signal)
    const source: UnderlyingDefaultSource<Uint8Array> = {
      pull: async (controller) => {
        const { done, value } = await pieces.next()
        if (done) {
          controller.close()
        } else {
          controller.enqueue(value)
        }
      },
      cancel: async () => {
        await pieces.return(undefined)
      },
    }
    // Nothing is made before somebody reads.
    return new ReadableStream(source, { highWaterMark: 0 })
  }

  #pieces(begin: Begin, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    return pieces((operation, options) => this.perform(operation, options), begin, signal)
  }

  /** Reads a statement that is to be run several times; what is not SQL is rejected here already. */
  async prepare(sql: string): Promise<Statement> {
    const parameters = (await this.perform({ op: 'parameters', sql })).reply as number
    let closed = false
    return {
      parameters,
      query: async <R>(params: readonly Param[] = [], options: QueryOptions = {}) => {
        if (closed) {
          throw new FirnDBError('InvalidInput', 'the prepared statement was closed')
        }
        return this.query<R>(sql, params, options)
      },
      close: () => {
        closed = true
      },
    }
  }

  async #answer(sql: string, params: readonly Param[], signal: AbortSignal | undefined): Promise<Answer> {
    // What the caller has may change before it is sent.
    return (await this.perform({ op: 'query', sql, params: withJson(params) }, { signal })).reply as Answer
  }
}

async function* decoded<R>(streams: AsyncIterable<Uint8Array>, options: QueryOptions): AsyncGenerator<R[]> {
  for await (const ipc of streams) {
    yield toResult<R>({ kind: 'rows', ipc }, options).rows
  }
}
