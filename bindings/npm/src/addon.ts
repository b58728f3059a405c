/** The engine as an addon of Node.js: RocksDB and files, on threads of its own. */

import type {
  Copied,
  Engine,
  EngineCancel,
  EngineDatabase,
  EngineLoad,
  EngineRows,
  EngineSession,
} from './engine.js'
import { type ErrorCode, FirnDBError, type Position } from './errors.js'
import { type AddonParam, toAddonParams } from './params.js'
import type { Answer, EngineOptions } from './protocol.js'
import type { BackupReport, Param } from './types.js'

/** What a call of the addon answered: an error, or what was asked for. */
interface AddonReply {
  code?: string
  message?: string
  position?: Position
  hint?: string
  answers?: AddonAnswer[]
  yes?: boolean
  bytes?: Buffer
  count?: number
  copied?: Copied
  backup?: BackupReport
}

interface AddonAnswer {
  kind: Answer['kind']
  ipc?: Buffer
  rows?: number
  verb?: string
}

interface AddonSession {
  opened(): AddonReply
  query(sql: string, params: AddonParam[]): Promise<AddonReply>
  execute(sql: string): Promise<AddonReply>
  stream(sql: string, params: AddonParam[], each: boolean): Promise<AddonRows>
  copyTo(sql: string, params: AddonParam[]): Promise<AddonRows>
  live(sql: string, params: AddonParam[]): Promise<AddonRows>
  changes(table: string, since: bigint): Promise<AddonRows>
  load(sql: string, name: string): AddonLoad
  cancel(): void
  readonly inTransaction: boolean
  free(): void
}

interface AddonLoad {
  feed(bytes: Buffer): Promise<AddonReply>
  finish(): void
  ended(): Promise<AddonReply>
  free(): void
}

interface AddonRows {
  opened(): Promise<AddonReply>
  next(): Promise<AddonReply>
  free(): void
}

interface AddonDatabase {
  opened(): AddonReply
  session(subject?: string | null, role?: string | null, acting?: string | null): AddonSession
  countParameters(sql: string): AddonReply
  step(): Promise<AddonReply>
  stats(): Record<string, number>
  dump(): Promise<AddonReply>
  backup(target: string): Promise<AddonReply>
  close(): Promise<AddonReply>
}

/** The module that the addon is. */
export interface Addon {
  Database: {
    open(path: string, options: EngineOptions): Promise<AddonDatabase>
    load(path: string, options: EngineOptions, archive: Buffer): Promise<AddonDatabase>
  }
}

/** Opens the store in the directory `path`, or one in memory. Rejects with the engine's error. */
export async function openAddon(addon: Addon, path: string, options: EngineOptions): Promise<Engine> {
  return opened(await addon.Database.open(path, options))
}

/** Makes a store of `archive` in the directory `path`, or one in memory, and opens it. Rejects with the engine's error. */
export async function loadByAddon(
  addon: Addon,
  path: string,
  options: EngineOptions,
  archive: Uint8Array,
): Promise<Engine> {
  const buffer = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength)
  return opened(await addon.Database.load(path, options, buffer))
}

function opened(native: AddonDatabase): Engine {
  checked(native.opened())
  return { db: new Opened(native), newCancel: () => new Cancel() }
}

class Opened implements EngineDatabase {
  readonly #native: AddonDatabase

  constructor(native: AddonDatabase) {
    this.#native = native
  }

  session(subject?: string | null, role?: string | null, acting?: string | null): EngineSession {
    const session = this.#native.session(subject, role, acting)
    checked(session.opened())
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

  async dump(part: (bytes: Uint8Array) => void): Promise<void> {
    const { bytes } = checked(await this.#native.dump())
    if (bytes) {
      part(plain(bytes))
    }
  }

  async backup(target: string): Promise<BackupReport> {
    const { backup } = checked(await this.#native.backup(target))
    if (!backup) {
      throw new FirnDBError('Internal', 'the addon answered a backup with nothing')
    }
    return backup
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
  async during<T>(session: AddonSession, work: () => Promise<T>): Promise<T> {
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

  async stream(sql: string, params: Param[], each: boolean, cancel: EngineCancel): Promise<EngineRows> {
    const values = toAddonParams(params)
    return rowsOf(await (cancel as Cancel).during(this.#native, () => this.#native.stream(sql, values, each)))
  }

  async copyTo(sql: string, params: Param[], cancel: EngineCancel): Promise<EngineRows> {
    const values = toAddonParams(params)
    return rowsOf(await (cancel as Cancel).during(this.#native, () => this.#native.copyTo(sql, values)))
  }

  async live(sql: string, params: Param[], cancel: EngineCancel): Promise<EngineRows> {
    const values = toAddonParams(params)
    return rowsOf(await (cancel as Cancel).during(this.#native, () => this.#native.live(sql, values)))
  }

  async changes(table: string, since: bigint, cancel: EngineCancel): Promise<EngineRows> {
    return rowsOf(await (cancel as Cancel).during(this.#native, () => this.#native.changes(table, since)))
  }

  load(sql: string, name: string, cancel: EngineCancel): EngineLoad {
    const native = this.#native.load(sql, name)
    const over = (cancel as Cancel).during(this.#native, () => native.ended())
    const ended = over.then(
      () => undefined,
      () => undefined,
    )
    return {
      feed: async (bytes) => {
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        return checked(await native.feed(buffer)).yes ?? false
      },
      finish: async () => {
        native.finish()
        return checked(await over).copied ?? { rows: 0, rejected: 0 }
      },
      ended,
      free: () => native.free(),
    }
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

async function rowsOf(native: AddonRows): Promise<EngineRows> {
  checked(await native.opened())
  return {
    next: async () => {
      const { bytes } = checked(await native.next())
      return bytes ? plain(bytes) : null
    },
    free: () => native.free(),
  }
}

function toAnswer({ kind, ipc, rows, verb }: AddonAnswer): Answer {
  switch (kind) {
    case 'rows':
      return { kind, ipc: ipc ? plain(ipc) : new Uint8Array() }
    case 'affected':
      return { kind, rows: rows ?? 0 }
    case 'done':
      return { kind, verb: verb ?? '' }
  }
}

/** The bytes of `buffer`: a `Buffer` compares and prints otherwise than the `Uint8Array` that the API promises. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

/** `reply`, unless it is an error, which is thrown. */
function checked(reply: AddonReply): AddonReply {
  if (reply.code !== undefined) {
    throw new FirnDBError(reply.code as ErrorCode, reply.message ?? '', reply)
  }
  return reply
}
