/** What a database and a transaction have in common: running SQL. */

import type { Answer, Operation, Reply } from './protocol.js'
import { withJson } from './params.js'
import { toResult } from './rows.js'
import { statementOf } from './template.js'
import { FirnDBError } from './errors.js'
import type { Param, QueryOptions, Result, Row } from './types.js'

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
  protected abstract perform(operation: Operation, signal?: AbortSignal): Promise<Reply>

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
    const answers = (await this.perform({ op: 'exec', sql: script }, options.signal)) as Answer[]
    return answers.map((answer) => toResult(answer, options))
  }

  /** Runs one statement and gives its rows as an Arrow IPC stream; the stream of a statement without rows is empty. */
  async queryArrow(sql: string, params: readonly Param[] = [], options: QueryOptions = {}): Promise<Uint8Array> {
    const answer = await this.#answer(sql, params, options.signal)
    return answer.kind === 'rows' ? answer.ipc : new Uint8Array()
  }

  /** Reads a statement that is to be run several times; what is not SQL is rejected here already. */
  async prepare(sql: string): Promise<Statement> {
    const parameters = (await this.perform({ op: 'parameters', sql })) as number
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
    return (await this.perform({ op: 'query', sql, params: withJson(params) }, signal)) as Answer
  }
}
