/** The leader's side of the protocol: carries out what clients ask for, in sessions of the engine. */

import { type Breakdown, isTrap } from './breakdown.js'
import type { Engine, EngineCancel, EngineDatabase, EngineLoad, EngineRows, EngineSession } from './engine.js'
import { FirnDBError, toSent } from './errors.js'
import type { Link } from './link.js'
import { Loads } from './loads.js'
import type { ClientMessage, HostMessage, Operation, Reply, Speaker } from './protocol.js'
import { Streams } from './streams.js'

/** A link to a client, as the leader sees it. */
export type ClientLink = Link<HostMessage, ClientMessage>

type Request = Extract<ClientMessage, { kind: 'request' }>

/** What begins rows that are asked for piece by piece. */
type Begin = Extract<Operation, { op: 'stream' | 'copyTo' | 'live' | 'changes' }>

/** A transaction of a client: what is asked of it is done in order. */
interface Open {
  readonly session: EngineSession
  tail: Promise<unknown>
}

/** The engine, and the clients that it works for. */
export class Host {
  readonly #visitors = new Set<Visitor>()
  readonly #running = new Set<Promise<void>>()
  readonly db: EngineDatabase
  readonly newCancel: () => EngineCancel
  /** Called with a trap of the engine, such as a stack overflow. */
  readonly trapped: (error: unknown) => void
  draining = false
  broken = false

  constructor({ db, newCancel }: Engine, trapped: (error: unknown) => void = () => undefined) {
    this.db = db
    this.newCancel = newCancel
    this.trapped = trapped
  }

