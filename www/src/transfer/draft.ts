/** A table that is to be made of a file: what is chosen for it, what is wrong with that, and its SQL. */

import type { CopyFromOptions } from 'firndb'
import type { Head } from './head.js'
import { columnNames, nameProblem, quoted, quotedTable, tableName } from './names.js'
import { canBeKey } from './types.js'

/** What is chosen. */
export interface Draft {
  readonly table: string
  readonly kind: 'SHARED' | 'USER'
  /** Whose rows they are, in a USER table; those of whoever imports them where it is empty. */
  readonly user: string
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** Which column is the primary key; none where an id is added. */
  readonly key: number | undefined
  readonly skipsBadRows: boolean
}

/** What is likely wanted of a file that is called `file`. */
export function draftOf(head: Head, file: string, taken: ReadonlySet<string>): Draft {
  const names = columnNames(head.columns.map(({ name }) => name))
  return {
    table: tableName(file, taken),
    kind: 'SHARED',
    user: '',
    columns: head.columns.map(({ type }, at) => ({ name: names[at] ?? '', type })),
    key: keyOf(head),
    skipsBadRows: false,
  }
}

/** The column that looks like a key: unique as far as it was looked at, and called like one, or the first. */
function keyOf({ columns }: Head): number | undefined {
  const suits = ({ isUnique, type }: Head['columns'][number]) => isUnique && /^(BIGINT|INTEGER|TEXT|UUID|DECIMAL\(\d+,0\))$/.test(type)
  const called = columns.findIndex((column) => suits(column) && /(^|[^a-z])(id|key|code|uuid|guid|no|nr)$/i.test(column.name))
  if (called >= 0) {
    return called
  }
  return columns[0] && suits(columns[0]) ? 0 : undefined
}

/** The name of the id that is added, which no column has. */
export function addedId({ columns }: Pick<Draft, 'columns'>): string {
  const names = columns.map(({ name }) => name)
  return columnNames([...names, 'id']).at(-1) ?? 'id'
}

/** What has to be changed before there can be such a table. */
export function problemsOf(draft: Draft, taken: ReadonlySet<string>): string[] {
  const parts = draft.table.split('.')
  const problems: (string | undefined)[] = parts.map(nameProblem)
  if (parts.length > 2) {
    problems.push('the name of a table has no more than one dot, between namespace and name')
  }
  if (taken.has(draft.table)) {
    problems.push(`there is a table ${draft.table} already`)
  }
  const names = draft.columns.map(({ name }) => name)
  problems.push(...names.map(nameProblem))
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) {
    problems.push(`two columns are called ${twice}`)
  }
  const key = draft.key === undefined ? undefined : draft.columns[draft.key]
  if (key && !canBeKey(key.type)) {
    problems.push(`${key.name} cannot be the primary key: ${key.type} has no order`)
  }
  return [...new Set(problems.filter((problem) => problem !== undefined))]
}

/**
 * The statement that makes the table, with its columns called as in `names`. JSON goes by the names in the file, so its
 * columns get those of the draft only when all rows are there.
 */
export function createSql(draft: Draft, names: readonly string[]): string {
  const columns = draft.columns.map(({ type }, at) => {
    const key = draft.key === at ? ' PRIMARY KEY' : ''
    return `${quoted(names[at] ?? '')} ${type}${key}`
  })
  const id = quoted(addedId({ columns: names.map((name) => ({ name, type: '' })) }))
  const all = draft.key === undefined ? [`${id} BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID()`, ...columns] : columns
  return `CREATE ${draft.kind} TABLE ${quotedTable(draft.table)} (${all.join(', ')})`
}

/** What the columns are called while rows come in. */
export function namesWhileLoading(draft: Draft, head: Head): string[] {
  return head.format === 'json' ? head.columns.map(({ name }) => name) : draft.columns.map(({ name }) => name)
}

/** The statements that give columns the names of the draft. */
export function renameSql(draft: Draft, head: Head): string[] {
  const names = namesWhileLoading(draft, head)
  const changed = draft.columns.flatMap(({ name }, at) => {
    const from = names[at] ?? ''
    return from === name ? [] : [{ from, to: name }]
  })
  const rename = (from: string, to: string) =>
    `ALTER TABLE ${quotedTable(draft.table)} RENAME COLUMN ${quoted(from)} TO ${quoted(to)}`
  // By way of names that nobody has, since two columns may change theirs with each other.
  const between = columnNames([...names, ...draft.columns.map(({ name }) => name), ...changed.map(({ from }) => `${from}_`)])
  const free = between.slice(names.length + draft.columns.length)
  return [
    ...changed.map(({ from }, at) => rename(from, free[at] ?? '')),
    ...changed.map(({ to }, at) => rename(free[at] ?? '', to)),
  ]
}

/** How the file is read; `isFirst` part of it has the line of names. */
export function copyOptions(draft: Draft, head: Head, isFirst: boolean): CopyFromOptions {
  const names = draft.columns.map(({ name }) => name)
  return {
    format: head.format,
    ...(head.format === 'csv' ? { header: isFirst && head.header === true } : {}),
    ...(head.delimiter === undefined ? {} : { delimiter: head.delimiter }),
    ...(head.nullText === undefined ? {} : { null: head.nullText }),
    ...(head.format === 'json' ? {} : { columns: names }),
    ...(draft.skipsBadRows ? { onError: 'skip' as const } : {}),
  }
}
