/** The package in Node.js: the engine as an addon over directories, or as WebAssembly with stores in memory. */

import { openAddon } from './addon.js'
import { findAddon } from './addon-loader.js'
import { Database } from './database.js'
import type { Engine } from './engine.js'
import { FirnDBError } from './errors.js'
import { inProcess } from './in-process.js'
import { type Location, locate } from './location.js'
import type { EngineOptions } from './protocol.js'
import type { NodeOpenOptions, StorageReport } from './types.js'
import { openWasm } from './wasm-engine.js'

export { Transaction } from './database.js'
export { type ErrorCode, FirnDBError, type Position } from './errors.js'
export type { Statement } from './queryable.js'
export type {
  Field,
  NodeOpenOptions as OpenOptions,
  Param,
  QueryOptions,
  Result,
  Row,
  StorageReport,
} from './types.js'

/** An open database. */
export class FirnDB extends Database {
  /**
   * Opens the store in the directory `name` (a path or a `file:` URL), making it if it is not there; `memory://` is a
   * store that ends with this object.
   *
   * Rejects with `Locked` while the store is open elsewhere, unless it is opened with `readOnly`, and with
   * `Unsupported` for a directory where there is no addon for the platform.
   */
  static async open(name: string | URL, options: NodeOpenOptions = {}): Promise<FirnDB> {
    const location = locate(name)
    const engine = await openEngine(location, options, engineOptions(options, location))
    const report: StorageReport =
      location.kind === 'memory' ? { kind: 'memory', persisted: false } : { kind: 'directory', persisted: true }
    return new FirnDB(inProcess(engine, report))
  }
}

async function openEngine(location: Location, options: NodeOpenOptions, engine: EngineOptions): Promise<Engine> {
  const inMemory = location.kind === 'memory'
  const found =
    options.addon === false ? { missing: 'the addon was declined by the option addon' } : findAddon(options.addon)
  if ('addon' in found) {
    return openAddon(found.addon, inMemory ? MEMORY : location.path, engine)
  }
  if (inMemory && !options.addon) {
    return openWasm(MEMORY, engine, options.wasm)
  }
  throw new FirnDBError(
    'Unsupported',
    `${found.missing}. Without an addon, Node.js has stores in memory only: open "memory://"`,
  )
}

const MEMORY = 'memory://'

/** What of `options` is the engine's; what is none of its values is refused. */
function engineOptions({ durability, readOnly, blobs }: NodeOpenOptions, location: Location): EngineOptions {
  if (![undefined, 'strict', 'relaxed'].includes(durability)) {
    throw new FirnDBError('InvalidInput', "the option durability is 'strict' or 'relaxed'")
  }
  if (![undefined, true, false].includes(readOnly)) {
    throw new FirnDBError('InvalidInput', 'the option readOnly is true or false')
  }
  if (blobs !== undefined && typeof blobs !== 'string') {
    throw new FirnDBError('InvalidInput', 'the option blobs is a URL, such as s3://bucket/prefix')
  }
  if (blobs !== undefined && location.kind === 'memory') {
    throw new FirnDBError('InvalidInput', 'the option blobs is for stores in a directory: one in memory is there entirely')
  }
  return {
    ...(durability === undefined ? {} : { durability }),
    ...(readOnly === undefined ? {} : { readOnly }),
    ...(blobs === undefined ? {} : { blobs }),
  }
}
