/** The engine as an addon of Node.js: RocksDB and files, on threads of its own. */

import type { Engine, EngineCancel, EngineDatabase, EngineSession } from './engine.js'
import { type ErrorCode, FirnDBError, type Position } from './errors.js'
import { type AddonParam, toAddonParams } from './params.js'
import type { Answer, EngineOptions } from './protocol.js'
import type { Param } from './types.js'

/** What a call of the addon answered: an error, or what was asked for. */
interface AddonReply {
  code?: string
  message?: string
  position?: Position
  hint?: string
  answers?: AddonAnswer[]
  yes?: boolean
  count?: number
}

interface AddonAnswer {
  kind: Answer['kind']
  ipc?: Buffer
  rows?: number
  verb?: string
}

interface AddonSession {
  query(sql: string, params: AddonParam[]): Promise<AddonReply>
  execute(sql: string): Promise<AddonReply>
  cancel(): void
  readonly inTransaction: boolean
  free(): void
}

interface AddonDatabase {
  opened(): AddonReply
  session(subject?: string | null, role?: string | null): AddonSession | null
  countParameters(sql: string): AddonReply
  step(): Promise<AddonReply>
  stats(): Record<string, number>
  close(): Promise<AddonReply>
}

/** The module that the addon is. */
export interface Addon {
  Database: { open(path: string, options: EngineOptions): Promise<AddonDatabase> }
}

/** Opens the store in the directory `path`, or one in memory. Rejects with the engine's error. */
export async function openAddon(addon: Addon, path: string, options: EngineOptions): Promise<Engine> {
  const native = await addon.Database.open(path, options)
  checked(native.opened())
  return { db: new Opened(native), newCancel: () => new Cancel() }
}

class Opened implements EngineDatabase {
  readonly #native: AddonDatabase

  constructor(native: AddonDatabase) {
    this.#native = native
  }

  session(subject?: string | null, role?: string | null): EngineSession {
    const session = this.#native.session(subject, role)
    if (!session) {
      throw new FirnDBError('InvalidInput', 'there is no session for this user and role')
    }
    return new Conversation(session)
  }

  countParameters(sql: string): number {
    return checked(this.#native.countParameters(sql)).count ?? 0
  }

  async step(): Promise<boolean> {
    return checked(await this.#native.step()).yes ?? false
  }

  stats(): Record<string, number> {
    return this.#native.stats()
  }

  async close(): Promise<void> {
    checked(await this.#native.close())
  }
}

/** How often a statement is told that it is taken back. */
const CANCEL_AGAIN_MS = 5

/** Takes back the statements that run with it, and those that will. */
class Cancel implements EngineCancel {
  #cancelled = false
  #running: AddonSession | undefined
  #again: ReturnType<typeof setInterval> | undefined

  cancel(): void {
    this.#cancelled = true
    if (this.#running && this.#again === undefined) {
      const tell = () => this.#running?.cancel()
      tell()
      // The addon takes back what it has begun, and it begins on another thread, a moment after it was asked to.
      this.#again = setInterval(tell, CANCEL_AGAIN_MS)
    }
  }

  /** Has `work` done by `session`, which does nothing else meanwhile. */
  async during(session: AddonSession, work: () => Promise<AddonReply>): Promise<AddonReply> {
    if (this.#cancelled) {
      throw new FirnDBError('Cancelled', 'the statement was cancelled')
    }
    this.#running = session
    try {
      return await work()
    } finally {
      this.free()
    }
  }

  free(): void {
    clearInterval(this.#again)
    this.#again = undefined
    this.#running = undefined
  }
}

class Conversation implements EngineSession {
  readonly #native: AddonSession

  constructor(native: AddonSession) {
    this.#native = native
  }

  async query(sql: string, params: Param[], cancel: EngineCancel): Promise<Answer> {
    const values = toAddonParams(params)
    const [answer] = await this.#run(cancel, () => this.#native.query(sql, values))
    if (!answer) {
      throw new FirnDBError('Internal', 'the addon answered a statement with nothing')
    }
    return answer
  }

  execute(sql: string, cancel: EngineCancel): Promise<Answer[]> {
    return this.#run(cancel, () => this.#native.execute(sql))
  }

  get inTransaction(): boolean {
    return this.#native.inTransaction
  }

  free(): void {
    this.#native.free()
  }

  async #run(cancel: EngineCancel, work: () => Promise<AddonReply>): Promise<Answer[]> {
    const reply = checked(await (cancel as Cancel).during(this.#native, work))
    return (reply.answers ?? []).map(toAnswer)
  }
}

function toAnswer({ kind, ipc, rows, verb }: AddonAnswer): Answer {
  switch (kind) {
    case 'rows':
      // A `Buffer` compares and prints otherwise than the `Uint8Array` that the API promises.
      return { kind, ipc: ipc ? new Uint8Array(ipc.buffer, ipc.byteOffset, ipc.byteLength) : new Uint8Array() }
    case 'affected':
      return { kind, rows: rows ?? 0 }
    case 'done':
      return { kind, verb: verb ?? '' }
  }
}

/** `reply`, unless it is an error, which is thrown. */
function checked(reply: AddonReply): AddonReply {
  if (reply.code !== undefined) {
    throw new FirnDBError(reply.code as ErrorCode, reply.message ?? '', reply)
  }
  return reply
}
