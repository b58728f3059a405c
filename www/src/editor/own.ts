/** Tables that the page keeps in the store for itself. */

import { type FirnDB, FirnDBError } from 'firndb'

/** Their namespace. */
export const OWN_NAMESPACE = 'playground'

/** What is asked of a database here; less than all of it, for tests. */
export type Asked = Pick<FirnDB, 'query'>

/**
 * Makes the table `name` of `columns`, if it is not there. The texts and the history of whoever owns the store are not for its
 * users to read, so the table is private, also one that was made before it was.
 */
export async function makeOwn(db: Asked, name: string, columns: string): Promise<void> {
  await db.query(`CREATE NAMESPACE IF NOT EXISTS ${OWN_NAMESPACE}`)
  await db.query(`CREATE TABLE IF NOT EXISTS ${OWN_NAMESPACE}.${name} (${columns}) WITH (ACCESS_LEVEL = 'private')`)
  const { rows } = await db.query('SELECT name FROM system.tables WHERE namespace = $1 AND name = $2 AND access_level <> $3', [
    OWN_NAMESPACE,
    name,
    'private',
  ])
  if (rows.length > 0) {
    await db.query(`ALTER TABLE ${OWN_NAMESPACE}.${name} SET (ACCESS_LEVEL = 'private')`)
  }
}

/** Whether `error` says that a table of the page's own is not there, or not as it is made today. */
export function isMissing(error: unknown): boolean {
  return error instanceof FirnDBError && error.code === 'NotFound'
}
