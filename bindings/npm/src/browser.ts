/** The package in browsers: the engine in a worker, shared by all tabs of the origin. */

import { type Archive, toBlob } from './archive.js'
import { type Breakdown, defect } from './breakdown.js'
import { type Candidate, Connection } from './connection.js'
import { type Backend, Database, openerOf } from './database.js'
import { FirnDBError, fromSent } from './errors.js'
import { portLink } from './link.js'
import { checkLocks } from './locks.js'
import { type EngineOptions, type HostMessage, isMemory, type WasmSource, type WorkerMessage } from './protocol.js'
import { settingTexts } from './settings.js'
import type { OpenOptions, StorageReport } from './types.js'
import { toSource } from './wasm-source.js'

export type { Archive } from './archive.js'
export { Transaction } from './access.js'
export type { Changes } from './changes.js'
export { UserDatabase } from './database.js'
export type { Copied } from './engine.js'
export { type ErrorCode, FirnDBError, type Position } from './errors.js'
export type { Live, LiveQuery } from './live.js'
export type { Statement } from './queryable.js'
export { readArrow } from './rows.js'
export type {
  ArrowRows,
  Change,
  ChangesOptions,
  CopyFromOptions,
  CopyOptions,
  CopySource,
  CopyToOptions,
  Field,
  Limits,
  LiveOptions,
  OpenOptions,
  Param,
  QueryOptions,
  Result,
  Role,
  Row,
  SettingValue,
  StorageReport,
} from './types.js'

/** An open database. */
export class FirnDB extends Database {
  /**
   * Opens the store `name` of this origin, making it if it is not there. All tabs that have it open share one engine.
   * `memory://` is a store of this page alone that ends with it.
   */
  static async open(name: string, options: OpenOptions = {}): Promise<FirnDB> {
    return FirnDB.#opened(name, options)
  }

  /**
   * Makes the store `name` of an archive that {@link Database.dump} or the program `firndb dump` wrote, and opens it as
   * {@link open} does.
   *
   * Rejects with `AlreadyExists` where there is a store, with `Locked` while it is open, and with `Corrupt` for an archive
   * that is not whole; nothing is left of it then.
   */
  static async load(name: string, archive: Archive, options: OpenOptions = {}): Promise<FirnDB> {
    checkName(name)
    const blob = toBlob(archive)
    if (isMemory(name)) {
      return FirnDB.#opened(name, options, blob)
    }
    checkLocks(navigator.locks)
    const engine = engineOptions(options)
    const wasm = await toSource(options.wasm, globalThis.location.href)
    await byWorker(options.worker, (port) => ({ kind: 'load', name, options: engine, wasm, port, archive: blob }))
    return FirnDB.#opened(name, options)
  }

  /** `archive` is what a store in memory is made of. */
  static async #opened(name: string, options: OpenOptions, archive?: Blob): Promise<FirnDB> {
    checkName(name)
    const opener = openerOf(options)
    const engine = engineOptions(options)
    const wasm = await toSource(options.wasm, globalThis.location.href)
    if (!isMemory(name) && options.persist !== false) {
      // Not awaited: a browser may ask the user. The answer is in the report of storage().
      void navigator.storage?.persist?.().catch(() => false)
    }
    const client = randomId()
    const connection = await Connection.open({
      name,
      client,
      locks: navigator.locks,
      openChannel: (channel) => new BroadcastChannel(channel),
      spawn: (broken) => spawn({ name, client, wasm, options: engine, ...(archive ? { archive } : {}) }, options.worker, broken),
    })
    const unfollow = followPage(connection)
    const backend: Backend = {
      submit: (operation, how) => connection.submit(operation, how),
      storage: () => report(name),
      close: () => {
        unfollow()
        return connection.close()
      },
    }
    return Database.admitted(new FirnDB(backend, opener))
  }

  /**
   * Deletes the store `name` of this origin with all that is in it; one that does not exist is no error. `wasm` and
   * `worker` are as for {@link open}. Rejects with `Locked` while it is open, here or in another tab.
   */
  static async delete(name: string, options: Pick<OpenOptions, 'wasm' | 'worker'> = {}): Promise<void> {
    checkName(name)
    if (isMemory(name)) {
      return
    }
    checkLocks(navigator.locks)
    const wasm = await toSource(options.wasm, globalThis.location.href)
    await byWorker(options.worker, (port) => ({ kind: 'delete', name, wasm, port }))
  }
}

