/** Reads the system tables, and of them only what may be other than it was. */

import type { Database } from '../engine/run.js'
import { isFor } from './owner.js'
import { idOf, number, optionalNumber, type SystemRow, type SystemRows, text } from './rows.js'
import { isLiveStatus } from './snapshot.js'
import { BATCHES, JOBS, KEYS, SCOPES, TABLES } from './sql.js'

/** How long tables are taken to be as they were, where nobody says otherwise and no row is of another. */
const DEFINITIONS_MS = 5_000

/** How often is read what a flush or a compaction came in between of. */
const TRIES = 3

type Definitions = Pick<SystemRows, 'tables' | 'keys'>

/** Reads the system tables as one user sees them, again and again. */
export class Reader {
  readonly #only: string | undefined
  /** What was refused once is not asked for again. */
  readonly #refused = new Set<string>()
  #definitions: (Definitions & { readonly at: number }) | undefined

  /** Of scopes those that the user `only` has to do with, if that is given. */
  constructor(only?: string) {
    this.#only = only
  }

  /** The rows by `db`; tables may have come and gone if `anew`. */
  async read(db: Database, anew: boolean): Promise<SystemRows> {
    // One after the other: the engine does one thing at a time, and others wait for it too.
    let definitions = anew ? await this.#define(db) : await this.#defined(db)
    const jobs = await this.#readIfPossible(db, JOBS)
    for (let tries = 1; ; tries += 1) {
      const scopes = (await this.#readIfPossible(db, SCOPES)) ?? []
      const batches = await read(db, BATCHES)
      if (tries === TRIES || isOfOneMoment(scopes, batches)) {
        if (!areOf(definitions.tables, scopes)) {
          definitions = await this.#define(db)
        }
        const { tables, keys } = definitions
        return { tables, keys, scopes: this.#ofInterest(scopes), batches: this.#ofInterest(batches), jobs }
      }
    }
  }

  async #defined(db: Database): Promise<Definitions> {
    const known = this.#definitions
    return known && performance.now() - known.at < DEFINITIONS_MS ? known : this.#define(db)
  }

  async #define(db: Database): Promise<Definitions> {
    const definitions = { tables: await read(db, TABLES), keys: await read(db, KEYS), at: performance.now() }
    this.#definitions = definitions
    return definitions
  }

  #ofInterest(rows: readonly SystemRow[]): readonly SystemRow[] {
    const only = this.#only
    return only === undefined ? rows : rows.filter((row) => isFor(only, text(row, 'scope')))
  }

  /** The rows, unless there is no such table or it is not for whoever asks. */
  async #readIfPossible(db: Database, sql: string): Promise<SystemRow[] | undefined> {
    if (this.#refused.has(sql)) {
      return undefined
    }
    try {
      return await read(db, sql)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code !== 'PermissionDenied' && code !== 'NotFound') {
        throw error
      }
      if (code === 'PermissionDenied') {
        this.#refused.add(sql)
      }
      return undefined
    }
  }
}

/** Whether `scopes` and `batches` tell the same of the files, so that no flush or compaction was between them. */
export function isOfOneMoment(scopes: readonly SystemRow[], batches: readonly SystemRow[]): boolean {
  const sums = new Map<string, [number, number, number]>()
  for (const file of batches) {
    if (isLiveStatus(text(file, 'status'))) {
      const [files, rows, dead] = sums.get(placeOf(file)) ?? [0, 0, 0]
      sums.set(placeOf(file), [files + 1, rows + number(file, 'rows'), dead + number(file, 'dead_rows')])
    }
  }
  return scopes.every((scope) => {
    const [files, rows, dead] = sums.get(placeOf(scope)) ?? [0, 0, 0]
    const isAs = (name: string, sum: number) => (optionalNumber(scope, name) ?? sum) === sum
    return isAs('files', files) && isAs('cold_rows', rows) && isAs('dead_rows', dead)
  })
}

function placeOf(row: SystemRow): string {
  return JSON.stringify([idOf(row, 'table_name'), text(row, 'scope')])
}

/** Whether each of `rows` is of one of `tables`. */
function areOf(tables: readonly SystemRow[], rows: readonly SystemRow[]): boolean {
  const ids = new Set(tables.map((table) => idOf(table, 'name')))
  return rows.every((row) => ids.has(idOf(row, 'table_name')))
}

async function read(db: Database, sql: string): Promise<SystemRow[]> {
  const { rows } = await db.query<SystemRow>(sql)
  return rows
}
