/** One open database of a page: finds the leader of its store, and keeps to whoever leads next. */

import type { Breakdown } from './breakdown.js'
import { FirnDBError, fromSent } from './errors.js'
import { channelLink, type OpenChannel } from './link.js'
import { checkLocks, hold, type Locks, type Release, whenFree } from './locks.js'
import {
  type CommonMessage,
  clientChannel,
  clientLock,
  commonChannel,
  type HostMessage,
  isMemory,
  type Operation,
  PROTOCOL,
  termLock,
  versionMismatch,
} from './protocol.js'
import { type Answered, type HostLink, type RequestOptions, Requests } from './requests.js'

/** The worker that a page owns: a candidate for the lead. */
export interface Candidate {
  readonly link: HostLink
  /** Asks the worker to close the store, which it answers by `stopped`. */
  stop(): void
  terminate(): void
}

/** What a connection needs. */
export interface ConnectionContext {
  name: string
  client: string
  locks: Locks | undefined
  openChannel: OpenChannel
  /** Starts a worker; `broken` is called when it cannot run, or ends by an error of its own. */
  spawn: (broken: (how: Breakdown) => void) => Candidate
}

/** How long a worker may take to close the store. */
const STOP_MS = 5_000
/** How often a worker that breaks down before it served anybody is started again. */
const RESTARTS = 3
/** How long after its end a leader is still heard: its lock and its last messages come by different ways. */
const LAST_WORDS_MS = 200
const HELLO_MS = { first: 100, longest: 1_000 }

/** One open database of a page. */
export class Connection {
  readonly #context: ConnectionContext
  readonly #requests = new Requests()
  readonly #closed = new AbortController()
  #common: BroadcastChannel | undefined
  #own: HostLink | undefined
  #release: Release | undefined
  #candidate: Candidate | undefined
  #hello: ReturnType<typeof setTimeout> | undefined
  /** The leader in office is this page's own worker. */
  #leads = false
  /** The highest term whose leader is known to be gone. */
  #ended = 0
  #breakdowns = 0
  #opened!: { resolve(): void; reject(error: FirnDBError): void }
  #stopped: (() => void) | undefined
  #closing: Promise<void> | undefined

  private constructor(context: ConnectionContext) {
    this.#context = context
  }

  /** Resolves once there is a leader to ask. */
  static async open(context: ConnectionContext): Promise<Connection> {
    const connection = new Connection(context)
    const opened = new Promise<void>((resolve, reject) => {
      connection.#opened = { resolve, reject }
    })
    if (!isMemory(context.name)) {
      await connection.#meet()
    }
    connection.#start()
    await opened
    return connection
  }

  /** As {@link Requests.submit}. */
  submit(operation: Operation, options?: RequestOptions): Promise<Answered> {
    return this.#requests.submit(operation, options)
  }

