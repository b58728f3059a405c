/**
 * The texts of the editors, kept in the store itself.
 *
 * Several windows may have the page open, each with the same texts. A text has a version; whoever writes it says which version
 * it has read, and the store takes it only over that one. If another window was first, both are kept: what this one has
 * becomes a text of its own, "Query 1 (other window)", which this window goes on writing, and which is seen as such when the
 * page is opened the next time. So nothing is lost, and nobody's text changes under the hands.
 */

import { FirnDBError } from 'firndb'
import { type Asked, isMissing, makeOwn } from './own.js'
import { Leftovers, type UnsavedText } from './unsaved.js'

/** A text of an editor. */
export interface Tab {
  readonly id: string
  /** Which of the panes it is in: 0 or 1. */
  readonly pane: number
  readonly title: string
  readonly body: string
}

/** How long nobody types before the text is written. */
const WAIT_MS = 600
/** How often a text is tried to be written, where the table was gone or another was first. */
const TRIES = 3

const COLUMNS =
  "id TEXT PRIMARY KEY, pane INTEGER NOT NULL, place INTEGER NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, version TEXT DEFAULT ''"

const ELSEWHERE = ' (other window)'

interface Placed {
  readonly tab: Tab
  readonly place: number
}

/** As what a tab is in the store. */
interface Stored {
  readonly id: string
  readonly version: string
  /** Whether it is there beside what another window wrote. */
  readonly apart: boolean
}

interface Row extends Tab {
  readonly place: number
  readonly version: string
}

/** Keeps tabs: what is changed is written a moment later, one write after the other. */
export class TabKeeper {
  readonly #db: Asked
  readonly #settled: Promise<unknown>
  readonly #leftovers: Leftovers
  /** This page among all that write. */
  readonly #writer = crypto.randomUUID()
  #versions = 0
  /** All tabs as they should be in the store, and those of them that are not yet. */
  readonly #all = new Map<string, Placed>()
  readonly #unwritten = new Map<string, Placed>()
  readonly #stored = new Map<string, Stored>()
  /** Pages whose texts were taken over, but are not yet in the store. */
  readonly #adopted = new Set<string>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #last: Promise<unknown> = Promise.resolve()
  #trouble: string | undefined
  readonly #listeners = new Set<() => void>()

  /** What is not urgent is done once `settled`. */
  constructor(db: Asked, settled: Promise<unknown> = Promise.resolve(), leftovers = new Leftovers()) {
    this.#db = db
    this.#settled = settled
    this.#leftovers = leftovers
  }

  /** Why texts are not kept at the moment, if they are not. */
  readonly trouble = (): string | undefined => this.#trouble

  /** Calls `listener` whenever `trouble` is another, until what is returned is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The tabs that are kept, in their order. */
  async read(): Promise<Tab[]> {
    const rows = await this.#rows().then(
      (found) => {
        // That it is private is seen to as well, but the first answer of a visit does not wait for it.
        this.#settled.then(() => this.#make()).catch((error: unknown) => console.warn('playground.tabs may be public:', error))
        return found
      },
      async (error: unknown) => {
        if (!isMissing(error)) {
          throw error
        }
        await this.#make()
        return this.#rows()
      },
    )
    for (const { id, pane, place, title, body, version } of rows) {
      this.#all.set(id, { tab: { id, pane, title, body }, place })
      this.#stored.set(id, { id, version, apart: false })
    }
    for (const { writer, texts } of this.#leftovers.read()) {
      for (const text of texts) {
        this.#adopt(text, writer)
      }
      this.#adopted.add(writer)
    }
    if (this.#adopted.size > 0) {
      void this.flush()
    }
    return [...this.#all.values()].map(({ tab }) => tab)
  }

