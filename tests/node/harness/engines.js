/** The engines that Node.js has, and where each keeps a store. */

import { FirnDB } from '../../../bindings/npm/dist/node.js'
import { freshDirectory } from './directory.js'

const directories = []

/** Opens stores in directories. */
export const inDirectory = {
  kind: 'directory',
  open: async () => {
    const directory = await freshDirectory()
    directories.push(directory)
    return FirnDB.open(directory.path)
  },
  clear: () => Promise.all(directories.map(({ remove }) => remove())),
}

/** Opens stores in memory, of the addon. */
export const inMemory = { kind: 'memory', open: () => FirnDB.open('memory://'), clear: async () => {} }

/** Opens stores in memory, of WebAssembly. */
export const inWasmMemory = { ...inMemory, open: () => FirnDB.open('memory://', { addon: false }) }
