/** The engine as WebAssembly within this process. */

import { readFile } from 'node:fs/promises'
import init, { Cancel, Database } from '../pkg/engine.js'
import { reading } from './archive.js'
import type { Engine } from './engine.js'
import { fromSent, toSent } from './errors.js'
import type { EngineOptions } from './protocol.js'
import type { OpenOptions } from './types.js'

/** Opens a store in memory, with the engine's code from `wasm` if that is not beside this file. */
export function openWasm(name: string, options: EngineOptions, wasm: OpenOptions['wasm']): Promise<Engine> {
  return opened(wasm, () => Database.open(name, options))
}

/** Makes a store in memory of `archive`. */
export function loadByWasm(
  name: string,
  options: EngineOptions,
  wasm: OpenOptions['wasm'],
  archive: Uint8Array,
): Promise<Engine> {
  const read = reading((from, to) => archive.subarray(from, to))
  return opened(wasm, () => Database.load(name, options, read))
}

async function opened(wasm: OpenOptions['wasm'], open: () => Promise<Database>): Promise<Engine> {
  try {
    loading ??= load(wasm)
    await loading
  } catch (error) {
    // Another address may be better.
    loading = undefined
    throw fromSent(toSent(error))
  }
  const db = await open().catch((error: unknown) => {
    throw fromSent(toSent(error))
  })
  return { db, newCancel: () => new Cancel() }
}

/** The engine's code, which a process loads once. */
let loading: Promise<unknown> | undefined

async function load(wasm: OpenOptions['wasm']): Promise<unknown> {
  const address = wasm ?? new URL('./engine_bg.wasm', import.meta.url)
  const isFile = address instanceof URL && address.protocol === 'file:'
  const module_or_path = isFile ? await readFile(address) : address
  return init({ module_or_path })
}
