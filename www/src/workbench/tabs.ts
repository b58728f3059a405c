/**
 * The tabs of one pane. They are kept outside of React: a load that ends after minutes, or the third of three imports, finds
 * them as they are then, and not as they were when it began.
 */

import { useSyncExternalStore } from 'react'
import type { Tab, TabKeeper } from '../editor/tabs.js'
import { recall, remember } from '../style/remembered.js'

/** A tab that was closed and can be had again. */
export interface Closed {
  readonly tab: Tab
  readonly at: number
  /** The empty tab that came when there was no other. */
  readonly instead: string | undefined
}

/** The tabs as they are at a moment. */
export interface Tabs {
  readonly all: readonly Tab[]
  readonly active: Tab
  /** The last that can be had again. */
  readonly closed: Closed | undefined
}

/** How long a closed tab can be had again. */
export const UNDO_MS = 15_000

/** Keeps and forgets tabs. */
type Keeper = Pick<TabKeeper, 'keep' | 'forget'>

export class TabList {
  readonly #pane: number
  readonly #keeper: Keeper
  #state: Tabs
  #closed: readonly Closed[] = []
  readonly #listeners = new Set<() => void>()

  /** The tabs of `pane`, of which `kept` were there when the page was opened. */
  constructor(pane: number, kept: readonly Tab[], keeper: Keeper) {
    this.#pane = pane
    this.#keeper = keeper
    const all = kept.filter((tab) => tab.pane === pane)
    const [first = fresh(pane, all)] = all
    const active = all.find(({ id }) => id === recall(activeIn(pane))) ?? first
    this.#state = { all: all.length > 0 ? all : [first], active, closed: undefined }
  }

  readonly now = (): Tabs => this.#state

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  choose(id: string): void {
    this.#set(this.#state.all, id)
  }

  /** Opens a new tab with `body`, and shows it, unless it is to stay `behind` the one that is shown. */
  open(title?: string, body = '', behind = false): void {
    const { all, active } = this.#state
    const plain = fresh(this.#pane, all)
    const tab = { ...plain, title: title ?? plain.title, body }
    this.#keeper.keep(tab)
    this.#set([...all, tab], behind ? active.id : tab.id)
  }

  /** Closes a tab. Its text can be had again for a while, if there is one. */
  close(id: string): void {
    const { all, active } = this.#state
    const at = all.findIndex((tab) => tab.id === id)
    const tab = all[at]
    if (!tab) {
      return
    }
    const others = all.filter((other) => other.id !== id)
    const left = others.length > 0 ? others : [fresh(this.#pane, others)]
    if (tab.body.trim() === '') {
      this.#keeper.forget(id)
    } else {
      const closed = { tab, at, instead: others.length > 0 ? undefined : left[0]?.id }
      this.#closed = [...this.#closed, closed]
      // A page that goes before has not deleted it: it is there again, which is the lesser evil.
      setTimeout(() => this.#forget(closed), UNDO_MS)
    }
    const next = left[Math.min(at, left.length - 1)]
    this.#set(left, active.id === id && next ? next.id : active.id)
  }

  /** Has the tab again that was closed last. */
  reopen(): void {
    const closed = this.#closed.at(-1)
    if (!closed) {
      return
    }
    this.#closed = this.#closed.filter((each) => each !== closed)
    const instead = this.#state.all.find(({ id, body }) => id === closed.instead && body === '')
    if (instead) {
      this.#keeper.forget(instead.id)
    }
    const all = this.#state.all.filter((tab) => tab !== instead)
    this.#set(all.toSpliced(closed.at, 0, closed.tab), closed.tab.id)
  }

  rename(id: string, title: string): void {
    this.#change(id, { title })
  }

  edit(id: string, body: string): void {
    this.#change(id, { body })
  }

  #change(id: string, of: Partial<Tab>): void {
    const { all, active } = this.#state
    const changed = all.map((tab) => (tab.id === id ? { ...tab, ...of } : tab))
    const tab = changed.find((each) => each.id === id)
    if (tab) {
      this.#keeper.keep(tab)
    }
    this.#set(changed, active.id)
  }

  #forget(closed: Closed): void {
    if (this.#closed.includes(closed)) {
      this.#closed = this.#closed.filter((each) => each !== closed)
      this.#keeper.forget(closed.tab.id)
      this.#set(this.#state.all, this.#state.active.id)
    }
  }

  #set(all: readonly Tab[], activeId: string): void {
    const active = all.find(({ id }) => id === activeId) ?? all[0] ?? this.#state.active
    if (active.id !== this.#state.active.id) {
      remember(activeIn(this.#pane), active.id)
    }
    this.#state = { all, active, closed: this.#closed.at(-1) }
    for (const listener of this.#listeners) {
      listener()
    }
  }
}

/** The tabs of `list`, as they are when it is rendered. */
export function useTabs(list: TabList): Tabs {
  return useSyncExternalStore(list.subscribe, list.now)
}

function activeIn(pane: number): string {
  return `tab-${pane}`
}

function fresh(pane: number, beside: readonly Tab[]): Tab {
  return { id: crypto.randomUUID(), pane, title: `Query ${firstFree(beside)}`, body: '' }
}

/** The smallest number that no tab has. */
function firstFree(tabs: readonly Tab[]): number {
  const taken = new Set(tabs.map(({ title }) => title))
  let number = 1
  while (taken.has(`Query ${number}`)) {
    number++
  }
  return number
}
