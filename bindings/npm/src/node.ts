/** The package in Node.js: the engine as WebAssembly in the process, with stores in memory. */

import { readFile } from 'node:fs/promises'
import init, { Cancel, Database as Engine } from '../pkg/engine.js'
import { Database } from './database.js'
import { FirnDBError } from './errors.js'
import { Host } from './host.js'
import { work } from './leader.js'
import { pair } from './pair.js'
import { type ClientMessage, type HostMessage, isMemory } from './protocol.js'
import { Requests } from './requests.js'
import type { OpenOptions } from './types.js'

export { Transaction } from './database.js'
export { type ErrorCode, FirnDBError } from './errors.js'
export type { Statement } from './queryable.js'
export type { Field, OpenOptions, Param, QueryOptions, Result, Row, StorageReport } from './types.js'

/** The only term: the engine ends with the process. */
const TERM = 1

/** An open database. */
export class FirnDB extends Database {
  /** Opens a store in memory: `name` is `memory://`. It ends with the process. */
  static async open(name: string, options: OpenOptions = {}): Promise<FirnDB> {
    if (typeof name !== 'string' || !isMemory(name)) {
      throw new FirnDBError('Unsupported', `in Node.js there are only stores in memory: expected "memory://", found "${name}"`)
    }
    await load(options.wasm)
    const engine = await Engine.open(name, options.durability ? { durability: options.durability } : {})
    const [toClient, toHost] = pair<HostMessage, ClientMessage>()
    const host = new Host({ db: engine, newCancel: () => new Cancel() })
    host.welcome(toClient, TERM)
    const requests = new Requests()
    toHost.listen((message) => requests.receive(message))
    requests.connect(toHost, TERM)
    const stop = new AbortController()
    void work(engine, stop.signal)
    return new FirnDB({
      submit: (operation, how) => requests.submit(operation, how),
      storage: async () => ({ kind: 'memory', persisted: false }),
      close: async () => {
        await requests.idle()
        stop.abort()
        requests.end(new FirnDBError('Unavailable', 'the database was closed'))
        await engine.close()
      },
    })
  }
}

let loading: Promise<unknown> | undefined

/** Loads the engine's code, once for the process. */
function load(wasm: OpenOptions['wasm']): Promise<unknown> {
  loading ??= (async () => {
    const address = wasm ?? new URL('./engine_bg.wasm', import.meta.url)
    const isFile = address instanceof URL && address.protocol === 'file:'
    const module_or_path = isFile ? await readFile(address) : address
    return init({ module_or_path })
  })()
  return loading
}
