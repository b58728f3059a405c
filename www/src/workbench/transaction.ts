/** The transaction of a pane: begun, continued and ended by statements, as at a terminal. */

import { FirnDBError, type Transaction } from 'firndb'
import type { Database, Queryable } from '../engine/run.js'

/** What a statement says of transactions. */
export type Verb = 'begin' | 'commit' | 'rollback'

/** What `sql` says of transactions, if anything; ROLLBACK TO goes on with the same one. */
export function verbOf(sql: string): Verb | undefined {
  const text = sql.replace(/^(\s|--[^\n]*(\n|$)|\/\*[^]*?\*\/)+/, '').trim()
  if (/^(BEGIN|START\s+TRANSACTION)\b/i.test(text)) {
    return 'begin'
  }
  if (/^(COMMIT|END)\b/i.test(text)) {
    return 'commit'
  }
  return /^(ROLLBACK|ABORT)\b(?!\s+(TRANSACTION\s+|WORK\s+)?TO\b)/i.test(text) ? 'rollback' : undefined
}

/** What rolls a transaction back that somebody wants rolled back. */
const ROLLED_BACK = Symbol('rolled back')

interface Open {
  readonly tx: Transaction
  /** Ends it, and resolves or rejects with what comes of that. */
  end(how: 'commit' | 'rollback'): Promise<void>
}

/** The transaction of one user in a pane, if there is one. */
export class PaneTransaction {
  /** What is open, or is being begun: whatever is asked meanwhile belongs into it. */
  #begun: Promise<Open> | undefined

  get isOpen(): boolean {
    return this.#begun !== undefined
  }

  /** What a statement runs in that `db` is asked for. */
  async within(db: Database): Promise<Queryable> {
    return (await openOf(this.#begun))?.tx ?? db
  }

  /** Does what `verb` says. Rejects as the statement would. */
  async carryOut(verb: Verb, db: Database): Promise<void> {
    if (verb === 'begin') {
      await this.#begin(db)
      return
    }
    const open = await openOf(this.#taken())
    if (!open) {
      throw new FirnDBError('InvalidInput', 'there is no transaction: BEGIN begins one')
    }
    await open.end(verb)
  }

  /** Rolls back what is open, and what is being begun as soon as it is. */
  async abandon(): Promise<void> {
    const open = await openOf(this.#taken())
    // Whoever leaves does not ask whether it could be rolled back: it is, with the connection at the latest.
    await open?.end('rollback').catch(() => undefined)
  }

  async #begin(db: Database): Promise<void> {
    if (this.#begun) {
      throw new FirnDBError('InvalidInput', 'there is a transaction already: COMMIT or ROLLBACK comes first')
    }
    const mine = begun(db)
    this.#begun = mine
    try {
      await mine
    } catch (error) {
      if (this.#begun === mine) {
        this.#begun = undefined
      }
      throw error
    }
  }

  /** What is begun, which is then no longer the pane's: of two that end it, one does. */
  #taken(): Promise<Open> | undefined {
    const mine = this.#begun
    this.#begun = undefined
    return mine
  }
}

/** `undefined` for a transaction that could not be begun, which whoever began it hears of. */
function openOf(begun: Promise<Open> | undefined): Promise<Open | undefined> {
  return begun?.catch(() => undefined) ?? Promise.resolve(undefined)
}

/** A transaction of `db` that goes on after this has resolved. */
function begun(db: Database): Promise<Open> {
  return new Promise((resolve, reject) => {
    const { promise: decided, resolve: decide } = promiseOf<'commit' | 'rollback'>()
    const over = db
      .transaction(async (tx) => {
        resolve({
          tx,
          end(how) {
            decide(how)
            return over
          },
        })
        if ((await decided) === 'rollback') {
          throw ROLLED_BACK
        }
      })
      .catch((error: unknown) => {
        if (error !== ROLLED_BACK) {
          throw error
        }
      })
    // Where it could not be begun; later whoever ends it hears of what fails.
    over.catch(reject)
  })
}

function promiseOf<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve: (value) => resolve(value) }
}
