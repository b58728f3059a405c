/** Names of tables and columns, as SQL and as people read and type them. */

import type { Database } from './run.js'

/** A table, wherever it is called from. */
export interface TableName {
  readonly namespace: string
  readonly name: string
}

/** The namespace whose tables need no prefix, unless somebody says `USE` another. */
export const DEFAULT_NAMESPACE = 'main'

/** A name as SQL: in quotes where it is a reserved word, or not plain. */
export function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name) ? name : `"${name.replaceAll('"', '""')}"`
}

/** A table as SQL that means the same in every namespace. */
export function qualified({ namespace, name }: TableName): string {
  return `${quoted(namespace)}.${quoted(name)}`
}

/** What a table is called where there is little room for it: as SQL that is right as long as nobody says `USE`. */
export function calledBy({ namespace, name }: TableName): string {
  return namespace === DEFAULT_NAMESPACE ? quoted(name) : qualified({ namespace, name })
}

/**
 * The table that somebody means by `text`, which may be what {@link calledBy} gives. Names need no quotes unless they have dots
 * or quotes in them, and are taken as they are written. `undefined` where it is no name of a table.
 */
export function tableCalled(text: string): TableName | undefined {
  const [, ...parts] = PATH.exec(text) ?? []
  const [first, second] = parts.map((part) =>
    part?.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part?.trim(),
  )
  if (first === undefined || first === '' || second === '') {
    return undefined
  }
  return second === undefined ? { namespace: DEFAULT_NAMESPACE, name: first } : { namespace: first, name: second }
}

const PART = String.raw`"(?:[^"]|"")+"|[^".]+`
const PATH = new RegExp(String.raw`^\s*(${PART})\s*(?:\.\s*(${PART})\s*)?$`)

/** What tables there are, by what {@link calledBy} says. */
export async function tablesOf(db: Database): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ namespace: string; name: string }>('SELECT namespace, name FROM system.tables')
  return new Set(rows.map(calledBy))
}

/** Words that the engine, or PostgreSQL, does not take for a name everywhere. */
const RESERVED = new Set(
  `all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate collation
  column concurrently connect constraint create cross current current_catalog current_date current_role current_schema
  current_time current_timestamp current_user cube default deferrable delete desc distinct do drop else end except exists explain
  false fetch for foreign freeze from full global grant group having ilike in initially inner insert intersect interval into
  is isnull join lateral leading left like limit local localtime localtimestamp natural not notnull null of offset on only open or
  order outer overlaps partition placing primary qualify references returning right rollback rollup row rows sample select
  session_user set show similar some start symmetric system_user table tablesample then to top trailing trim true truncate
  union unique unnest update user using values variadic verbose view when where window with within without`.split(/\s+/),
)
