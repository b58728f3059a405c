/** The store of the page, and who is at it. */

import { FirnDB, FirnDBError, type OpenOptions, type Role } from 'firndb'
import type { Database } from './run.js'
import { Settling } from './settling.js'
import { askOthersToLeave, letOthersBack } from './windows.js'

/** The name of the store in the browser. */
export const STORE = 'playground'

/**
 * How the store is opened. All windows have one engine, so that files which were replaced need not stay for others for
 * long: that they go is seen.
 */
const OPTIONS: OpenOptions = { settings: { 'compaction.grace_ms': 10_000 } }

/** The name of a store that is only looked at. */
const INCOMING = `${STORE}-incoming`

/** Somebody who runs statements: a user with at most a role, who may act for another. */
export interface Who {
  readonly user: string
  readonly role?: Role
  /** In whose name statements are done, where that is not the user's own. */
  readonly as?: string
}

/** What views ask by: they say nothing that would hold for others who ask. */
const VIEWS = 'views'

/** Whoever opened the page, and owns what is in it. */
export const OWNER: Who = { user: 'root' }

/**
 * The open store. All its databases share one engine; `changed` tells listeners that something may be other than it was,
 * so that views look again.
 */
export class Store {
  readonly owner: FirnDB
  /**
   * Resolves when the first statement of a visit is answered, or when nobody has asked for one soon. What costs the engine
   * much, and can wait, waits for it: whoever comes back to a query is answered first.
   */
  readonly settled: Promise<void>
  readonly #settling = new Settling()
  readonly #opened = new Map<string, Promise<FirnDB>>()
  readonly #listeners = new Set<() => void>()

  private constructor(owner: FirnDB) {
    this.owner = owner
    this.settled = this.#settling.done
  }

  static async open(): Promise<Store> {
    return new Store(await FirnDB.open(STORE, OPTIONS))
  }

  /**
   * The store that `archive` holds, in the place of `old`, which is closed whatever comes of it; `onDeleted` is called once
   * that is gone. The archive is read twice: one that turns out not to be whole must not have cost anybody what was there.
   */
  static async replace(old: Store, archive: Blob, onDeleted: () => void): Promise<Store> {
    try {
      await FirnDB.delete(INCOMING)
      const tried = await FirnDB.load(INCOMING, archive)
      await tried.close()
    } catch (error) {
      await old.close()
      throw error
    } finally {
      await FirnDB.delete(INCOMING)
    }
    return Store.#alone(old, onDeleted, async () => new Store(await FirnDB.load(STORE, archive, OPTIONS)))
  }

  /** An empty store in the place of `old`, which is closed whatever comes of it; `onDeleted` is called once that is gone. */
  static reset(old: Store, onDeleted: () => void): Promise<Store> {
    return Store.#alone(old, onDeleted, Store.open)
  }

  /** Deletes `old`, which other windows let go of for as long as it takes, and opens what takes its place. */
  static async #alone(old: Store, onDeleted: () => void, open: () => Promise<Store>): Promise<Store> {
    askOthersToLeave()
    try {
      await old.close()
      await deleteOnceFree()
      onDeleted()
      return await open()
    } finally {
      letOthersBack()
    }
  }

  /**
   * The connection of `of` in the name of `who`: what a pane says of its session, such as USE, holds for that pane. Rejects
   * with `PermissionDenied` for whom the store does not know.
   */
  async databaseOf(who: Who, of = VIEWS): Promise<Database> {
    const db = await this.#database(who, of)
    return who.as === undefined ? db : db.as(who.as)
  }

  #database({ user, role }: Who, of: string): Promise<FirnDB> {
    if (of === VIEWS && user === OWNER.user && role === undefined) {
      return Promise.resolve(this.owner)
    }
    const key = JSON.stringify([of, user, role])
    const known = this.#opened.get(key)
    if (known) {
      return known
    }
    const opened = FirnDB.open(STORE, { ...OPTIONS, user, ...(role === undefined ? {} : { role }) })
    this.#opened.set(key, opened)
    // Who could not be let in may be known later.
    opened.catch(() => this.#opened.delete(key))
    return opened
  }

  /** Calls `listener` whenever something may have changed, until what is returned is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** To be called when a statement is asked for; {@link changed} says that it is answered. */
  asked(): void {
    this.#settling.asked()
  }

  /** Tells listeners that something may have changed. */
  changed(): void {
    this.#settling.answered()
    for (const listener of this.#listeners) {
      listener()
    }
  }

  async close(): Promise<void> {
    const others = await Promise.allSettled(this.#opened.values())
    const opened = others.flatMap((other) => (other.status === 'fulfilled' ? [other.value] : []))
    await Promise.all([...opened, this.owner].map((db) => db.close()))
  }
}

/** So long other windows have for letting go of the store. */
const LEAVE_MS = 10_000
const LOOK_MS = 100

async function deleteOnceFree(): Promise<void> {
  const begin = performance.now()
  for (;;) {
    try {
      return await FirnDB.delete(STORE)
    } catch (error) {
      const isLocked = error instanceof FirnDBError && error.code === 'Locked'
      if (!isLocked || performance.now() - begin > LEAVE_MS) {
        throw error
      }
    }
    // A window may have been opened since.
    askOthersToLeave()
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
