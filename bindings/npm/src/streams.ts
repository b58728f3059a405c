/** The rows of one client that are asked for piece by piece. */

import type { EngineCancel, EngineRows } from './engine.js'
import { FirnDBError } from './errors.js'

interface Stream {
  readonly rows: EngineRows
  readonly cancel: EngineCancel
  /** The transaction in which it was begun. */
  readonly session: number | undefined
  /** It has no end: whoever asked for it begins it again with the next leader. */
  readonly stays: boolean
  tail: Promise<unknown>
}

/** The streams of one client. */
export class Streams {
  readonly #open = new Map<number, Stream>()
  /** What takes streams back, open or released: it is freed here, once. */
  readonly #cancels = new WeakSet<EngineCancel>()
  /** Streams that were given up because the leader leaves. */
  readonly #moved = new Set<number>()

  /** Keeps `rows`, of which `cancel` is their own. */
  add(
    id: number,
    rows: EngineRows,
    cancel: EngineCancel,
    { session, stays }: { session?: number | undefined; stays: boolean },
  ): void {
    this.#cancels.add(cancel)
    this.#open.set(id, { rows, cancel, session, stays, tail: Promise.resolve() })
  }

  /** The next piece; `null` after the last, and from then on the stream is no more. */
  next(id: number): Promise<Uint8Array | null> {
    const stream = this.#open.get(id)
    if (!stream) {
      throw new FirnDBError('InvalidInput', 'the rows were given up, or their transaction is over')
    }
    const next = stream.tail.then(async () => {
      let piece: Uint8Array | null = null
      try {
        piece = this.has(id) ? await stream.rows.next() : null
      } finally {
        if (piece === null) {
          this.release(id)
        }
      }
      return piece
    })
    stream.tail = next.catch(() => undefined)
    return next
  }

  has(id: number): boolean {
    return this.#open.has(id)
  }

  /** Whether a stream was given up by {@link move}. */
  hasMoved(id: number): boolean {
    return this.#moved.has(id)
  }

  /** Whether `cancel` is freed with a stream, or was. */
  owns(cancel: EngineCancel): boolean {
    return this.#cancels.has(cancel)
  }

  /** Gives a stream up; one that is no more is no error. What is being made is taken back. */
  release(id: number): void {
    const stream = this.#open.get(id)
    if (stream) {
      this.#open.delete(id)
      stream.cancel.cancel()
      stream.rows.free()
      stream.cancel.free()
    }
  }

  /** Gives up what was begun in the transaction `session`. */
  releaseOf(session: number): void {
    for (const [id, stream] of [...this.#open]) {
      if (stream.session === session) {
        this.release(id)
      }
    }
  }

  /** Gives up what would never end: the next leader is to be asked for it. */
  move(): void {
    for (const [id, { stays }] of [...this.#open]) {
      if (stays) {
        this.#moved.add(id)
        this.release(id)
      }
    }
  }

  releaseAll(): void {
    for (const id of [...this.#open.keys()]) {
      this.release(id)
    }
  }
}
