/** What stands in for a browser's locks and for the engine, where a test needs neither. */

import type { Engine, EngineCancel, EngineDatabase, EngineSession } from '../src/engine.js'
import type { Locks } from '../src/locks.js'
import type { Answer } from '../src/protocol.js'

interface Held {
  name: string
  shared: boolean
  owner: object
  release(): void
}

interface Queued {
  name: string
  shared: boolean
  grant(): void
}

/** Locks that several contexts share, as the tabs of an origin do. */
export class LockRegistry {
  #held: Held[] = []
  #queue: Queued[] = []

  /** The locks of one context, and the end of that context. */
  context(): { locks: Locks; die(): void } {
    const owner = {}
    const locks: Locks = {
      request: (name, options, callback) =>
        new Promise((resolve, reject) => {
          const shared = options.mode === 'shared'
          const entry: Queued = {
            name,
            shared,
            grant: () => {
              const release = () => {
                this.#held = this.#held.filter((other) => other !== held)
                this.#admit()
              }
              const held: Held = { name, shared, owner, release }
              this.#held.push(held)
              void callback()
                .then(resolve, reject)
                .finally(release)
            },
          }
          if (options.signal?.aborted) {
            reject(options.signal.reason)
            return
          }
          options.signal?.addEventListener('abort', () => {
            if (this.#queue.includes(entry)) {
              this.#queue = this.#queue.filter((other) => other !== entry)
              reject(options.signal?.reason)
              this.#admit()
            }
          })
          this.#queue.push(entry)
          queueMicrotask(() => this.#admit())
        }),
    }
    return {
      locks,
      die: () => {
        for (const held of this.#held.filter((other) => other.owner === owner)) {
          held.release()
        }
      },
    }
  }

  #admit(): void {
    for (const entry of [...this.#queue]) {
      const before = this.#queue.slice(0, this.#queue.indexOf(entry)).filter(({ name }) => name === entry.name)
      const holders = this.#held.filter(({ name }) => name === entry.name)
      const all = [...holders, ...before]
      if (entry.shared ? all.every(({ shared }) => shared) : all.length === 0) {
        this.#queue = this.#queue.filter((other) => other !== entry)
        entry.grant()
      }
    }
  }
}

class FakeCancel implements EngineCancel {
  cancelled = false
  #freed = false

  cancel(): void {
    this.#inUse()
    this.cancelled = true
  }

  free(): void {
    this.#inUse()
    this.#freed = true
  }

  #inUse(): void {
    if (this.#freed) {
      throw new Error('used after it was freed')
    }
  }
}

/** An engine that keeps what was run in it; `wait` ends when {@link FakeEngine.go} is called. */
export class FakeEngine implements EngineDatabase {
  readonly ran: string[] = []
  open = 0
  /** Rows that are held. */
  streams = 0
  /** Loads that are going on. */
  loads = 0
  closed = false
  #gates: (() => void)[] = []

  session(): EngineSession {
    this.open += 1
    let inTransaction = false
    let freed = false
    const run = async (sql: string, cancel: EngineCancel): Promise<Answer> => {
      if ((cancel as FakeCancel).cancelled) {
        throw Object.assign(new Error('cancelled'), { code: 'Cancelled' })
      }
      if (sql === 'wait') {
        await new Promise<void>((resolve) => this.#gates.push(resolve))
      }
      this.ran.push(sql)
      if (sql === 'fail') {
        throw Object.assign(new Error('it failed'), { code: 'Constraint' })
      }
      inTransaction = sql === 'BEGIN' || (inTransaction && sql !== 'COMMIT' && sql !== 'ROLLBACK')
      return sql.startsWith('USE') ? { kind: 'done', verb: 'USE' } : { kind: 'affected', rows: 1 }
    }
    return {
      query: (sql, _params, cancel) => run(sql, cancel),
      execute: async (sql, cancel) => Promise.all(sql.split(';').map((part) => run(part, cancel))),
      stream: async (sql, _params, each, cancel) => {
        await run(sql, cancel)
        const pieces = [1, 2, 3].map((byte) => Uint8Array.of(byte, each ? 1 : 0))
        this.streams += 1
        return {
          next: async () => {
            if (sql === 'break' && pieces.length === 2) {
              throw Object.assign(new Error('it broke'), { code: 'Corrupt' })
            }
            return pieces.shift() ?? null
          },
          free: () => {
            this.streams -= 1
          },
        }
      },
      copyTo: async (sql, _params, cancel) => {
        await run(sql, cancel)
        const pieces = [Uint8Array.of(1), Uint8Array.of(2)]
        this.streams += 1
        return {
          next: async () => pieces.shift() ?? null,
          free: () => {
            this.streams -= 1
          },
        }
      },
      load: (sql, name, cancel) => {
        this.loads += 1
        let fed = 0
        let end: () => void = () => undefined
        const ended = new Promise<void>((resolve) => (end = resolve))
        return {
          feed: async (bytes) => {
            fed += bytes.length
            return !sql.includes('bad')
          },
          finish: async () => {
            end()
            if (sql.includes('bad')) {
              throw Object.assign(new Error(`${name}, line 1: it is bad`), { code: 'InvalidInput' })
            }
            await run(`${sql} ${fed}`, cancel)
            return { rows: fed, rejected: 0 }
          },
          ended,
          free: () => {
            end()
            this.loads -= 1
          },
        }
      },
      get inTransaction() {
        return inTransaction
      },
      free: () => {
        if (freed) {
          throw new Error('freed twice')
        }
        freed = true
        this.open -= 1
        if (inTransaction) {
          this.ran.push('(rolled back)')
        }
      },
    }
  }

  /** As a host takes it. */
  get engine(): Engine {
    return { db: this, newCancel: () => new FakeCancel() }
  }

  /** Lets everything that waits go on. */
  go(): void {
    for (const gate of this.#gates.splice(0)) {
      gate()
    }
  }

  countParameters(): number {
    return 0
  }

  async step(): Promise<boolean> {
    return false
  }

  stats(): Record<string, number> {
    return {}
  }

  async dump(part: (bytes: Uint8Array) => void): Promise<void> {
    part(Uint8Array.of(1, 2))
    part(Uint8Array.of(3))
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

/** Waits until `holds`, or fails after a while. */
export async function until(holds: () => boolean, what = 'what was waited for'): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 1_000) {
      throw new Error(`${what} did not come`)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
