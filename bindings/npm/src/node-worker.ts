/** The thread of Node.js that has the engine as WebAssembly, with one store in memory. */

import { parentPort, workerData } from 'node:worker_threads'
import init, { Cancel, Database, onPanic } from '../pkg/engine.js'
import { reading } from './archive.js'
import { type Breakdown, breakdownOf, defect, isTrap } from './breakdown.js'
import type { Engine } from './engine.js'
import { toSent } from './errors.js'
import { type ClientLink, Host } from './host.js'
import { serveAlone } from './leader.js'
import type { ClientMessage, HostMessage, ThreadStart } from './protocol.js'

type Port = NonNullable<typeof parentPort>

const stop = new AbortController()
let host: Host | undefined
let broken = false

/** Serves whoever is at the other end of `port`, until that says stop. */
async function run(port: Port, { name, options, wasm, archive }: ThreadStart): Promise<void> {
  const own: ClientLink = {
    post: (message, transfer = []) => port.postMessage(message, transfer),
    listen: (listener) => void port.on('message', (message: ClientMessage) => listener(message)),
    close: () => port.close(),
  }
  const breakDown = (how: Breakdown) => {
    if (broken) {
      return
    }
    broken = true
    if (host) {
      host.breakDown(how)
    } else {
      own.post({ kind: 'fatal', term: 0, ...how })
    }
  }
  // A trap is an exception in a task of the engine that nobody awaits. Here it ends this thread and not the process.
  process.on('uncaughtException', (error) => breakDown(breakdownOf(error)))
  process.on('unhandledRejection', (reason) => breakDown(breakdownOf(reason)))
  port.on('message', ({ kind }: { kind: string }) => {
    if (kind === 'stop') {
      stop.abort()
    }
  })
  try {
    await init({ module_or_path: wasm })
    onPanic((message: string) => breakDown(defect(message)))
    const db = await (archive
      ? Database.load(name, options, reading((from, to) => archive.subarray(from, to)))
      : Database.open(name, options))
    const engine: Engine = { db, newCancel: () => new Cancel() }
    host = new Host(engine, (trap) => breakDown(breakdownOf(trap)))
    await serveAlone(host, own, stop.signal)
    own.post({ kind: 'stopped' } satisfies HostMessage)
  } catch (error) {
    if (isTrap(error)) {
      breakDown(breakdownOf(error))
    } else if (!broken) {
      own.post({ kind: 'failed', error: toSent(error) })
    }
  }
}

if (parentPort) {
  void run(parentPort, workerData as ThreadStart)
}
