/** The engines that Node.js has, and where each keeps a store. */

import { FirnDB } from '../../../bindings/npm/dist/node.js'
import { freshDirectory } from './directory.js'

const directories = []

async function anyPath() {
  const directory = await freshDirectory()
  directories.push(directory)
  return directory.path
}

/** Opens stores in directories. `levels` is how deep a statement may nest at most. */
export const inDirectory = {
  kind: 'directory',
  levels: 256,
  open: async (options) => FirnDB.open(await anyPath(), options),
  load: async (archive, options) => FirnDB.load(await anyPath(), archive, options),
  clear: () => Promise.all(directories.map(({ remove }) => remove())),
}

/** Opens stores in memory, of the addon. */
export const inMemory = {
  kind: 'memory',
  levels: 256,
  open: (options) => FirnDB.open('memory://', options),
  load: (archive, options) => FirnDB.load('memory://', archive, options),
  clear: async () => {},
}

/** Opens stores in memory, of WebAssembly. */
export const inWasmMemory = {
  ...inMemory,
  isWasm: true,
  levels: 128,
  open: (options) => FirnDB.open('memory://', { ...options, addon: false }),
  load: (archive, options) => FirnDB.load('memory://', archive, { ...options, addon: false }),
}
