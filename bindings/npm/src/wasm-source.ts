/** Where the engine's code comes from, in a form that can be sent to a worker. */

import type { WasmSource } from './protocol.js'
import type { OpenOptions } from './types.js'

/** `wasm` as an absolute address or a compiled module; addresses are relative to `base`. */
export async function toSource(wasm: OpenOptions['wasm'], base: string): Promise<WasmSource> {
  if (wasm === undefined || wasm instanceof WebAssembly.Module) {
    return wasm
  }
  if (typeof wasm === 'string' || wasm instanceof URL) {
    return new URL(wasm, base).href
  }
  return WebAssembly.compile(wasm)
}
