/** An open database, whatever lies between it and the engine. */

import { Access, type Shared } from './access.js'
import { ArchiveParts } from './archive.js'
import { FirnDBError } from './errors.js'
import type { Operation, Speaker } from './protocol.js'
import type { Answered, RequestOptions } from './requests.js'
import { Stays } from './stays.js'
import { quotedName } from './template.js'
import type { OpenOptions, StorageReport } from './types.js'

/** The way to the engine. */
export interface Backend {
  submit(operation: Operation, options?: RequestOptions): Promise<Answered>
  storage(): Promise<StorageReport>
  close(): Promise<void>
}

/** Whoever opens a database. */
export type Opener = Pick<Speaker, 'user' | 'role'>

/** A database in the name of a user; it is closed with the one that it is of. */
export class UserDatabase extends Access {}

/** An open database. */
export class Database extends Access {
  readonly #backend: Backend
  readonly #shared: Shared

  /** @internal */
  constructor(backend: Backend, opener: Opener = {}) {
    const shared = sharedBy(backend)
    super(shared, () => opener)
    this.#backend = backend
    this.#shared = shared
  }

  /** @internal Resolves to `db`, which was just opened, if the store knows whoever opened it. */
  static async admitted<D extends Database>(db: D): Promise<D> {
    const { user, role } = db.speaker
    if (user !== undefined || role !== undefined) {
      try {
        await db.query('SELECT 1')
      } catch (error) {
        await db.close()
        throw error
      }
    }
    return db
  }

  /**
   * The same database in the name of `user`: every statement is done as within `EXECUTE AS USER`, so it sees and writes
   * that user's rows, with what both `user` and whoever opened the database may do. `system.audit_log` has each of them.
   * A user whom the store does not know is refused with `PermissionDenied` by the first statement.
   */
  as(user: string): UserDatabase {
    if (typeof user !== 'string') {
      throw new FirnDBError('InvalidInput', 'as() takes the id of a user, a string')
    }
    return new UserDatabase(this.#shared, () => ({ ...this.speaker, as: user }))
  }

  /** Writes the rows of `table` (`name` or `namespace.name`), or of all tables, to Parquet files. */
  async flush(table?: string): Promise<void> {
    await this.query(table === undefined ? 'STORAGE FLUSH ALL' : `STORAGE FLUSH TABLE ${quotedName(table)}`)
  }

  /** What the engine did since it was opened, by whichever tab. */
  async stats(): Promise<Record<string, number>> {
    return (await this.perform({ op: 'stats' })).reply as Record<string, number>
  }

  /**
   * The whole store as one archive, a tar file, as it is at one moment. `FirnDB.load` makes a store of it here or
   * elsewhere, as does the program `firndb load`. Others write on meanwhile.
   */
  async dump(): Promise<Blob> {
    const archive = new ArchiveParts()
    await this.perform({ op: 'dump' }, { onPart: (part) => archive.add(part) })
    return archive.whole()
  }

  /** Where the data lie, whether the browser keeps them, and how much room there is. */
  storage(): Promise<StorageReport> {
    return this.#backend.storage()
  }

  /** Ends live queries and loops over changes, waits for what else was asked for, then lets go of the store. */
  close(): Promise<void> {
    this.#shared.stays.close()
    return this.#backend.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function sharedBy(backend: Backend): Shared {
  let sessions = 0
  return {
    submit: (operation, options) => backend.submit(operation, options),
    newSession: () => ++sessions,
    stays: new Stays(),
  }
}

/** Who opens a database, of the options; what is no name is refused, so that nobody is taken for `root` by mistake. */
export function openerOf({ user, role }: Pick<OpenOptions, 'user' | 'role'>): Opener {
  if (user !== undefined && typeof user !== 'string') {
    throw new FirnDBError('InvalidInput', 'the option user is the id of a user, a string')
  }
  if (role !== undefined && !['user', 'service', 'dba', 'system'].includes(role)) {
    throw new FirnDBError('InvalidInput', "the option role is 'user', 'service', 'dba' or 'system'")
  }
  return { ...(user === undefined ? {} : { user }), ...(role === undefined ? {} : { role }) }
}
