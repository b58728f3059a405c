/** A table that is to be made of a file: what is chosen for it, what is wrong with that, and its SQL. */

import type { CopyFromOptions } from 'firndb'
import { type TableName, calledBy, qualified, quoted, tableCalled } from '../engine/names.js'
import type { Head } from './head.js'
import { columnNames, nameProblem, tableName } from './names.js'
import { canBeKey } from './types.js'

/** What is chosen. */
export interface Draft {
  /** The table, as it was typed. */
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

/**
 * `draft`, which was of a file as it was `before`, for the file as it was read since: what somebody has chosen stays, as far as
 * its column is there. Columns are the same by their places, or by their names where there are more or fewer.
 */
export function redrafted(draft: Draft, before: Head, head: Head): Draft {
  const [old, next] = [before, head].map((each) => draftOf(each, '', new Set()))
  if (!old || !next) {
    return draft
  }
  const areMore = before.columns.length !== head.columns.length
  const was = head.columns.map(({ name }, at) =>
    areMore ? before.columns.findIndex((column) => name !== '' && column.name === name) : at,
  )
  const columns = next.columns.map((column, at) => {
    const place = was[at] ?? -1
    const [mine, suggested] = [draft.columns[place], old.columns[place]]
    return {
      name: mine && mine.name !== suggested?.name ? mine.name : column.name,
      type: mine && mine.type !== suggested?.type ? mine.type : column.type,
    }
  })
  const key = draft.key === undefined ? undefined : was.indexOf(draft.key)
  return { ...draft, columns, key: draft.key === old.key || key === -1 ? next.key : key }
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

const NO_NAME = 'the name of a table has no more than one dot, between namespace and name'

/** The table that `draft` is of. Throws where {@link problemsOf} has something to say of its name. */
export function tableOf({ table }: Pick<Draft, 'table'>): TableName {
  const found = tableCalled(table)
  if (!found) {
    throw new Error(NO_NAME)
  }
  return found
}

/** What has to be changed before there can be such a table; `taken` are those that there are, as {@link calledBy} says. */
export function problemsOf(draft: Draft, taken: ReadonlySet<string>): string[] {
  const table = tableCalled(draft.table)
  const problems = table ? [table.namespace, table.name].map(nameProblem) : [nameProblem(draft.table) ?? NO_NAME]
  if (table && `${table.namespace}${table.name}`.includes('.')) {
    problems.push('a file does not go into a table that has a dot in its name')
  }
  if (table && taken.has(calledBy(table))) {
    problems.push(`there is a table ${calledBy(table)} already`)
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
  return `CREATE ${draft.kind} TABLE ${qualified(tableOf(draft))} (${all.join(', ')})`
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
    `ALTER TABLE ${qualified(tableOf(draft))} RENAME COLUMN ${quoted(from)} TO ${quoted(to)}`
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
