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

/** The transaction of a pane, if there is one. */
export class PaneTransaction {
  #open: Open | undefined

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** What a statement runs in that `db` is asked for. */
  within(db: Database): Queryable {
    return this.#open?.tx ?? db
  }

  /** Does what `verb` says. Rejects as the statement would. */
  async carryOut(verb: Verb, db: Database): Promise<void> {
    if (verb === 'begin') {
      if (this.#open) {
        throw new FirnDBError('InvalidInput', 'there is a transaction already: COMMIT or ROLLBACK comes first')
      }
      this.#open = await begun(db)
      return
    }
    const open = this.#open
    if (!open) {
      throw new FirnDBError('InvalidInput', 'there is no transaction: BEGIN begins one')
    }
    this.#open = undefined
    await open.end(verb)
  }

  /** Rolls back what is open. */
  async abandon(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    // Whoever leaves does not ask whether it could be rolled back: it is, with the connection at the latest.
    await open?.end('rollback').catch(() => undefined)
  }
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
