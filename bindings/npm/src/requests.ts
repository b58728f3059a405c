/** The requests of one client: which wait, which are with a leader, and what becomes of them when it is gone. */

import type { Breakdown } from './breakdown.js'
import { FirnDBError, fromSent } from './errors.js'
import type { Link } from './link.js'
import { unsendable } from './params.js'
import type { ClientMessage, HostMessage, Operation, Reply } from './protocol.js'

/** A link to the leader, as a client sees it. */
export type HostLink = Link<ClientMessage, HostMessage>

/** What was answered, and in which term. */
export interface Answered {
  reply: Reply
  term: number
}

/** How a request is made. */
export interface RequestOptions {
  signal?: AbortSignal | undefined
  /** The request belongs to a transaction that was begun in this term, and makes no sense in another. */
  term?: number | undefined
  /** Called with each part of a long answer. */
  onPart?: ((part: Uint8Array) => void) | undefined
}

interface Entry {
  readonly id: number
  /** The term of the leader that has it. */
  sentIn?: number
  readonly operation: Operation
  readonly boundTo: number | undefined
  readonly onPart: ((part: Uint8Array) => void) | undefined
  resolve(answered: Answered): void
  reject(error: unknown): void
}

const ROLLED_BACK = 'the tab that had the engine is gone; the transaction was rolled back: run it again'
const ROWS_LOST = 'the tab that had the engine is gone, and with it the rows that were still to come: run the query again'
const LOAD_LOST = 'the tab that had the engine is gone, and nothing was loaded: load again'
const DUMP_LOST = 'the tab that had the engine is gone, and the archive is not whole: dump again'
const UNKNOWN =
  'the tab that had the engine went before it answered; whether the statement took effect is unknown: look it up'

/** How a leader went that had a request: it ended, or its engine broke down. */
export type Loss = 'gone' | 'broken'

const losses = new WeakMap<object, Loss>()

/** How the leader went, if `error` says that it did and nothing else. */
export function lossOf(error: unknown): Loss | undefined {
  return typeof error === 'object' && error !== null ? losses.get(error) : undefined
}

function lost(error: FirnDBError, loss: Loss): FirnDBError {
  losses.set(error, loss)
  return error
}

/** The requests of one client. */
export class Requests {
  #lastId = 0
  #term = 0
  #link: HostLink | undefined
  /** The leader is handing over: it takes what belongs to its transactions, and nothing else. */
  #leaving = false
  #ended: FirnDBError | undefined
  readonly #waiting: Entry[] = []
  readonly #flying = new Map<number, Entry>()
  readonly #idle: (() => void)[] = []

  /** The term of the last leader; 0 before the first. */
  get term(): number {
    return this.#term
  }

  /** Whether there is a leader. */
  get connected(): boolean {
    return this.#link !== undefined
  }