  /** Has `tab` written: where it was, or behind all others. */
  keep(tab: Tab): void {
    const last = Math.max(-1, ...[...this.#all.values()].map(({ place }) => place))
    this.#put({ tab, place: this.#all.get(tab.id)?.place ?? last + 1 })
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.flush(), WAIT_MS)
  }

  /** Deletes a tab, unless another window has written it meanwhile. */
  forget(id: string): void {
    this.#unwritten.delete(id)
    this.#all.delete(id)
    this.#after(async () => {
      const stored = this.#stored.get(id)
      this.#stored.delete(id)
      if (stored) {
        await this.#db.query("DELETE FROM playground.tabs WHERE id = $1 AND coalesce(version, '') = $2", [stored.id, stored.version])
      }
    })
  }

  /** Writes what waits; resolves when it is written. */
  flush(): Promise<unknown> {
    clearTimeout(this.#timer)
    this.#after(async () => {
      const failures: unknown[] = []
      // Whatever is added meanwhile comes too.
      for (const [id, placed] of this.#unwritten) {
        try {
          await this.#write(placed)
          if (this.#unwritten.get(id) === placed) {
            this.#unwritten.delete(id)
          }
        } catch (error) {
          // Others may do: one can be too long.
          failures.push(error)
        }
      }
      if (failures.length > 0) {
        throw failures[0]
      }
      // Of a text that was changed meanwhile there may be more than was written.
      if (this.#unwritten.size === 0) {
        this.#discardLeftovers()
      }
    })
    return this.#last
  }

  /** Puts what is not yet in the store where the next page finds it. To be called when the page may go. */
  leave(): void {
    const texts = [...this.#unwritten.values()].map(({ tab, place }): UnsavedText => {
      const stored = this.#stored.get(tab.id)
      return stored ? { tab: asStored(tab, stored), place, version: stored.version } : { tab, place }
    })
    if (texts.length > 0) {
      this.#leftovers.write({ writer: this.#writer, texts })
    }
  }

  /** Lets go of what is not yet written: the store is to be another. */
  discard(): void {
    clearTimeout(this.#timer)
    this.#unwritten.clear()
    this.#discardLeftovers()
  }

  #put(placed: Placed): void {
    this.#all.set(placed.tab.id, placed)
    this.#unwritten.set(placed.tab.id, placed)
  }

  async #rows(): Promise<Row[]> {
    const { rows } = await this.#db.query<Row>(
      "SELECT id, pane, place, title, body, coalesce(version, '') AS version FROM playground.tabs ORDER BY pane, place, id",
    )
    return rows
  }

  async #make(): Promise<void> {
    await makeOwn(this.#db, 'tabs', COLUMNS)
    // Stores have it from before texts had versions.
    await this.#db.query("ALTER TABLE playground.tabs ADD COLUMN IF NOT EXISTS version TEXT DEFAULT ''")
  }

  /** Takes over what the page `writer` had not written. */
  #adopt({ tab, place, version }: UnsavedText, writer: string): void {
    const there = this.#all.get(tab.id)?.tab
    if (there && there.body === tab.body && there.title === tab.title) {
      return
    }
    const stored = this.#stored.get(tab.id)
    // It may itself have written an earlier text in its last moment.
    if (!stored || stored.version === version || stored.version.startsWith(`${writer} `)) {
      this.#put({ tab, place })
    } else {
      this.#put({ tab: { ...tab, id: crypto.randomUUID(), title: elsewhere(tab.title) }, place })
    }
  }

  async #write(placed: Placed): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#tryToWrite(placed)
        return
      } catch (error) {
        const code = error instanceof FirnDBError ? error.code : undefined
        if (tries === TRIES || (code !== 'NotFound' && code !== 'Conflict' && code !== 'Constraint')) {
          throw error
        }
        if (code === 'NotFound') {
          await this.#makeAgain()
        }
      }
    }
  }

  /** Somebody dropped the table: all that was in it is written anew. */
  async #makeAgain(): Promise<void> {
    await this.#make()
    this.#stored.clear()
    for (const [id, placed] of this.#all) {
      if (!this.#unwritten.has(id)) {
        this.#unwritten.set(id, placed)
      }
    }
  }

  async #tryToWrite({ tab, place }: Placed): Promise<void> {
    const version = `${this.#writer} ${++this.#versions}`
    const stored = this.#stored.get(tab.id)
    if (stored) {
      const { title } = asStored(tab, stored)
      const { affectedRows } = await this.#db.query(
        `UPDATE playground.tabs SET pane = $3, place = $4, title = $5, body = $6, version = $7
          WHERE id = $1 AND coalesce(version, '') = $2`,
        [stored.id, stored.version, tab.pane, place, title, tab.body, version],
      )
      if (affectedRows === 1) {
        this.#stored.set(tab.id, { ...stored, version })
        return
      }
    }
    const { id, apart } = stored ?? { id: tab.id, apart: false }
    const { rows } = await this.#db.query<Row>(
      "SELECT title, body, coalesce(version, '') AS version FROM playground.tabs WHERE id = $1",
      [id],
    )
    const [there] = rows
    if (!there) {
      await this.#insert(tab, place, { id, version, apart })
    } else if (there.body === tab.body && there.version !== stored?.version) {
      // Both have the same text: the other's is taken as read, and only what is said about it is written.
      this.#stored.set(tab.id, { id, version: there.version, apart })
      await this.#tryToWrite({ tab, place })
    } else {
      await this.#insert(tab, place, { id: crypto.randomUUID(), version, apart: true })
    }
  }

  async #insert(tab: Tab, place: number, stored: Stored): Promise<void> {
    const { id, title, pane, body } = asStored(tab, stored)
    await this.#db.query('INSERT INTO playground.tabs (id, pane, place, title, body, version) VALUES ($1, $2, $3, $4, $5, $6)', [
      id,
      pane,
      place,
      title,
      body,
      stored.version,
    ])
    this.#stored.set(tab.id, stored)
  }

  #discardLeftovers(): void {
    for (const writer of [...this.#adopted, this.#writer]) {
      this.#leftovers.remove(writer)
    }
    this.#adopted.clear()
  }

  #after(write: () => Promise<unknown>): void {
    this.#last = this.#last.then(write).then(
      () => {
        // What has come to its end may be something else than what is not written.
        if (this.#unwritten.size === 0) {
          this.#tell(undefined)
        }
      },
      (error: unknown) => this.#tell(error instanceof Error ? error.message : String(error)),
    )
  }

  #tell(trouble: string | undefined): void {
    if (trouble !== this.#trouble) {
      this.#trouble = trouble
      for (const listener of this.#listeners) {
        listener()
      }
    }
  }
}

/** `tab` as it is in the store. */
function asStored(tab: Tab, { id, apart }: Stored): Tab {
  return { ...tab, id, title: apart ? elsewhere(tab.title) : tab.title }
}

function elsewhere(title: string): string {
  return title.endsWith(ELSEWHERE) ? title : title + ELSEWHERE
}
