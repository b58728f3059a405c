/** What was run, kept in the store itself. */

import type { Outcome } from '../engine/run.js'
import type { Who } from '../engine/store.js'
import { headline } from '../results/wording.js'
import { type Asked, isMissing, makeOwn } from './own.js'

/** A statement that was run. */
export interface Past {
  readonly id: bigint
  readonly at: Date
  readonly who: string
  readonly sql: string
  readonly ms: number
  readonly outcome: string
}

/** How many are kept. */
const KEPT = 500
/** Characters of a statement that are kept. */
const MOST_CHARACTERS = 10_000

const COLUMNS = `id BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID(), at TIMESTAMP NOT NULL, who TEXT NOT NULL, sql TEXT NOT NULL,
  ms DOUBLE PRECISION NOT NULL, outcome TEXT NOT NULL`

/** What was run, the last first. */
export class History {
  readonly #db: Asked
  #written = 0

  constructor(db: Asked) {
    this.#db = db
  }

  /** Lets go of what is older than what is kept. */
  async #shorten(): Promise<void> {
    await this.#db.query(
      `DELETE FROM playground.history WHERE id <= (SELECT id FROM playground.history ORDER BY id DESC LIMIT 1 OFFSET ${KEPT})`,
    )
  }

  async read(containing = ''): Promise<Past[]> {
    try {
      const { rows } = await this.#db.query<Past>(
        `SELECT id, at, who, sql, ms, outcome FROM playground.history
          WHERE strpos(lower(sql), lower($1)) > 0 ORDER BY id DESC LIMIT 200`,
        [containing],
      )
      return rows
    } catch (error) {
      // It is made with its first entry.
      if (isMissing(error)) {
        return []
      }
      throw error
    }
  }

  async add(outcome: Outcome, who: Who): Promise<void> {
    try {
      await this.#insert(outcome, who)
    } catch (error) {
      if (!isMissing(error)) {
        throw error
      }
      // It is the first, or somebody dropped the table.
      await this.#make()
      await this.#insert(outcome, who)
    }
    this.#written++
    // With the first of each visit, and where one is long now and then.
    if (this.#written % KEPT === 1) {
      // It may be one from before it was private.
      await this.#make()
      await this.#shorten()
    }
  }

  async clear(): Promise<void> {
    try {
      await this.#db.query('DELETE FROM playground.history')
    } catch (error) {
      if (!isMissing(error)) {
        throw error
      }
    }
  }

  async #make(): Promise<void> {
    await makeOwn(this.#db, 'history', COLUMNS)
  }

  async #insert(outcome: Outcome, who: Who): Promise<void> {
    await this.#db.query('INSERT INTO playground.history (at, who, sql, ms, outcome) VALUES ($1, $2, $3, $4, $5)', [
      new Date(),
      nameOf(who),
      outcome.sql.slice(0, MOST_CHARACTERS),
      outcome.ms,
      outcome.kind === 'failed' ? outcome.error.code : headline(outcome),
    ])
  }
}

/** `who` in a few words. */
export function nameOf({ user, role, as }: Who): string {
  return `${user}${role === undefined ? '' : ` (${role})`}${as === undefined ? '' : ` as ${as}`}`
}