  /** Has `operation` carried out. Rejects with a {@link FirnDBError}, or with the signal's reason. */
  submit(operation: Operation, { signal, term, onPart }: RequestOptions = {}): Promise<Answered> {
    if (signal?.aborted) {
      return Promise.reject(signal.reason)
    }
    if (this.#ended) {
      return Promise.reject(this.#ended)
    }
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId
      const abort = () => this.#abort(id, signal?.reason)
      const forget = () => signal?.removeEventListener('abort', abort)
      const entry: Entry = {
        id,
        operation,
        boundTo: term,
        onPart,
        resolve: (answered) => (forget(), resolve(answered)),
        reject: (error) => (forget(), reject(error)),
      }
      signal?.addEventListener('abort', abort)
      this.#place(entry)
    })
  }

  /**
   * From here on the leader of `term` is asked, over `link`; what waits is sent. What an earlier leader has is still
   * its to answer, until {@link lose}.
   */
  connect(link: HostLink, term: number): void {
    this.#term = term
    this.#link = link
    this.#leaving = false
    for (const entry of this.#waiting.splice(0)) {
      this.#place(entry)
    }
    this.#settleIdle()
  }

  /** The leader of `term` is about to go: what is asked waits for the next. */
  hold(term: number): void {
    this.#leaving ||= term === this.#term
  }

  /** The leader of `term` is gone, if it was the last: what is asked waits for the next. */
  disconnect(term: number): void {
    if (term === this.#term) {
      this.#link = undefined
    }
  }

  /** Nothing more will come of the leader of `term`: what it has not answered is rejected, by `how` it broke down if it did. */
  lose(term: number, how?: Breakdown): void {
    this.disconnect(term)
    for (const entry of [...this.#flying.values()].filter(({ sentIn }) => sentIn === term)) {
      this.#flying.delete(entry.id)
      const { code, message } = how ?? { code: 'Unavailable', message: whatIsKnown(entry.operation, UNKNOWN) }
      entry.reject(lost(new FirnDBError(code, message), how ? 'broken' : 'gone'))
    }
    this.#settleIdle()
  }

  /** Takes a message of the leader. */
  receive(message: HostMessage): void {
    if (message.kind === 'leaving' && message.term === this.#term) {
      this.hold(message.term)
      this.#link?.post({ kind: 'left', term: message.term })
    }
    if (!('id' in message)) {
      return
    }
    const entry = this.#flying.get(message.id)
    if (!entry || entry.sentIn !== message.term) {
      return
    }
    if (message.kind === 'part') {
      entry.onPart?.(message.part)
      return
    }
    this.#flying.delete(message.id)
    if (message.kind === 'answer') {
      entry.resolve({ reply: message.reply, term: message.term })
    } else if (message.kind === 'error') {
      entry.reject(fromSent(message.error))
    } else if (entry.boundTo !== undefined) {
      entry.reject(lost(new FirnDBError('Unavailable', whatIsKnown(entry.operation, ROLLED_BACK)), 'gone'))
    } else {
      this.#place(entry)
    }
    this.#settleIdle()
  }

  /** Rejects everything, and whatever comes later, with `error`. */
  end(error: FirnDBError): void {
    this.#ended ??= error
    this.#link = undefined
    const all = [...this.#flying.values(), ...this.#waiting.splice(0)]
    this.#flying.clear()
    for (const entry of all) {
      entry.reject(this.#ended)
    }
    this.#settleIdle()
  }

  /** Resolves once nothing waits and nothing is with a leader. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve)
      this.#settleIdle()
    })
  }

  #place(entry: Entry): void {
    if (entry.boundTo !== undefined && (!this.#link || entry.boundTo !== this.#term)) {
      entry.reject(lost(new FirnDBError('Unavailable', whatIsKnown(entry.operation, ROLLED_BACK)), 'gone'))
      return
    }
    if (!this.#link || (this.#leaving && entry.boundTo === undefined)) {
      this.#waiting.push(entry)
      return
    }
    entry.sentIn = this.#term
    this.#flying.set(entry.id, entry)
    try {
      this.#link.post({ kind: 'request', term: this.#term, id: entry.id, operation: entry.operation })
    } catch (cause) {
      this.#flying.delete(entry.id)
      entry.reject(unsendable('params' in entry.operation ? entry.operation.params : [], cause))
    }
  }

  #abort(id: number, reason: unknown): void {
    const at = this.#waiting.findIndex((entry) => entry.id === id)
    if (at >= 0) {
      this.#waiting.splice(at, 1)[0]?.reject(reason)
    } else if (this.#flying.has(id)) {
      this.#flying.get(id)?.reject(reason)
      this.#flying.delete(id)
      this.#link?.post({ kind: 'cancel', term: this.#term, id })
    }
    this.#settleIdle()
  }

  #settleIdle(): void {
    if (this.#waiting.length === 0 && this.#flying.size === 0) {
      for (const resolve of this.#idle.splice(0)) {
        resolve()
      }
    }
  }
}

/** A transaction that was not being committed is known to be rolled back. */
function whatIsKnown(operation: Operation, otherwise: string): string {
  if (operation.op === 'next' || operation.op === 'release') {
    return ROWS_LOST
  }
  if (operation.op === 'load' || operation.op === 'feed' || operation.op === 'unload') {
    return LOAD_LOST
  }
  if (operation.op === 'dump') {
    return DUMP_LOST
  }
  const open = 'session' in operation && operation.session !== undefined
  return open && !(operation.op === 'end' && operation.commit) ? ROLLED_BACK : otherwise
}
