/**
 * The engine as WebAssembly in Node.js, each store in a thread of its own.
 *
 * In the thread of its caller a trap would be an exception of a microtask, which nobody can catch: it ends the process,
 * and what it leaves cannot be used, by no other store either, as a module is instantiated once per thread. The
 * exceptions of a thread end that thread, and memory that is not to be trusted any more goes with it. What a caller does
 * meanwhile does not wait for statements, either.
 */

import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type Breakdown, defect } from './breakdown.js'
import { type Candidate, Connection } from './connection.js'
import type { Backend } from './database.js'
import { fromSent, toSent } from './errors.js'
import type { ClientMessage, HostMessage, ThreadStart } from './protocol.js'
import type { OpenOptions, StorageReport } from './types.js'

/** Opens a store in memory, with the engine's code from `wasm` if that is not beside this file. */
export async function openWasm(
  start: Omit<ThreadStart, 'wasm'>,
  wasm: OpenOptions['wasm'],
  report: StorageReport,
): Promise<Backend> {
  const thread = new Thread({ ...start, wasm: await compiled(wasm) })
  const connection = await thread.busy(
    Connection.open({
      name: start.name,
      client: 'own',
      // A store in memory is of one client: there is nobody to agree with.
      locks: undefined,
      openChannel: (name) => new BroadcastChannel(name),
      spawn: (broken) => thread.spawn(broken),
    }),
  )
  return {
    submit: (operation, how) => thread.busy(connection.submit(operation, how)),
    storage: async () => report,
    close: () => thread.busy(connection.close()),
  }
}

/** A thread, which keeps the process from ending only while something is asked of it. */
class Thread {
  readonly #start: ThreadStart
  #worker: Worker | undefined
  #waiting = 0

  constructor(start: ThreadStart) {
    this.#start = start
  }

  /** Keeps the process until `work` is done. */
  async busy<T>(work: Promise<T>): Promise<T> {
    this.#waiting += 1
    this.#worker?.ref()
    try {
      return await work
    } finally {
      this.#waiting -= 1
      if (this.#waiting === 0) {
        this.#worker?.unref()
      }
    }
  }

  /** Starts it; `broken` is called when it cannot run, or ends by an error of its own. */
  spawn(broken: (how: Breakdown) => void): Candidate {
    const { archive } = this.#start
    const worker = new Worker(new URL('./node-worker.mjs', import.meta.url), {
      workerData: this.#start,
      transferList: archive ? [archive.buffer as ArrayBuffer] : [],
    })
    this.#worker = worker
    worker.on('error', (error) => broken(defect(`the thread of the engine ended: ${toSent(error).message}`)))
    worker.on('messageerror', () => broken(defect('a message of the engine could not be read')))
    worker.on('exit', (code) => broken(defect(`the thread of the engine ended with ${code}`)))
    return {
      link: {
        post: (message: ClientMessage) => worker.postMessage(message),
        listen: (listener) => void worker.on('message', (message: HostMessage) => listener(message)),
        close: () => undefined,
      },
      stop: () => worker.postMessage({ kind: 'stop' }),
      terminate: () => void worker.terminate(),
    }
  }
}

/** The engine's code by its address: a process compiles it once. */
const modules = new Map<string, Promise<WebAssembly.Module>>()

async function compiled(wasm: OpenOptions['wasm']): Promise<WebAssembly.Module> {
  try {
    if (wasm instanceof WebAssembly.Module) {
      return wasm
    }
    if (wasm !== undefined && typeof wasm !== 'string' && !(wasm instanceof URL)) {
      return await WebAssembly.compile(wasm)
    }
    const base = wasm === undefined ? import.meta.url : pathToFileURL(`${process.cwd()}/`)
    const { href } = new URL(wasm ?? './engine_bg.wasm', base)
    const module = modules.get(href) ?? read(href).then((bytes) => WebAssembly.compile(bytes))
    modules.set(href, module)
    // Another time it may be there.
    module.catch(() => modules.delete(href))
    return await module
  } catch (error) {
    throw fromSent(toSent(error))
  }
}

async function read(href: string): Promise<BufferSource> {
  if (href.startsWith('file:')) {
    return new Uint8Array(await readFile(new URL(href)))
  }
  const response = await fetch(href)
  if (!response.ok) {
    throw new Error(`${href}: ${response.status} ${response.statusText}`)
  }
  return response.arrayBuffer()
}
