/** Every statement of the storage view, in one place. */

import { qualified } from '../engine/names.js'

/** What lies in which tier, a row per table and scope. */
export const SCOPES = 'SELECT * FROM system.scopes'
/** Every batch file. */
export const BATCHES = 'SELECT * FROM system.batches'
/** What runs in the background, the latest first. */
export const JOBS = 'SELECT * FROM system.jobs ORDER BY id DESC LIMIT 20'
/** The tables that may have rows. */
export const TABLES = "SELECT namespace, name, kind, primary_key FROM system.tables WHERE kind <> 'VIEW'"
/** The first columns of primary keys, which files have ranges of. */
export const KEYS = 'SELECT namespace, table_name, name, type FROM system.columns WHERE key_position = 1'

/** A piece of upkeep that a button begins. */
export interface Command {
  readonly sql: string
  /** What is going on while it runs. */
  readonly title: string
}

/** Hot rows of one table become a file. */
export function flushTable(namespace: string, name: string): Command {
  return { sql: `STORAGE FLUSH TABLE ${qualified({ namespace, name })}`, title: `Flushing ${namespace}.${name}` }
}

/** The files of one table become fewer. */
export function compactTable(namespace: string, name: string): Command {
  return {
    sql: `STORAGE COMPACT TABLE ${qualified({ namespace, name })}`,
    title: `Compacting ${namespace}.${name}`,
  }
}

/** Hot rows of every table become files. */
export const FLUSH_ALL: Command = { sql: 'STORAGE FLUSH ALL', title: 'Flushing every table' }

/** The files of every table become fewer, and those that nothing needs any more are removed. */
export const COMPACT_ALL: Command = { sql: 'STORAGE COMPACT ALL', title: 'Compacting every table' }

/** Ends a job; what it did stays. */
export function killJob(id: number): Command {
  return { sql: `KILL JOB ${Math.trunc(id)}`, title: `Cancelling job ${Math.trunc(id)}` }
}