  /** Works for the client behind `link` in `term`, until {@link Visitor.leave}. */
  welcome(link: ClientLink, term: number): Visitor {
    const visitor = new Visitor(this, link, term, () => this.#visitors.delete(visitor))
    this.#visitors.add(visitor)
    return visitor
  }

  /** Tells every client what brought the engine down, and does nothing any more. */
  breakDown(how: Breakdown): void {
    this.broken = true
    for (const visitor of this.#visitors) {
      visitor.breakDown(how)
    }
  }

  /**
   * Takes nothing new, and gives what runs and the transactions that are open up to `graceMs` to end; then rolls
   * back those that have not. Before it ends it has seen, and sent on, all that its clients had sent it.
   */
  async drain(graceMs: number): Promise<void> {
    this.draining = true
    for (const visitor of this.#visitors) {
      visitor.sayLeaving()
    }
    const until = Date.now() + graceMs
    const busy = () => this.#running.size > 0 || [...this.#visitors].some((visitor) => visitor.holdsUp)
    while (busy() && Date.now() < until) {
      const pause = new Promise((resolve) => setTimeout(resolve, 10))
      await Promise.race([pause, ...this.#running])
    }
    for (const visitor of this.#visitors) {
      visitor.leave()
    }
  }

  /** Keeps `work` in mind until it is done. */
  track(work: Promise<void>): void {
    this.#running.add(work)
    void work.finally(() => this.#running.delete(work))
  }
}

/** A client, as long as it is there. */
export class Visitor {
  readonly #host: Host
  readonly #link: ClientLink
  readonly #term: number
  readonly #onLeave: () => void
  readonly #open = new Map<number, Open>()
  readonly #streams = new Streams()
  readonly #loads = new Loads()
  /** What takes back each request that is not answered. */
  readonly #cancels = new Map<number, EngineCancel>()
  #hasLeft = false
  #gone = false

  constructor(host: Host, link: ClientLink, term: number, onLeave: () => void) {
    this.#host = host
    this.#link = link
    this.#term = term
    this.#onLeave = onLeave
    link.listen((message) => this.#receive(message))
  }

  /** Whether a transaction is open or rows are loaded, or the client has not heard that the host leaves. */
  get holdsUp(): boolean {
    return this.#open.size > 0 || this.#loads.size > 0 || !this.#hasLeft
  }

  /** Tells the client to ask the next leader, also for what would go on for ever here. */
  sayLeaving(): void {
    this.#post({ kind: 'leaving', term: this.#term })
    this.#streams.move()
  }

  /** Ends it: what runs is taken back, open transactions are rolled back, nothing is answered any more. */
  leave(): void {
    if (this.#gone) {
      return
    }
    this.#gone = true
    for (const cancel of this.#cancels.values()) {
      cancel.cancel()
    }
    this.#loads.releaseAll()
    for (const { session } of this.#open.values()) {
      session.free()
    }
    this.#open.clear()
    this.#streams.releaseAll()
    this.#onLeave()
  }

  /** Says what brought the engine down. */
  breakDown({ code, message }: Breakdown): void {
    this.#link.post({ kind: 'fatal', term: this.#term, code, message })
  }

  #receive(message: ClientMessage): void {
    if (this.#gone || this.#host.broken || message.term !== this.#term) {
      return
    }
    if (message.kind === 'request') {
      this.#host.track(this.#serve(message))
    } else if (message.kind === 'cancel') {
      this.#cancels.get(message.id)?.cancel()
      this.#cancels.delete(message.id)
    } else {
      this.#hasLeft = true
    }
  }

  async #serve({ id, operation }: Request): Promise<void> {
    if (this.#host.draining && !goesOn(operation)) {
      this.#post({ kind: 'moved', term: this.#term, id })
      return
    }
    const cancel = this.#host.newCancel()
    this.#cancels.set(id, cancel)
    try {
      const reply = await this.#perform(operation, cancel, (part) =>
        this.#post({ kind: 'part', term: this.#term, id, part }, [part.buffer as ArrayBuffer]),
      )
      if (!this.#cancels.has(id)) {
        // The client gave it up while it was begun.
        if (begins(operation)) {
          this.#streams.release(operation.stream)
        } else if (operation.op === 'load') {
          this.#loads.release(operation.load)
        }
      }
      if (reply === null && this.#hasMoved(operation)) {
        this.#post({ kind: 'moved', term: this.#term, id })
      } else {
        this.#post({ kind: 'answer', term: this.#term, id, reply }, buffers(reply))
      }
    } catch (error) {
      if (isTrap(error)) {
        this.#host.trapped(error)
      }
      if (this.#hasMoved(operation)) {
        this.#post({ kind: 'moved', term: this.#term, id })
      } else {
        this.#post({ kind: 'error', term: this.#term, id, error: toSent(error) })
      }
    } finally {
      this.#cancels.delete(id)
      if (!this.#streams.owns(cancel) && !this.#loads.owns(cancel)) {
        cancel.free()
      }
    }
  }

  #perform(operation: Operation, cancel: EngineCancel, part: (bytes: Uint8Array) => void): Promise<Reply> | Reply {
    switch (operation.op) {
      case 'query':
      case 'exec': {
        const run = (session: EngineSession): Promise<Reply> =>
          operation.op === 'query'
            ? session.query(operation.sql, [...operation.params], cancel)
            : session.execute(operation.sql, cancel)
        return operation.session === undefined
          ? this.#alone(operation, cancel, run)
          : this.#within(operation.session, run)
      }
      case 'stream':
      case 'copyTo':
      case 'live':
      case 'changes':
        return this.#stream(operation, cancel)
      case 'load':
        return this.#load(operation, cancel)
      case 'feed':
        return this.#loads.feed(operation.load, operation.bytes)
      case 'loaded':
        return this.#loads.finish(operation.load).then(({ rows, rejected }) => ({ rows, rejected }))
      case 'unload':
        this.#loads.release(operation.load)
        return null
      case 'next':
        return this.#streams.next(operation.stream)
      case 'release':
        this.#streams.release(operation.stream)
        return null
      case 'begin':
        return this.#begin(operation, cancel)
      case 'end':
        return this.#end(operation.session, operation.commit, cancel)
      case 'parameters':
        return this.#host.db.countParameters(operation.sql)
      case 'stats':
        return this.#host.db.stats()
      case 'dump':
        return this.#host.db.dump(part).then(() => null)
      case 'backup':
        return this.#backup(operation.target)
    }
  }

  /** Whether `operation` waits for a stream that the next leader is to be asked for. */
  #hasMoved(operation: Operation): boolean {
    return operation.op === 'next' && this.#streams.hasMoved(operation.stream)
  }

