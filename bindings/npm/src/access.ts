/** What may be asked of a database in one name: that of whoever opened it, or another's. */

import { Changes } from './changes.js'
import { FirnDBError } from './errors.js'
import { Live } from './live.js'
import type { Answer, Operation, Speaker } from './protocol.js'
import { Queryable } from './queryable.js'
import type { Answered, RequestOptions } from './requests.js'
import type { Stays } from './stays.js'
import type { ChangesOptions, Row } from './types.js'

/** The way to the engine, for all who share a connection. */
export interface Shared {
  submit(operation: Operation, options?: RequestOptions): Promise<Answered>
  /** A number that no transaction has. */
  newSession(): number
  readonly stays: Stays
}

/** What a session of the engine does, that of a transaction or one of its own. */
const IN_A_SESSION: ReadonlySet<Operation['op']> = new Set(['query', 'exec', 'stream', 'copyTo', 'load'])

/** What else a session is begun for. */
const BEGINS_A_SESSION: ReadonlySet<Operation['op']> = new Set(['begin', 'live', 'changes'])

/** A transaction: what it reads is as of its beginning, and nothing of it is seen by others before it ends. */
export class Transaction extends Queryable {
  readonly #shared: Shared
  readonly #session: number
  readonly #term: number
  #over = false

  /** @internal */
  constructor(shared: Shared, session: number, term: number) {
    super()
    this.#shared = shared
    this.#session = session
    this.#term = term
  }

  protected override async perform(operation: Operation, options: RequestOptions = {}): Promise<Answered> {
    if (this.#over) {
      throw new FirnDBError('InvalidInput', 'the transaction is over')
    }
    const { op } = operation
    const within = IN_A_SESSION.has(op)
    const bound = within ? ({ ...operation, session: this.#session } as Operation) : operation
    return this.#shared.submit(bound, { signal: options.signal, term: this.#term })
  }

  /** @internal Commits or rolls back. */
  async end(commit: boolean): Promise<void> {
    this.#over = true
    await this.#shared.submit({ op: 'end', session: this.#session, commit }, { term: this.#term })
  }
}

/** Everything that is done in one name. */
export abstract class Access extends Queryable {
  readonly #shared: Shared
  readonly #speaker: () => Speaker
  /** The statement that chose the namespace in which names are looked up. */
  #use: string | undefined
  /** Queries that stay, and call back whenever their rows are others. */
  readonly live: Live

  /** @internal */
  constructor(shared: Shared, speaker: () => Speaker) {
    super()
    this.#shared = shared
    this.#speaker = speaker
    this.live = new Live((operation, options) => this.perform(operation, options), shared.stays)
  }

  protected override async perform(operation: Operation, options: RequestOptions = {}): Promise<Answered> {
    const { signal, term, onPart } = options
    const answered = await this.#shared.submit(this.#spoken(operation), { signal, term, onPart })
    const reply = answered.reply as Answer
    if (operation.op === 'query' && reply.kind === 'done' && reply.verb === 'USE') {
      this.#use = operation.sql
    }
    return answered
  }

  /** @internal Who speaks here. */
  get speaker(): Speaker {
    return { ...this.#speaker(), ...(this.#use === undefined ? {} : { use: this.#use }) }
  }

  /**
   * Runs `work` in a transaction, and commits when it resolves. When it rejects the transaction is rolled back, and
   * so are the statements that it made; the promise is rejected with the same error.
   *
   * A `Conflict` says that another transaction was first: nothing was applied, and running it again may succeed.
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const session = this.#shared.newSession()
    const begun = await this.#shared.submit(this.#spoken({ op: 'begin', session }))
    const transaction = new Transaction(this.#shared, session, begun.term)
    let value: T
    try {
      value = await work(transaction)
    } catch (error) {
      // Where rolling back fails the engine is gone, and the transaction with it.
      await transaction.end(false).catch(() => undefined)
      throw error
    }
    await transaction.end(true)
    return value
  }

  /**
   * The changes of `table` (`name` or `namespace.name`) one by one: those after `since` first, then each as it comes,
   * whichever tab it came from. Of a row that changed again before it was told only the latest version is there. When the
   * tab that has the engine goes, the next goes on after the last change: none is missing, and none comes twice.
   *
   * The loop ends with `break`, with the signal's reason, or when the database is closed. It is rejected with
   * `InvalidInput` where deletions after `since` are not known any more: read the whole table, and go on from its highest
   * `_seq`; with `Conflict` when the table's columns are others.
   */
  changes<R = Row>(table: string, options: ChangesOptions = {}): Changes<R> {
    return new Changes<R>((operation, how) => this.perform(operation, how), this.#shared.stays, table, options)
  }

  #spoken<O extends Operation>(operation: O): O {
    const { op } = operation
    return IN_A_SESSION.has(op) || BEGINS_A_SESSION.has(op) ? { ...operation, ...this.speaker } : operation
  }
}
