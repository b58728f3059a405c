/** An open store, and what the page keeps in it. */

import { History } from '../editor/history.js'
import { type Tab, TabKeeper } from '../editor/tabs.js'
import { OWNER, type Store } from '../engine/store.js'

export interface Opened {
  readonly store: Store
  readonly keeper: TabKeeper
  readonly history: History
  readonly tabs: readonly Tab[]
}

/** What the page makes of `store`, which is closed where that fails. */
export async function prepare(store: Store): Promise<Opened> {
  try {
    const keeper = new TabKeeper(store.owner, store.settled)
    const history = new History(store.owner)
    // What the first query needs comes first, and at once.
    store.databaseOf(OWNER, 'left').catch(() => undefined)
    const tabs = await keeper.read()
    return { store, keeper, history, tabs }
  } catch (error) {
    await store.close()
    throw error
  }
}
