/**
 * Which tables samples have made, so that nobody's own is taken for one of theirs because of its name. The store keeps the
 * numbers that the catalog has given to them, of which no other table ever has one.
 */

import type { FirnDB } from 'firndb'
import { OWN_NAMESPACE, makeOwn } from '../editor/own.js'
import { type TableName, calledBy, qualified } from '../engine/names.js'

const NAME = 'samples'
const OWN = { namespace: OWN_NAMESPACE, name: NAME }

/** A table that is there under the name of one of a sample. */
export interface Found extends TableName {
  readonly id: bigint
  /** Whether a sample has made it. */
  readonly isOwn: boolean
}

/** The tables that there are, by what {@link calledBy} says. */
export async function foundTables(db: FirnDB): Promise<ReadonlyMap<string, Found>> {
  const { rows } = await db.query<TableName & { id: bigint | number }>('SELECT namespace, name, id FROM system.tables')
  const isKept = rows.some((table) => calledBy(table) === calledBy(OWN))
  const made = isKept ? (await db.query<{ table_id: bigint }>(`SELECT table_id FROM ${qualified(OWN)}`)).rows : []
  const own = new Set(made.map(({ table_id }) => BigInt(table_id)))
  return new Map(
    rows.map(({ namespace, name, id }) => [calledBy({ namespace, name }), { namespace, name, id: BigInt(id), isOwn: own.has(BigInt(id)) }]),
  )
}

/** Of `tables` those that are there. */
export function among(found: ReadonlyMap<string, Found>, tables: readonly TableName[]): Found[] {
  return tables.flatMap((table) => found.get(calledBy(table)) ?? [])
}

/** Says that those of `tables` that are there were made by the sample `id`. */
export async function claim(db: FirnDB, id: string, tables: readonly TableName[]): Promise<void> {
  await makeOwn(db, NAME, 'table_id BIGINT PRIMARY KEY, sample TEXT NOT NULL')
  for (const table of among(await foundTables(db), tables)) {
    await db.query(`INSERT INTO ${qualified(OWN)} (table_id, sample) VALUES ($1, $2) ON CONFLICT (table_id) DO NOTHING`, [table.id, id])
  }
}

/** Drops `tables`, those that refer to others first. */
export async function dropAll(db: FirnDB, tables: readonly Found[]): Promise<void> {
  for (const table of tables.toReversed()) {
    await db.query(`DROP TABLE IF EXISTS ${qualified(table)}`)
    if (table.isOwn) {
      await db.query(`DELETE FROM ${qualified(OWN)} WHERE table_id = $1`, [table.id])
    }
  }
}
