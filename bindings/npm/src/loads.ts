/** What one client loads: each a COPY that is fed by its requests. */

import type { Copied, EngineCancel, EngineLoad } from './engine.js'
import { FirnDBError } from './errors.js'

interface Open {
  readonly load: EngineLoad
  readonly cancel: EngineCancel
  /** The transaction in which it was begun. */
  readonly session: number | undefined
}

/** The loads of one client. */
export class Loads {
  readonly #open = new Map<number, Open>()
  /** What takes loads back, also those that are over: it is freed here, once. */
  readonly #cancels = new WeakSet<EngineCancel>()

  /** How many are going on. */
  get size(): number {
    return this.#open.size
  }

  /** Keeps `load`, of which `cancel` is its own. */
  add(id: number, load: EngineLoad, cancel: EngineCancel, session: number | undefined): void {
    this.#cancels.add(cancel)
    this.#open.set(id, { load, cancel, session })
  }

  /** Gives a load more bytes, once it has room; rejects with its error when it has failed. */
  async feed(id: number, bytes: Uint8Array): Promise<null> {
    const { load } = this.#find(id)
    if (!(await load.feed(bytes))) {
      await this.finish(id)
    }
    return null
  }

  /** Ends a load: what it did. */
  async finish(id: number): Promise<Copied> {
    const { load } = this.#find(id)
    try {
      return await load.finish()
    } finally {
      this.#forget(id)
    }
  }

  /** Whether `cancel` is freed with a load, or was. */
  owns(cancel: EngineCancel): boolean {
    return this.#cancels.has(cancel)
  }

  /** Gives a load up, so that nothing of it goes in; one that is no more is no error. */
  release(id: number): void {
    this.#open.get(id)?.cancel.cancel()
    this.#forget(id)
  }

  /** Gives up what was begun in the transaction `session`. */
  releaseOf(session: number): void {
    for (const [id, load] of [...this.#open]) {
      if (load.session === session) {
        this.release(id)
      }
    }
  }

  releaseAll(): void {
    for (const id of [...this.#open.keys()]) {
      this.release(id)
    }
  }

  #find(id: number): Open {
    const open = this.#open.get(id)
    if (!open) {
      throw new FirnDBError('InvalidInput', 'the load was given up, or its transaction is over')
    }
    return open
  }

  #forget(id: number): void {
    const open = this.#open.get(id)
    if (open) {
      this.#open.delete(id)
      open.load.free()
      open.cancel.free()
    }
  }
}