  /** Waits for what was asked for, and lets go of the store; another tab that has it open takes over. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#requests.connected) {
      await this.#requests.idle()
    }
    const stopped = new Promise<void>((resolve) => {
      this.#stopped = resolve
    })
    const patience = setTimeout(() => this.#stopped?.(), STOP_MS)
    if (this.#candidate) {
      this.#candidate.stop()
      await stopped
    }
    clearTimeout(patience)
    this.#end(new FirnDBError('Unavailable', 'the database was closed'))
  }

  /**
   * The page is being closed, or put aside by the browser: hands over while there is time, and does not stand for
   * the lead until {@link resume}, since a page that is put aside could not serve anybody.
   */
  suspend(): void {
    if (this.#leads) {
      this.#common?.postMessage({ kind: 'closing', protocol: PROTOCOL, term: this.#requests.term } satisfies CommonMessage)
    }
    if (!isMemory(this.#context.name)) {
      this.#candidate?.stop()
    }
  }

  /** The page is back. */
  resume(): void {
    if (!isMemory(this.#context.name) && !this.#closed.signal.aborted) {
      // A page that was put aside heard nothing: what it had asked for may have been answered.
      this.#requests.lose(this.#requests.term)
      this.#candidate?.terminate()
      this.#start()
      this.#greet(HELLO_MS.first)
    }
  }

  /** Becomes somebody whom a leader can hear, and whose end it can see. */
  async #meet(): Promise<void> {
    const { name, client, locks, openChannel } = this.#context
    checkLocks(locks)
    this.#release = await hold(locks, clientLock(name, client))
    const own: HostLink = channelLink(openChannel(clientChannel(name, client)))
    own.listen((message) => this.#hear(own, message))
    this.#own = own
    this.#common = openChannel(commonChannel(name))
    this.#common.onmessage = ({ data }: MessageEvent<CommonMessage>) => {
      if (data.kind === 'leader' && data.term > this.#requests.term) {
        this.#greet(HELLO_MS.first)
      } else if (data.kind === 'closing') {
        this.#requests.hold(data.term)
      }
    }
    this.#greet(HELLO_MS.first)
  }

  /** Says hello until a leader answers: either may not be listening yet. */
  #greet(againMs: number): void {
    const { client } = this.#context
    clearTimeout(this.#hello)
    this.#common?.postMessage({ kind: 'hello', protocol: PROTOCOL, client, term: this.#requests.term })
    this.#hello = setTimeout(() => this.#greet(Math.min(againMs * 2, HELLO_MS.longest)), againMs)
  }

  #start(): void {
    const candidate = this.#context.spawn((how) => {
      if (candidate === this.#candidate) {
        this.#brokeDown(how)
      }
    })
    this.#candidate = candidate
    candidate.link.listen((message) => this.#hear(candidate.link, message))
  }

  #hear(link: HostLink, message: HostMessage): void {
    switch (message.kind) {
      case 'welcome':
        this.#welcomed(link, message.term, message.protocol)
        break
      case 'refused':
        this.#end(new FirnDBError('Locked', message.message))
        break
      case 'fatal':
        this.#requests.lose(message.term, message)
        if (link === this.#candidate?.link) {
          this.#brokeDown(message)
        }
        break
      case 'failed':
        this.#end(fromSent(message.error))
        break
      case 'stopped':
        this.#stopped?.()
        break
      default:
        this.#requests.receive(message)
    }
  }

  #welcomed(link: HostLink, term: number, protocol: number): void {
    if (protocol !== PROTOCOL) {
      this.#end(new FirnDBError('Locked', versionMismatch(PROTOCOL, protocol)))
      return
    }
    if (term <= this.#ended) {
      return
    }
    clearTimeout(this.#hello)
    const { connected, term: latest } = this.#requests
    if (connected && term <= latest) {
      return
    }
    this.#leads = link === this.#candidate?.link
    if (this.#leads) {
      this.#breakdowns = 0
    }
    this.#requests.connect(link, term)
    this.#watch(term)
    this.#opened.resolve()
  }

  /** Notices the end of the leader of `term`. */
  #watch(term: number): void {
    const { name, locks } = this.#context
    if (!locks || isMemory(name)) {
      return
    }
    whenFree(locks, termLock(name, term), this.#closed.signal, () => {
      this.#ended = Math.max(this.#ended, term)
      this.#requests.disconnect(term)
      setTimeout(() => this.#requests.lose(term), LAST_WORDS_MS)
      if (this.#requests.connected) {
        return
      }
      this.#greet(HELLO_MS.first)
      if (!this.#candidate) {
        this.#start()
      }
    })
  }

  /** The page's own worker is not to be used any more: another one takes its place. */
  #brokeDown({ code, message }: Breakdown): void {
    if (this.#leads) {
      this.#ended = this.#requests.term
      this.#requests.lose(this.#ended, { code, message })
      this.#leads = false
    }
    this.#candidate?.terminate()
    this.#candidate = undefined
    this.#stopped?.()
    this.#breakdowns += 1
    if (this.#closed.signal.aborted) {
      return
    }
    // What was in memory is lost: a fresh store in its place would hide that.
    const inMemory = isMemory(this.#context.name)
    if (inMemory && this.#ended > 0) {
      this.#end(new FirnDBError('Unavailable', `the engine broke down, and the store in memory is gone with it: ${message}`))
      return
    }
    if (!inMemory && this.#breakdowns <= RESTARTS) {
      this.#start()
    } else if (!this.#requests.connected) {
      this.#end(new FirnDBError(code, message))
      return
    }
    if (!this.#requests.connected) {
      this.#greet(HELLO_MS.first)
    }
  }

  #end(error: FirnDBError): void {
    this.#requests.end(error)
    this.#opened.reject(error)
    this.#closed.abort()
    clearTimeout(this.#hello)
    this.#candidate?.terminate()
    this.#candidate = undefined
    this.#stopped?.()
    this.#common?.close()
    this.#own?.close()
    this.#release?.()
  }
}
