/** The engine's worker: waits for its turn to lead a store, or has one in memory for its own page. */

import init, { Cancel, Database, deleteStore, onPanic } from '../pkg/engine.js'
import { reading } from './archive.js'
import { type Breakdown, breakdownOf, defect, isTrap } from './breakdown.js'
import type { Engine, OpenEngine } from './engine.js'
import { toSent } from './errors.js'
import { type ClientLink, Host } from './host.js'
import { lead, serveAlone } from './leader.js'
import { portLink } from './link.js'
import { isMemory, type WasmSource, type WorkerMessage } from './protocol.js'
import { whileClosed } from './exclusive.js'

/** What is used of the worker's global scope. */
interface Scope {
  onmessage: ((event: MessageEvent<WorkerMessage>) => void) | null
  addEventListener(type: 'error', listener: (event: ErrorEvent) => void): void
  addEventListener(type: 'unhandledrejection', listener: (event: PromiseRejectionEvent) => void): void
  close(): void
}

type Start = Extract<WorkerMessage, { kind: 'start' }>
type Load = Extract<WorkerMessage, { kind: 'load' }>
type Delete = Extract<WorkerMessage, { kind: 'delete' }>

/** Reads without waiting, as only workers may. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer
}

const scope = globalThis as unknown as Scope
const stop = new AbortController()
let own: ClientLink | undefined
let host: Host | undefined
let broken = false

scope.onmessage = ({ data }) => {
  if (data.kind === 'stop') {
    stop.abort()
    return
  }
  own = portLink(data.port)
  void run(data, own)
}

async function run(task: Start | Load | Delete, own: ClientLink): Promise<void> {
  try {
    if (task.kind === 'delete') {
      await remove(task)
    } else if (task.kind === 'load') {
      await whileClosed(navigator.locks, task.name, () => loadArchive(task))
    } else {
      const engine = opener(task.wasm)
      await (isMemory(task.name) ? inMemory(task, own, engine) : candidate(task, own, engine))
    }
    own.post({ kind: 'stopped' })
  } catch (error) {
    if (isTrap(error)) {
      breakDown(breakdownOf(error))
    } else if (!broken) {
      own.post({ kind: 'failed', error: toSent(error) })
    }
  }
}

async function candidate(start: Start, own: ClientLink, openEngine: OpenEngine): Promise<void> {
  await lead({
    name: start.name,
    options: start.options,
    client: start.client,
    own,
    openEngine,
    locks: navigator.locks,
    openChannel: (name) => new BroadcastChannel(name),
    signal: stop.signal,
    hostOf,
  })
}

/** A store in memory is of one page: there is nobody to share it with. */
async function inMemory(start: Start, own: ClientLink, openEngine: OpenEngine): Promise<void> {
  const { name, options, archive } = start
  const engine = await (archive ? loaded({ ...start, archive }) : openEngine(name, options))
  await serveAlone(hostOf(engine), own, stop.signal)
}

/** Makes a store of an archive, for whoever opens it. */
async function loadArchive(task: Load): Promise<void> {
  const { db } = await loaded(task)
  await db.close()
}

/** A store made of an archive, open. */
async function loaded({ name, options, wasm, archive }: Omit<Load, 'kind'>): Promise<Engine> {
  await load(wasm)
  const reader = new FileReaderSync()
  const read = reading((from, to) => new Uint8Array(reader.readAsArrayBuffer(archive.slice(from, to))))
  return { db: await Database.load(name, options, read), newCancel: () => new Cancel() }
}

async function remove({ name, wasm }: Delete): Promise<void> {
  await load(wasm)
  await whileClosed(navigator.locks, name, () => deleteStore(name))
}

function hostOf(engine: Engine): Host {
  host = new Host(engine, (trap) => breakDown(breakdownOf(trap)))
  return host
}

/** Opens engines, after loading the code once. */
function opener(wasm: WasmSource): OpenEngine {
  return async (name, options) => {
    await load(wasm)
    return { db: await Database.open(name, options), newCancel: () => new Cancel() }
  }
}

async function load(wasm: WasmSource): Promise<void> {
  await init({ module_or_path: wasm ?? new URL('./engine_bg.wasm', import.meta.url) })
  onPanic((message: string) => breakDown(defect(message)))
}

/** Tells every client what happened, and ends: the memory of an engine that broke down is not to be trusted. */
function breakDown(how: Breakdown): void {
  if (broken) {
    return
  }
  broken = true
  if (host) {
    host.breakDown(how)
  } else {
    own?.post({ kind: 'fatal', term: 0, ...how })
  }
  // What was posted is under way; the lock goes with the worker.
  setTimeout(() => scope.close())
}

// A trap, such as a stack overflow, is an exception in a task of the engine that nobody awaits.
scope.addEventListener('error', (event) => breakDown(event.error ? breakdownOf(event.error) : defect(event.message)))
scope.addEventListener('unhandledrejection', (event) => breakDown(breakdownOf(event.reason)))
