/** What stands in for a browser's locks and for the engine, where a test needs neither. */

import { columnFromArray, int64, tableFromColumns, tableToIPC } from '@uwdata/flechette'
import type { Engine, EngineCancel, EngineDatabase, EngineRows, EngineSession } from '../src/engine.js'
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
  /** Called when it is cancelled. */
  onCancel: () => void = () => undefined

  cancel(): void {
    this.#inUse()
    this.cancelled = true
    this.onCancel()
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

/** Columns of BIGINT as an Arrow IPC stream. */
export function ipcOf(columns: Record<string, (number | null)[]>): Uint8Array {
  const made = Object.entries(columns).map(([name, values]) => {
    const big = values.map((value) => (value === null ? null : BigInt(value)))
    return [name, columnFromArray(big, int64())]
  })
  const ipc = tableToIPC(tableFromColumns(made as never), { format: 'stream' })
  if (!ipc) {
    throw new Error('nothing was written')
  }
  return ipc
}

/** A stream that stays: what {@link tell} is given comes out of it. */
export class FakeStay implements EngineRows {
  /** What it was begun with. */
  readonly begun: string
  #pieces: Uint8Array[] = []
  #failure: Error | undefined
  #wake: () => void = () => undefined
  readonly #forget: () => void
  readonly #cancel: FakeCancel

  constructor(begun: string, cancel: FakeCancel, forget: () => void) {
    this.begun = begun
    this.#forget = forget
    this.#cancel = cancel
    cancel.onCancel = () => this.#wake()
  }

  /** More, or what ends it. */
  tell(piece: Uint8Array | Error): void {
    if (piece instanceof Error) {
      this.#failure = piece
    } else {
      this.#pieces.push(piece)
    }
    this.#wake()
  }

  async next(): Promise<Uint8Array | null> {
    while (this.#pieces.length === 0 && !this.#failure && !this.#cancel.cancelled) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#cancel.cancelled) {
      throw Object.assign(new Error('cancelled'), { code: 'Cancelled' })
    }
    if (this.#failure) {
      throw this.#failure
    }
    return this.#pieces.shift() ?? null
  }

  free(): void {
    this.#forget()
  }
}

/** An engine that keeps what was run in it; `wait` ends when {@link FakeEngine.go} is called. */
export class FakeEngine implements EngineDatabase {
  readonly ran: string[] = []
  /** Who ran each, as `actor` or `actor for user`. */
  readonly speakers: string[] = []
  /** What stays open, in the order in which it was begun. */
  staying: FakeStay[] = []
  /** What a live query begins with. */
  shown = ipcOf({ n: [1] })
  open = 0
  /** Rows that are held. */
  streams = 0
  /** Loads that are going on. */
  loads = 0
  closed = false
  #gates: (() => void)[] = []

  session(subject?: string | null, role?: string | null, acting?: string | null): EngineSession {
    this.open += 1
    const actor = `${subject ?? 'root'}${role ? ` as ${role}` : ''}`
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
      this.speakers.push(acting ? `${actor} for ${acting}` : actor)
      if (sql === 'fail') {
        throw Object.assign(new Error('it failed'), { code: 'Constraint' })
      }
      inTransaction = sql === 'BEGIN' || (inTransaction && sql !== 'COMMIT' && sql !== 'ROLLBACK')
      return sql.startsWith('USE') ? { kind: 'done', verb: 'USE' } : { kind: 'affected', rows: 1 }
    }
    const stay = async (begun: string, cancel: EngineCancel): Promise<FakeStay> => {
      await run(begun, cancel)
      const stay: FakeStay = new FakeStay(begun, cancel as FakeCancel, () => {
        this.staying = this.staying.filter((other) => other !== stay)
      })
      this.staying.push(stay)
      return stay
    }
    return {
      live: async (sql, _params, cancel) => {
        const live = await stay(sql, cancel)
        live.tell(this.shown)
        return live
      },
      changes: (table, since, cancel) => stay(`${table} since ${since}`, cancel),
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
