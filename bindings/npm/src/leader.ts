/** A worker's time as a candidate and as the leader of one store. */

import type { Engine, EngineDatabase, OpenEngine } from './engine.js'
import type { ClientLink, Host, Visitor } from './host.js'
import { channelLink, type OpenChannel } from './link.js'
import { hold, type Locks, type Release, whenFree } from './locks.js'
import {
  type CommonMessage,
  clientChannel,
  clientLock,
  commonChannel,
  type EngineOptions,
  leaderLock,
  PROTOCOL,
  termLock,
  versionMismatch,
} from './protocol.js'

/** What a leader needs. */
export interface LeaderContext {
  name: string
  options: EngineOptions
  /** The client of the page that owns the worker, and the link to it. */
  client: string
  own: ClientLink
  locks: Locks
  openChannel: OpenChannel
  openEngine: OpenEngine
  /** Ends the candidacy, or hands the office over. */
  signal: AbortSignal
  /** Makes the host of an engine. */
  hostOf: (engine: Engine) => Host
}

/** How long a successor waits for files that the browser has not yet taken from a tab that ended. */
const OPEN_PATIENCE_MS = 10_000
/** How long transactions that are open may take when the office is handed over. */
const DRAIN_MS = 1_000
/** How often the engine is asked for work that no statement waits for. */
const STEP_MS = 1_000

/**
 * Waits to become the leader of the store, opens it, and serves clients until `signal` is aborted.
 * Rejects when the store cannot be opened; the office is free again then.
 */
export async function lead(context: LeaderContext): Promise<void> {
  const { name, locks, signal } = context
  let release: Release
  try {
    release = await hold(locks, leaderLock(name), signal)
  } catch (error) {
    if (signal.aborted) {
      return
    }
    throw error
  }
  try {
    await new Leader(context).serve()
  } finally {
    release()
  }
}

/** One client of another page. */
interface Guest {
  readonly link: ClientLink
  readonly visitor: Visitor
  readonly watch: AbortController
}

class Leader {
  readonly #context: LeaderContext
  readonly #common: BroadcastChannel
  readonly #guests = new Map<string, Guest>()
  readonly #termLocks: Release[] = []
  /** What was heard between two terms. */
  #early: CommonMessage[] | undefined = []
  #host: Host | undefined
  #own: Visitor | undefined
  #term = 0

  constructor(context: LeaderContext) {
    this.#context = context
    this.#common = context.openChannel(commonChannel(context.name))
    this.#common.onmessage = ({ data }: MessageEvent<CommonMessage>) => this.#hear(data)
  }

  async serve(): Promise<void> {
    try {
      const engine = await this.#openPatiently()
      this.#host = this.#context.hostOf(engine)
      // The time of day grows from leader to leader, unless the clock was set back: see #hear.
      await this.#takeOffice(Date.now())
      await work(engine.db, this.#context.signal)
      await this.#host.drain(DRAIN_MS)
      await engine.db.close()
    } finally {
      this.#leave()
    }
  }

  async #openPatiently(): Promise<Engine> {
    const { name, options, openEngine, signal } = this.#context
    const until = Date.now() + OPEN_PATIENCE_MS
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 1_000)) {
      try {
        return await openEngine(name, options)
      } catch (error) {
        const code = (error as { code?: unknown }).code
        const passing = code === 'Locked' || code === 'Unavailable'
        if (!passing || signal.aborted || Date.now() + pauseMs > until) {
          throw error
        }
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }

  /** Begins a term, and tells everybody. */
  async #takeOffice(term: number): Promise<void> {
    const { name, locks, own } = this.#context
    this.#early ??= []
    // Held before anybody hears of the term: who is granted it takes the leader for gone.
    this.#termLocks.push(await hold(locks, termLock(name, term)))
    this.#own?.leave()
    for (const client of [...this.#guests.keys()]) {
      this.#dismiss(client)
    }
    this.#term = term
    this.#own = this.#host?.welcome(own, term)
    own.post({ kind: 'welcome', protocol: PROTOCOL, term })
    this.#common.postMessage({ kind: 'leader', protocol: PROTOCOL, term } satisfies CommonMessage)
    const early = this.#early
    this.#early = undefined
    for (const message of early) {
      this.#hear(message)
    }
  }

  #hear(message: CommonMessage): void {
    const { client, own, signal } = this.#context
    // Who comes while the office is handed over is the next leader's guest: a client says hello until it is heard.
    if (message.kind !== 'hello' || signal.aborted || this.#host?.broken) {
      return
    }
    const isGuest = this.#guests.has(message.client)
    if (this.#early) {
      this.#early.push(message)
    } else if (message.protocol !== PROTOCOL) {
      this.#refuse(message.client, message.protocol)
    } else if (message.term > this.#term || (message.term === this.#term && !isGuest)) {
      // The client has met a leader with such a term, so the clock was set back since.
      void this.#takeOffice(message.term + 1)
    } else if (message.client === client) {
      own.post({ kind: 'welcome', protocol: PROTOCOL, term: this.#term })
    } else {
      this.#admit(message.client)
    }
  }

  #refuse(client: string, protocol: number): void {
    const link = this.#linkTo(client)
    link.post({ kind: 'refused', protocol: PROTOCOL, message: versionMismatch(protocol, PROTOCOL) })
    link.close()
  }

  /** Takes `client` in; one that is in already has not heard it. */
  #admit(client: string): void {
    const { name, locks } = this.#context
    const known = this.#guests.get(client)
    const link = known?.link ?? this.#linkTo(client)
    if (!known && this.#host) {
      const watch = new AbortController()
      const visitor = this.#host.welcome(link, this.#term)
      this.#guests.set(client, { link, visitor, watch })
      whenFree(locks, clientLock(name, client), watch.signal, () => this.#dismiss(client))
    }
    link.post({ kind: 'welcome', protocol: PROTOCOL, term: this.#term })
  }

  #dismiss(client: string): void {
    const guest = this.#guests.get(client)
    this.#guests.delete(client)
    guest?.visitor.leave()
    guest?.watch.abort()
    guest?.link.close()
  }

  #linkTo(client: string): ClientLink {
    return channelLink(this.#context.openChannel(clientChannel(this.#context.name, client)))
  }

  #leave(): void {
    for (const client of [...this.#guests.keys()]) {
      this.#dismiss(client)
    }
    this.#common.close()
    for (const release of this.#termLocks) {
      release()
    }
  }
}

/** Serves one client alone with the engine of `host`, until `signal` is aborted; then closes the store. */
export async function serveAlone(host: Host, own: ClientLink, signal: AbortSignal): Promise<void> {
  const term = 1
  host.welcome(own, term)
  own.post({ kind: 'welcome', protocol: PROTOCOL, term })
  await work(host.db, signal)
  await host.db.close()
}

/** Does what no statement waits for, until `signal` is aborted. */
export async function work(db: EngineDatabase, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let more = false
    try {
      more = await db.step()
    } catch (error) {
      // What was written is durable; the next step, or the next FLUSH, meets the same trouble and says so.
      console.warn('firndb: work in the background failed', error)
    }
    await pause(more ? 0 : STEP_MS, signal)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) {
    return Promise.resolve()
  }
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    // In Node.js a timer would keep the process from ending.
    ;(timer as { unref?: () => void }).unref?.()
    signal.addEventListener('abort', done)
  })
}
