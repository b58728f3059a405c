/** The engine as WebAssembly within this process. */

import { readFile } from 'node:fs/promises'
import init, { Cancel, Database } from '../pkg/engine.js'
import type { Engine } from './engine.js'
import type { EngineOptions } from './protocol.js'
import type { OpenOptions } from './types.js'

/** Opens a store in memory, with the engine's code from `wasm` if that is not beside this file. */
export async function openWasm(name: string, options: EngineOptions, wasm: OpenOptions['wasm']): Promise<Engine> {
  await load(wasm)
  return { db: await Database.open(name, options), newCancel: () => new Cancel() }
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
