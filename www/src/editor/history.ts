/** What was run, kept in the store itself. */

import type { FirnDB } from 'firndb'
import type { Outcome } from '../engine/run.js'
import type { Who } from '../engine/store.js'

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

const TABLE = `CREATE TABLE IF NOT EXISTS playground.history (
  id BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID(), at TIMESTAMP NOT NULL, who TEXT NOT NULL, sql TEXT NOT NULL,
  ms DOUBLE PRECISION NOT NULL, outcome TEXT NOT NULL)`

/** What was run, the last first. */
export class History {
  readonly #db: FirnDB
  #written = 0

  constructor(db: FirnDB) {
    this.#db = db
  }

  /** Makes its table, and lets go of what is older than what is kept. */
  async open(): Promise<void> {
    await this.#db.query('CREATE NAMESPACE IF NOT EXISTS playground')
    await this.#db.query(TABLE)
    await this.#shorten()
  }

  async read(containing = ''): Promise<Past[]> {
    const { rows } = await this.#db.query<Past>(
      `SELECT id, at, who, sql, ms, outcome FROM playground.history
        WHERE strpos(lower(sql), lower($1)) > 0 ORDER BY id DESC LIMIT 200`,
      [containing],
    )
    return rows
  }

  async add(outcome: Outcome, who: Who): Promise<void> {
    await this.#db.query('INSERT INTO playground.history (at, who, sql, ms, outcome) VALUES ($1, $2, $3, $4, $5)', [
      new Date(),
      nameOf(who),
      outcome.sql.slice(0, MOST_CHARACTERS),
      outcome.ms,
      told(outcome),
    ])
    this.#written++
    if (this.#written % KEPT === 0) {
      await this.#shorten()
    }
  }

  async clear(): Promise<void> {
    await this.#db.query('DELETE FROM playground.history')
  }

  async #shorten(): Promise<void> {
    await this.#db.query(
      `DELETE FROM playground.history WHERE id <= (SELECT id FROM playground.history ORDER BY id DESC LIMIT 1 OFFSET ${KEPT})`,
    )
  }
}

/** `who` in a few words. */
export function nameOf({ user, role, as }: Who): string {
  return `${user}${role === undefined ? '' : ` (${role})`}${as === undefined ? '' : ` as ${as}`}`
}

function told(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'rows':
      return `${outcome.rows.length} rows`
    case 'affected':
      return `${outcome.affected} affected`
    case 'failed':
      return outcome.error.code
    case 'cancelled':
      return 'cancelled'
  }
}
