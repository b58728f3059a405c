/** What stays open until somebody ends it: live queries, and loops over changes. */

import { FirnDBError } from './errors.js'
import { type Begin, type Perform, pieces } from './pieces.js'
import { lossOf } from './requests.js'

/** How often one that stays outlives an engine that breaks down: it may be what broke it. */
const BREAKDOWNS = 3

/** A piece of a stream that stays. */
export interface Piece {
  readonly bytes: Uint8Array
  /** The stream was begun with it, for the first time or again. */
  readonly begins: boolean
}

/**
 * The pieces of the stream that `begin` begins, and begins again with the next leader wherever one goes. `begin` is asked
 * each time, since it may go on from what came.
 */
export async function* staying(perform: Perform, begin: () => Begin, signal: AbortSignal): AsyncGenerator<Piece> {
  for (let breakdowns = 0; ; ) {
    let begins = true
    try {
      for await (const bytes of pieces(perform, begin(), signal)) {
        yield { bytes, begins }
        begins = false
      }
      return
    } catch (error) {
      const loss = lossOf(error)
      breakdowns += loss === 'broken' ? 1 : 0
      if (loss === undefined || breakdowns > BREAKDOWNS) {
        throw error
      }
    }
  }
}

/** All that stays open on one database. */
export class Stays {
  readonly #open = new Set<Stay>()
  #closed = false

  /** One more, which `signal` ends too. Throws its reason, or `Unavailable` where the database is closed. */
  begin(signal: AbortSignal | undefined): Stay {
    signal?.throwIfAborted()
    if (this.#closed) {
      throw closed()
    }
    const stay: Stay = new Stay(signal, () => this.#open.delete(stay))
    this.#open.add(stay)
    return stay
  }

  /** Ends all of them, for good: closing waits for what was asked, and these wait for what may never come. */
  close(): void {
    this.#closed = true
    for (const stay of [...this.#open]) {
      stay.end(closed())
    }
  }
}

/** One that stays. */
export class Stay {
  readonly #controller = new AbortController()
  readonly #outer: AbortSignal | undefined
  readonly #forget: () => void
  readonly #aborted = () => this.#end(this.#outer?.reason)
  #ended = false

  constructor(outer: AbortSignal | undefined, forget: () => void) {
    this.#outer = outer
    this.#forget = forget
    outer?.addEventListener('abort', this.#aborted)
  }

  /** Aborted when it is over. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get isOver(): boolean {
    return this.#controller.signal.aborted
  }

  /** Whether it was ended as it may be, and not by its signal. */
  get hasEnded(): boolean {
    return this.#ended
  }

  /** Ends it; what is asked for is rejected with `reason`. */
  end(reason: unknown = new DOMException('it was ended', 'AbortError')): void {
    this.#ended ||= !this.isOver
    this.#end(reason)
  }

  #end(reason: unknown): void {
    this.#outer?.removeEventListener('abort', this.#aborted)
    this.#forget()
    this.#controller.abort(reason)
  }
}

function closed(): FirnDBError {
  return new FirnDBError('Unavailable', 'the database was closed')
}
