/** The texts of the editors, kept in the store itself. */

import type { FirnDB } from 'firndb'

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

const TABLE = `CREATE TABLE IF NOT EXISTS playground.tabs (
  id TEXT PRIMARY KEY, pane INTEGER NOT NULL, place INTEGER NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL)`

/** Keeps tabs: what is changed is written a moment later, one write after the other. */
export class TabKeeper {
  readonly #db: FirnDB
  readonly #waiting = new Map<string, { tab: Tab; place: number }>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(db: FirnDB) {
    this.#db = db
  }

  /** The tabs that are kept, in their order. */
  async read(): Promise<Tab[]> {
    await this.#db.query('CREATE NAMESPACE IF NOT EXISTS playground')
    await this.#db.query(TABLE)
    const { rows } = await this.#db.query<Tab>('SELECT id, pane, title, body FROM playground.tabs ORDER BY pane, place, id')
    return rows
  }

  /** Has `tab` written, which is the `place`th of its pane. */
  keep(tab: Tab, place: number): void {
    this.#waiting.set(tab.id, { tab, place })
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.flush(), WAIT_MS)
  }

  forget(id: string): void {
    this.#waiting.delete(id)
    this.#after(() => this.#db.query('DELETE FROM playground.tabs WHERE id = $1', [id]))
  }

  /** Writes what waits; resolves when it is written. */
  flush(): Promise<unknown> {
    clearTimeout(this.#timer)
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { tab, place } of all) {
      this.#after(() =>
        this.#db.query(
          `INSERT INTO playground.tabs (id, pane, place, title, body) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (id) DO UPDATE SET pane = excluded.pane, place = excluded.place, title = excluded.title, body = excluded.body`,
          [tab.id, tab.pane, place, tab.title, tab.body],
        ),
      )
    }
    return this.#last
  }

  #after(write: () => Promise<unknown>): void {
    // What cannot be written, in a full disk say, is not worth more than a line: the text itself is still on the page.
    this.#last = this.#last.then(write).catch((error: unknown) => console.warn('a text was not kept:', error))
  }
}