  #backup(target: string): Promise<Reply> {
    const { db } = this.#host
    if (!db.backup) {
      throw new FirnDBError(
        'Unsupported',
        'a backup is a directory, and there is none to be had here: dump() gives the store as one archive',
      )
    }
    return db.backup(target)
  }

  /** Begins to read rows, which outlive the request, but not the transaction. */
  async #stream(asked: Begin, cancel: EngineCancel): Promise<null> {
    const begin = (session: EngineSession) => rowsOf(session, asked, cancel)
    const within = 'session' in asked ? asked.session : undefined
    const rows = await (within === undefined ? this.#alone(asked, cancel, begin) : this.#within(within, begin))
    if (rows !== null && this.#gone) {
      rows.free()
    } else if (rows !== null) {
      const stays = asked.op === 'live' || asked.op === 'changes'
      this.#streams.add(asked.stream, rows, cancel, { session: within, stays })
      if (this.#host.draining) {
        this.#streams.move()
      }
    }
    return null
  }

  /** Begins to load rows; the session is busy with it until it ends. */
  async #load(asked: Extract<Operation, { op: 'load' }>, cancel: EngineCancel): Promise<null> {
    const begin = (session: EngineSession): EngineLoad => {
      const load = session.load(asked.sql, asked.name, cancel)
      this.#loads.add(asked.load, load, cancel, asked.session)
      if (this.#gone) {
        this.#loads.release(asked.load)
      }
      return load
    }
    if (asked.session !== undefined) {
      const open = this.#open.get(asked.session)
      const begun = this.#within(asked.session, async (session) => begin(session))
      if (open) {
        // What is asked of the transaction meanwhile comes after it.
        open.tail = begun.then((load) => load?.ended).catch(() => undefined)
      }
      await begun
      return null
    }
    const session = this.#sessionOf(asked)
    try {
      await prepare(session, asked, cancel)
      void begin(session).ended.then(() => session.free())
    } catch (error) {
      session.free()
      throw error
    }
    return null
  }

  /** Runs something in a session of its own, so that no request waits for another. */
  async #alone<T>(
    speaker: Speaker,
    cancel: EngineCancel,
    run: (session: EngineSession) => Promise<T>,
  ): Promise<T> {
    const session = this.#sessionOf(speaker)
    try {
      await prepare(session, speaker, cancel)
      const reply = await run(session)
      if (session.inTransaction) {
        throw new FirnDBError(
          'InvalidInput',
          'a transaction was begun and not ended, so it was rolled back: use transaction(), or COMMIT in the same script',
        )
      }
      return reply
    } finally {
      session.free()
    }
  }

  async #begin(asked: Extract<Operation, { op: 'begin' }>, cancel: EngineCancel): Promise<null> {
    const id = asked.session
    const session = this.#sessionOf(asked)
    const open: Open = { session, tail: Promise.resolve() }
    this.#open.set(id, open)
    try {
      await prepare(session, asked, cancel)
      await session.execute('BEGIN', cancel)
      return null
    } catch (error) {
      this.#release(id)
      throw error
    }
  }

  /** A session of `speaker`, which nobody else gets. */
  #sessionOf({ user, role, as }: Speaker): EngineSession {
    return this.#host.db.session(user, role, as)
  }

  async #end(session: number, commit: boolean, cancel: EngineCancel): Promise<null> {
    try {
      await this.#within(session, async (open) => {
        const [answer] = await open.execute(commit ? 'COMMIT' : 'ROLLBACK', cancel)
        if (commit && answer?.kind === 'done' && answer.verb === 'ROLLBACK') {
          throw new FirnDBError(
            'InvalidInput',
            'a statement of the transaction failed, so it was rolled back and nothing is committed',
          )
        }
        return null
      })
      return null
    } finally {
      this.#release(session)
    }
  }

  /** Runs something in an open transaction, after what was asked of it before. */
  #within<T>(session: number, run: (session: EngineSession) => Promise<T>): Promise<T | null> {
    const open = this.#open.get(session)
    if (!open) {
      throw new FirnDBError('InvalidInput', 'the transaction is over')
    }
    const work = open.tail.then(() => (this.#gone ? null : run(open.session)))
    open.tail = work.catch(() => undefined)
    return work
  }

  #release(session: number): void {
    this.#open.get(session)?.session.free()
    this.#open.delete(session)
    this.#streams.releaseOf(session)
    this.#loads.releaseOf(session)
  }

  #post(message: HostMessage, transfer?: ArrayBuffer[]): void {
    if (!this.#gone) {
      this.#link.post(message, transfer)
    }
  }
}

/** Goes where `speaker` is. */
async function prepare(session: EngineSession, { use }: Speaker, cancel: EngineCancel): Promise<void> {
  if (use !== undefined) {
    await session.execute(use, cancel)
  }
}

function rowsOf(session: EngineSession, asked: Begin, cancel: EngineCancel): Promise<EngineRows> {
  switch (asked.op) {
    case 'stream':
      return session.stream(asked.sql, [...asked.params], asked.each, cancel)
    case 'copyTo':
      return session.copyTo(asked.sql, [...asked.params], cancel)
    case 'live':
      return session.live(asked.sql, [...asked.params], cancel)
    case 'changes':
      return session.changes(asked.table, asked.since, cancel)
  }
}

/** Whether `operation` begins a stream. */
function begins(operation: Operation): operation is Begin {
  return ['stream', 'copyTo', 'live', 'changes'].includes(operation.op)
}

/** Whether `operation` goes on with what was begun, and so is done also while the host leaves. */
function goesOn(operation: Operation): boolean {
  switch (operation.op) {
    case 'begin':
      return false
    case 'next':
    case 'release':
    case 'feed':
    case 'loaded':
    case 'unload':
      return true
    default:
      return 'session' in operation && operation.session !== undefined
  }
}

/** The buffers of `reply`, which nobody needs here any more. */
function buffers(reply: Reply): ArrayBuffer[] {
  if (reply instanceof Uint8Array) {
    return [reply.buffer as ArrayBuffer]
  }
  const answers = Array.isArray(reply) ? reply : [reply]
  const found: ArrayBuffer[] = []
  for (const answer of answers) {
    if (answer !== null && typeof answer === 'object' && 'ipc' in answer && answer.ipc instanceof Uint8Array) {
      found.push(answer.ipc.buffer as ArrayBuffer)
    }
  }
  return found
}
