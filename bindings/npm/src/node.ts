/** The package in Node.js: the engine as an addon over directories, or as WebAssembly with stores in memory. */

import { loadByAddon, openAddon } from './addon.js'
import { findAddon } from './addon-loader.js'
import { type Archive, toBlob } from './archive.js'
import { type Backend, Database, openerOf } from './database.js'
import { FirnDBError } from './errors.js'
import { inProcess } from './in-process.js'
import { type Location, locate } from './location.js'
import type { EngineOptions } from './protocol.js'
import { settingTexts } from './settings.js'
import type { BackupReport, NodeOpenOptions, StorageReport } from './types.js'
import { openWasm } from './wasm-thread.js'

export type { Archive } from './archive.js'
export { Transaction } from './access.js'
export type { Changes } from './changes.js'
export { UserDatabase } from './database.js'
export type { Copied } from './engine.js'
export { type ErrorCode, FirnDBError, type Position } from './errors.js'
export type { Live, LiveQuery } from './live.js'
export type { Statement } from './queryable.js'
export { readArrow } from './rows.js'
export type {
  ArrowRows,
  BackupReport,
  Change,
  ChangesOptions,
  CopyFromOptions,
  CopyOptions,
  CopySource,
  CopyToOptions,
  Field,
  Limits,
  LiveOptions,
  NodeOpenOptions as OpenOptions,
  Param,
  QueryOptions,
  Result,
  Role,
  Row,
  SettingValue,
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
    return FirnDB.#opened(name, options)
  }

  /**
   * Makes the store `name` of an archive that {@link Database.dump} or the program `firndb dump` wrote, and opens it as
   * {@link open} does. The archive is in memory meanwhile.
   *
   * Rejects with `AlreadyExists` where there is a store, and with `Corrupt` for an archive that is not whole; nothing is
   * left of it then.
   */
  static async load(name: string | URL, archive: Archive, options: NodeOpenOptions = {}): Promise<FirnDB> {
    const blob = toBlob(archive)
    if (options.readOnly) {
      throw new FirnDBError('InvalidInput', 'an archive cannot be loaded with the option readOnly')
    }
    return FirnDB.#opened(name, options, new Uint8Array(await blob.arrayBuffer()))
  }

  /**
   * Copies the store to the directory `target` (a path or a `file:` URL), which must be absent or empty, and appears when
   * it is whole. The copy is a store like any other, with what was at a URL in it. It has every statement that was
   * acknowledged before the call; one that comes later is in it entirely or not at all. Others go on writing.
   *
   * Rejects with `AlreadyExists` where something is at `target`, and with `Unsupported` on WebAssembly, where
   * {@link Database.dump} gives the store as one archive.
   */
  async backup(target: string | URL): Promise<BackupReport> {
    const location = locate(target)
    if (location.kind === 'memory') {
      throw new FirnDBError('InvalidInput', 'a backup is made in a directory: dump() gives the store in memory')
    }
    return (await this.perform({ op: 'backup', target: location.path })).reply as BackupReport
  }

  static async #opened(name: string | URL, options: NodeOpenOptions, archive?: Uint8Array): Promise<FirnDB> {
    const location = locate(name)
    const opener = openerOf(options)
    const backend = await openBackend(location, options, engineOptions(options, location), archive)
    return Database.admitted(new FirnDB(backend, opener))
  }
}

async function openBackend(
  location: Location,
  options: NodeOpenOptions,
  engine: EngineOptions,
  archive: Uint8Array | undefined,
): Promise<Backend> {
  const inMemory = location.kind === 'memory'
  const found =
    options.addon === false ? { missing: 'the addon was declined by the option addon' } : findAddon(options.addon)
  if ('addon' in found) {
    const path = inMemory ? MEMORY : location.path
    const opened = archive ? loadByAddon(found.addon, path, engine, archive) : openAddon(found.addon, path, engine)
    return inProcess(await opened, inMemory ? IN_MEMORY : { kind: 'directory', persisted: true })
  }
  if (inMemory && !options.addon) {
    const start = { name: MEMORY, options: engine, ...(archive ? { archive } : {}) }
    return openWasm(start, options.wasm, IN_MEMORY)
  }
  throw new FirnDBError(
    'Unsupported',
    `${found.missing}. Without an addon, Node.js has stores in memory only: open "memory://"`,
  )
}

const MEMORY = 'memory://'
const IN_MEMORY: StorageReport = { kind: 'memory', persisted: false }

/** What of `options` is the engine's; what is none of its values is refused. */
function engineOptions(options: NodeOpenOptions, location: Location): EngineOptions {
  const { durability, limits, settings, readOnly, blobs, files } = options
  if (![undefined, 'strict', 'relaxed'].includes(durability)) {
    throw new FirnDBError('InvalidInput', "the option durability is 'strict' or 'relaxed'")
  }
  for (const [name, limit] of Object.entries(limits ?? {})) {
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new FirnDBError('InvalidInput', `the limit ${name} is an integer from 0 on`)
    }
  }
  if (![undefined, true, false].includes(readOnly)) {
    throw new FirnDBError('InvalidInput', 'the option readOnly is true or false')
  }
  if (![undefined, true, false].includes(files)) {
    throw new FirnDBError('InvalidInput', 'the option files is true or false')
  }
  if (blobs !== undefined && typeof blobs !== 'string') {
    throw new FirnDBError('InvalidInput', 'the option blobs is a URL, such as s3://bucket/prefix')
  }
  if (blobs !== undefined && location.kind === 'memory') {
    throw new FirnDBError('InvalidInput', 'the option blobs is for stores in a directory: one in memory is there entirely')
  }
  return {
    ...(durability === undefined ? {} : { durability }),
    ...(limits === undefined ? {} : { limits }),
    ...(settings === undefined ? {} : { settings: settingTexts(settings) }),
    ...(readOnly === undefined ? {} : { readOnly }),
    ...(blobs === undefined ? {} : { blobs }),
    ...(files === undefined ? {} : { files }),
  }
}
