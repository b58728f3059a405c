/** An open database, whatever lies between it and the engine. */

import { ArchiveParts } from './archive.js'
import { FirnDBError } from './errors.js'
import type { Answer, Operation } from './protocol.js'
import { Queryable } from './queryable.js'
import type { Answered, RequestOptions } from './requests.js'
import { quotedName } from './template.js'
import type { StorageReport } from './types.js'

/** The way to the engine. */
export interface Backend {
  submit(operation: Operation, options?: RequestOptions): Promise<Answered>
  storage(): Promise<StorageReport>
  close(): Promise<void>
}

/** What a session of the engine does, that of a transaction or one of its own. */
const IN_A_SESSION: ReadonlySet<Operation['op']> = new Set(['query', 'exec', 'stream', 'copyTo', 'load'])

/** A transaction: what it reads is as of its beginning, and nothing of it is seen by others before it ends. */
export class Transaction extends Queryable {
  readonly #backend: Backend
  readonly #session: number
  readonly #term: number
  #over = false

  /** @internal */
  constructor(backend: Backend, session: number, term: number) {
    super()
    this.#backend = backend
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
    return this.#backend.submit(bound, { signal: options.signal, term: this.#term })
  }

  /** @internal Commits or rolls back. */
  async end(commit: boolean): Promise<void> {
    this.#over = true
    await this.#backend.submit({ op: 'end', session: this.#session, commit }, { term: this.#term })
  }
}

/** An open database. */
export class Database extends Queryable {
  readonly #backend: Backend
  #sessions = 0
  /** The statement that chose the namespace in which names are looked up. */
  #use: string | undefined

  /** @internal */
  constructor(backend: Backend) {
    super()
    this.#backend = backend
  }

  protected override async perform(operation: Operation, options: RequestOptions = {}): Promise<Answered> {
    const { signal, term, onPart } = options
    const answered = await this.#backend.submit(this.#inNamespace(operation), { signal, term, onPart })
    const reply = answered.reply as Answer
    if (operation.op === 'query' && reply.kind === 'done' && reply.verb === 'USE') {
      this.#use = operation.sql
    }
    return answered
  }

  /**
   * Runs `work` in a transaction, and commits when it resolves. When it rejects the transaction is rolled back, and
   * so are the statements that it made; the promise is rejected with the same error.
   *
   * A `Conflict` says that another transaction was first: nothing was applied, and running it again may succeed.
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const session = ++this.#sessions
    const begun = await this.#backend.submit(this.#inNamespace({ op: 'begin', session }))
    const transaction = new Transaction(this.#backend, session, begun.term)
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

  /** Writes the rows of `table` (`name` or `namespace.name`), or of all tables, to Parquet files. */
  async flush(table?: string): Promise<void> {
    await this.query(table === undefined ? 'STORAGE FLUSH ALL' : `STORAGE FLUSH TABLE ${quotedName(table)}`)
  }

  /** What the engine did since it was opened, by whichever tab. */
  async stats(): Promise<Record<string, number>> {
    return (await this.perform({ op: 'stats' })).reply as Record<string, number>
  }

  /**
   * The whole store as one archive, a tar file, as it is at one moment. `FirnDB.load` makes a store of it here or
   * elsewhere, as does the program `firndb load`. Others write on meanwhile.
   */
  async dump(): Promise<Blob> {
    const archive = new ArchiveParts()
    await this.perform({ op: 'dump' }, { onPart: (part) => archive.add(part) })
    return archive.whole()
  }

  /** Where the data lie, whether the browser keeps them, and how much room there is. */
  storage(): Promise<StorageReport> {
    return this.#backend.storage()
  }

  /** Waits for what was asked for, then lets go of the store. */
  close(): Promise<void> {
    return this.#backend.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #inNamespace<O extends Operation>(operation: O): O {
    const { op } = operation
    const plain = IN_A_SESSION.has(op) || op === 'begin'
    return plain && this.#use !== undefined ? { ...operation, use: this.#use } : operation
  }
}
