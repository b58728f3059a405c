/** The store of the page, and who is at it. */

import { FirnDB, type OpenOptions, type Role } from 'firndb'

/** The name of the store in the browser. */
export const STORE = 'playground'

/** The name of a store that is only looked at. */
const INCOMING = `${STORE}-incoming`

/** Somebody who runs statements: a user with at most a role, who may act for another. */
export interface Who {
  readonly user: string
  readonly role?: Role
  /** In whose name statements are done, where that is not the user's own. */
  readonly as?: string
}

/** Whoever opened the page, and owns what is in it. */
export const OWNER: Who = { user: 'root' }

/**
 * The open store. All its databases share one engine; `changed` tells listeners that something may be other than it was,
 * so that views look again.
 */
export class Store {
  readonly owner: FirnDB
  readonly #opened = new Map<string, Promise<FirnDB>>()
  readonly #listeners = new Set<() => void>()

  private constructor(owner: FirnDB) {
    this.owner = owner
  }

  static async open(options?: OpenOptions): Promise<Store> {
    return new Store(await FirnDB.open(STORE, options))
  }

  /**
   * The store that `archive` holds, in the place of `old`, which is closed whatever comes of it. The archive is read twice:
   * one that turns out not to be whole must not have cost anybody what was there.
   */
  static async replace(old: Store, archive: Blob): Promise<Store> {
    try {
      await FirnDB.delete(INCOMING)
      const tried = await FirnDB.load(INCOMING, archive)
      await tried.close()
    } finally {
      await old.close()
      await FirnDB.delete(INCOMING)
    }
    await FirnDB.delete(STORE)
    return new Store(await FirnDB.load(STORE, archive))
  }

  /** An empty store in the place of `old`, which is closed whatever comes of it. */
  static async reset(old: Store): Promise<Store> {
    await old.close()
    await FirnDB.delete(STORE)
    return Store.open()
  }

  /** A database in the name of `who`. Rejects with `PermissionDenied` for whom the store does not know. */
  async databaseOf(who: Who) {
    const db = await this.#database(who)
    return who.as === undefined ? db : db.as(who.as)
  }

  #database({ user, role }: Who): Promise<FirnDB> {
    if (user === OWNER.user && role === undefined) {
      return Promise.resolve(this.owner)
    }
    const key = JSON.stringify([user, role])
    const known = this.#opened.get(key)
    if (known) {
      return known
    }
    const opened = FirnDB.open(STORE, role === undefined ? { user } : { user, role })
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

  /** Tells listeners that something may have changed. */
  changed(): void {
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
