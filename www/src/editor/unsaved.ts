/**
 * Texts that were typed and not yet written when the page went. Writing to the store takes longer than a page that goes is
 * given; the browser's own small store is written at once.
 */

import type { Tab } from './tabs.js'

/** A text that is not in the store as it was typed. */
export interface UnsavedText {
  readonly tab: Tab
  readonly place: number
  /** The version of what the store had when it was last written from there; none if it was not in the store. */
  readonly version?: string
}

/** What a page left behind. */
export interface Leftover {
  /** The page: its versions begin with this. */
  readonly writer: string
  readonly texts: readonly UnsavedText[]
}

const PREFIX = 'firndb-playground-unsaved-'

/** Of each page what it left, until it is in the store. */
export class Leftovers {
  readonly #storage: Storage | undefined

  constructor(storage = storageOfBrowser()) {
    this.#storage = storage
  }

  write({ writer, texts }: Leftover): void {
    try {
      this.#storage?.setItem(PREFIX + writer, JSON.stringify(texts))
    } catch {
      // It is full: what was typed in the last moment is lost, as it would be without.
    }
  }

  read(): Leftover[] {
    const { length } = this.#storage ?? { length: 0 }
    const keys = Array.from({ length }, (_, at) => this.#storage?.key(at) ?? '').filter((key) => key.startsWith(PREFIX))
    return keys.map((key) => ({ writer: key.slice(PREFIX.length), texts: parsed(this.#storage?.getItem(key) ?? '') }))
  }

  remove(writer: string): void {
    this.#storage?.removeItem(PREFIX + writer)
  }
}

function storageOfBrowser(): Storage | undefined {
  try {
    return globalThis.localStorage
  } catch {
    return undefined
  }
}

function parsed(json: string): UnsavedText[] {
  try {
    const found: unknown = JSON.parse(json)
    return Array.isArray(found) ? found.filter(isText) : []
  } catch {
    return []
  }
}

function isText(value: unknown): value is UnsavedText {
  const { tab, place } = (value ?? {}) as Partial<UnsavedText>
  return typeof place === 'number' && typeof tab?.id === 'string' && typeof tab.title === 'string' && typeof tab.body === 'string'
}