function checkName(name: string): void {
  if (typeof name !== 'string' || name === '') {
    throw new FirnDBError('InvalidInput', 'expected the name of a store, such as "notes" or "memory://"')
  }
}

/** Tells `connection` when the page goes and when it comes back; gives what ends that. */
function followPage(connection: Connection): () => void {
  const hide = () => connection.suspend()
  const show = (event: PageTransitionEvent) => {
    if (event.persisted) {
      connection.resume()
    }
  }
  globalThis.addEventListener('pagehide', hide)
  globalThis.addEventListener('pageshow', show)
  return () => {
    globalThis.removeEventListener('pagehide', hide)
    globalThis.removeEventListener('pageshow', show)
  }
}

/** What a worker is to lead. */
interface Post {
  name: string
  client: string
  options: EngineOptions
  wasm: WasmSource
  archive?: Blob
}

function spawn(post: Post, from: OpenOptions['worker'], broken: (how: Breakdown) => void): Candidate {
  const worker = makeWorker(from, broken)
  const { port1, port2 } = new MessageChannel()
  const send = (message: WorkerMessage, transfer: Transferable[] = []) => worker.postMessage(message, transfer)
  send({ kind: 'start', ...post, port: port2 }, [port2])
  return {
    link: portLink(port1),
    stop: () => send({ kind: 'stop' }),
    terminate: () => {
      worker.onerror = null
      worker.terminate()
      port1.close()
    },
  }
}

/** What of `options` is the engine's. */
function engineOptions({ durability, limits, settings }: OpenOptions): EngineOptions {
  return {
    ...(durability === undefined ? {} : { durability }),
    ...(limits === undefined ? {} : { limits }),
    ...(settings === undefined ? {} : { settings: settingTexts(settings) }),
  }
}

/** Has a worker of its own do one thing, and waits for the end of it. */
async function byWorker(
  from: OpenOptions['worker'],
  task: (port: MessagePort) => Extract<WorkerMessage, { kind: 'load' | 'delete' }>,
): Promise<void> {
  const { port1, port2 } = new MessageChannel()
  let worker: Worker | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      const broken = ({ code, message }: Breakdown) => reject(new FirnDBError(code, message))
      const link = portLink<never, HostMessage>(port1)
      link.listen((message) => {
        if (message.kind === 'failed') {
          reject(fromSent(message.error))
        } else if (message.kind === 'fatal') {
          broken(message)
        } else {
          resolve()
        }
      })
      worker = makeWorker(from, broken)
      worker.postMessage(task(port2), [port2])
    })
  } finally {
    worker?.terminate()
    port1.close()
  }
}

/** Starts the worker of the engine; `broken` is called when it cannot run, or ends by an error of its own. */
function makeWorker(from: OpenOptions['worker'], broken: (how: Breakdown) => void): Worker {
  const worker = newWorker(from)
  worker.onerror = (event) => {
    event.preventDefault()
    broken(defect(event.message || 'the worker of the engine could not be started: is its file served with the package?'))
  }
  worker.onmessageerror = () => broken(defect('the worker of the engine could not read a message'))
  return worker
}

function newWorker(from: OpenOptions['worker']): Worker {
  if (typeof from === 'function') {
    return from()
  }
  if (from !== undefined) {
    return new Worker(from, { type: 'module' })
  }
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
}

/** Not a secret; `crypto.randomUUID` is only there in secure contexts, stores in memory everywhere. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function report(name: string): Promise<StorageReport> {
  if (isMemory(name)) {
    return { kind: 'memory', persisted: false }
  }
  const storage: StorageManager | undefined = navigator.storage
  const persisted = (await storage?.persisted?.()) ?? false
  const { usage, quota } = (await storage?.estimate?.()) ?? {}
  return {
    kind: 'browser',
    persisted,
    ...(usage === undefined ? {} : { usageBytes: usage }),
    ...(quota === undefined ? {} : { quotaBytes: quota }),
  }
}
