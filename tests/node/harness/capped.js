/** The engine's WebAssembly with less memory than it would take: a real engine runs out of it soon. */

import { readFile } from 'node:fs/promises'

const BUILT = new URL('../../../bindings/npm/dist/engine_bg.wasm', import.meta.url)

/** How a module of WebAssembly begins, before its sections. */
const PREAMBLE_BYTES = 8
const MEMORY_SECTION = 5
const PAGE_BYTES = 65_536

/** The built module, whose memory ends at `bytes`, or where it begins. */
export async function capped(bytes) {
  const module = await readFile(BUILT)
  for (let at = PREAMBLE_BYTES; at < module.length; ) {
    const [size, content] = unsigned(module, at + 1)
    if (module[at] === MEMORY_SECTION) {
      // One memory: its flags, of which the lowest says that there is a most, and its least number of pages.
      const [least] = unsigned(module, content + 2)
      const limits = [1, 1, ...written(least), ...written(Math.max(least, Math.floor(bytes / PAGE_BYTES)))]
      const section = Buffer.from([MEMORY_SECTION, ...written(limits.length), ...limits])
      return Buffer.concat([module.subarray(0, at), section, module.subarray(content + size)])
    }
    at = content + size
  }
  throw new Error('the module has no memory of its own')
}

/** The number at `at` in LEB128, and where it ends. */
function unsigned(bytes, at) {
  let value = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]
    value += (byte & 127) * 2 ** shift
    if (byte < 128) {
      return [value, at]
    }
  }
}

function written(value) {
  const bytes = []
  for (; value > 127; value = Math.floor(value / 128)) {
    bytes.push((value % 128) + 128)
  }
  return [...bytes, value]
}
