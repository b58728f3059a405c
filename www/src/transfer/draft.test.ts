import { expect, test } from 'vitest'
import { type Draft, addedId, copyOptions, createSql, draftOf, namesWhileLoading, problemsOf, renameSql } from './draft.js'
import type { Head } from './head.js'
import { columnNames, tableName } from './names.js'

const head: Head = {
  format: 'csv',
  columns: [
    { name: 'label', type: 'TEXT', isUnique: true },
    { name: 'user_id', type: 'BIGINT', isUnique: true },
    { name: 'x"y', type: 'DOUBLE PRECISION', isUnique: true },
  ],
  preview: [],
  sampled: 3,
  notes: [],
  header: true,
  delimiter: ';',
}

test('names are made from whatever there is', () => {
  expect(tableName('My Data (1).CSV', new Set())).toBe('my_data_1')
  expect(tableName('2020.csv', new Set())).toBe('t_2020')
  expect(tableName('../../…', new Set())).toBe('imported')
  expect(tableName('a.csv', new Set(['a', 'a_2']))).toBe('a_3')
  expect(columnNames(['a', '', 'A', ' a ', '_seq', 'ключ'])).toEqual(['a', 'column_2', 'A_2', 'a_3', 'seq', 'ключ'])
})

test('what looks like a key is taken for it', () => {
  const draft = draftOf(head, 'a.csv', new Set())
  expect(draft.key).toBe(1)
  expect(createSql(draft, namesWhileLoading(draft, head))).toBe(
    'CREATE SHARED TABLE "a" ("label" TEXT, "user_id" BIGINT PRIMARY KEY, "x""y" DOUBLE PRECISION)',
  )
})

test('otherwise an id is added, which no column is called', () => {
  const columns = [{ name: 'ID', type: 'TEXT', isUnique: false }]
  const draft = draftOf({ ...head, columns }, 'a.csv', new Set())
  expect(draft.key).toBeUndefined()
  expect(addedId(draft)).toBe('id_2')
  expect(createSql({ ...draft, table: 'n.a', kind: 'USER' }, ['ID'])).toBe(
    'CREATE USER TABLE "n"."a" ("id_2" BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID(), "ID" TEXT)',
  )
})

test('options go by place in CSV, and by name in JSON', () => {
  const draft = draftOf(head, 'a.csv', new Set())
  const names = ['label', 'user_id', 'x"y']
  expect(copyOptions(draft, head, true)).toEqual({ format: 'csv', header: true, delimiter: ';', columns: names })
  expect(copyOptions(draft, head, false)).toMatchObject({ header: false })
  const { delimiter, header, ...rest } = head
  expect(copyOptions({ ...draft, skipsBadRows: true }, { ...rest, format: 'json' }, true)).toEqual({ format: 'json', onError: 'skip' })
})

test('columns of JSON get their names afterwards, also each other’s', () => {
  const draft: Draft = { ...draftOf(head, 'a', new Set()), columns: [{ name: 'user_id', type: 'TEXT' }, { name: 'label', type: 'BIGINT' }, { name: 'z', type: 'TEXT' }] }
  expect(renameSql(draft, head)).toEqual([])
  expect(renameSql(draft, { ...head, format: 'json' })).toEqual([
    'ALTER TABLE "a" RENAME COLUMN "label" TO "label_"',
    'ALTER TABLE "a" RENAME COLUMN "user_id" TO "user_id_"',
    'ALTER TABLE "a" RENAME COLUMN "x""y" TO "x""y_"',
    'ALTER TABLE "a" RENAME COLUMN "label_" TO "user_id"',
    'ALTER TABLE "a" RENAME COLUMN "user_id_" TO "label"',
    'ALTER TABLE "a" RENAME COLUMN "x""y_" TO "z"',
  ])
})

test('what cannot be is said', () => {
  const draft = draftOf(head, 'a.csv', new Set())
  expect(problemsOf(draft, new Set())).toEqual([])
  expect(problemsOf(draft, new Set(['a']))).toEqual(['there is a table a already'])
  expect(problemsOf({ ...draft, table: 'a.b.c' }, new Set())).toEqual([expect.stringContaining('no more than one dot')])
  expect(problemsOf({ ...draft, table: ' ' }, new Set())).toEqual(['a name is missing'])
  expect(problemsOf({ ...draft, table: 'é'.repeat(200) }, new Set())).toEqual([expect.stringContaining('too long')])
  const [first, second] = draft.columns
  if (first && second) {
    expect(problemsOf({ ...draft, columns: [first, first] }, new Set())).toEqual(['two columns are called label'])
    expect(problemsOf({ ...draft, key: 0, columns: [{ ...first, type: 'JSON' }] }, new Set())).toEqual([expect.stringContaining('no order')])
    expect(problemsOf({ ...draft, columns: [{ ...first, name: '_seq' }] }, new Set())).toEqual([expect.stringContaining('every table')])
  }
})
