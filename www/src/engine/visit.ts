/** What becomes of the store while the page is open: opened, left to another window that replaces it, opened again. */

import { Store } from './store.js'
import { whenAsked } from './windows.js'

/** A store that is open, with what is made of it; or why there is none; or what is being done for one. */
export type State<T> =
  | { readonly opened: T }
  | { readonly failure: unknown; readonly what: string }
  | { readonly step: string }

/** The store of this window. `T` is what the page makes of one. */
export class Visit<T extends { readonly store: Store }> {
  readonly #prepare: (store: Store) => Promise<T>
  readonly #openStore: () => Promise<Store>
  #state: State<T> = { step: STARTING }
  /** Of the last that was asked for: the store of another is closed when it comes. */
  #ticket = 0
  /** A window that was opened since others were asked to leave has nothing to come back to. */
  #hasLeft = false
  readonly #listeners = new Set<() => void>()

  /** Opens a store; `prepare` makes of it what the page needs, and closes it where that fails. */
  constructor(prepare: (store: Store) => Promise<T>, openStore = Store.open, listen = whenAsked) {
    this.#prepare = prepare
    this.#openStore = openStore
    // Before it is opened: a store that is not open yet would keep others waiting as well.
    listen(
      () => this.#leave(),
      () => this.#comeBack(),
    )
    this.start()
  }

  /** Another object whenever it is another state. */
  readonly state = (): State<T> => this.#state

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  start(): void {
    this.open(STARTING, 'The store could not be opened', this.#openStore)
  }

  /** Shows `step` until there is the store that `how` opens; `what` did not work if it rejects. */
  open(step: string, what: string, how: () => Promise<Store>): void {
    const mine = ++this.#ticket
    this.#set({ step })
    this.#opened(how, () => mine === this.#ticket).then(
      (opened) => opened && this.#set({ opened }),
      (failure: unknown) => mine === this.#ticket && this.#set({ failure, what }),
    )
  }

  /** `undefined` where it is not wanted any more when it comes; it is closed then. */
  async #opened(how: () => Promise<Store>, isWanted: () => boolean): Promise<T | undefined> {
    const store = await how()
    if (isWanted()) {
      const opened = await this.#prepare(store)
      if (isWanted()) {
        return opened
      }
    }
    await store.close()
    return undefined
  }

  #leave(): void {
    const before = this.#state
    this.#hasLeft = true
    this.#ticket++
    this.#set({ step: 'Another window deletes the store, or puts another in its place …' })
    if ('opened' in before) {
      void before.opened.store.close()
    }
  }

  #comeBack(): void {
    if (this.#hasLeft) {
      this.#hasLeft = false
      this.start()
    }
  }

  #set(state: State<T>): void {
    this.#state = state
    for (const listener of this.#listeners) {
      listener()
    }
  }
}

const STARTING = 'Starting the engine …'
