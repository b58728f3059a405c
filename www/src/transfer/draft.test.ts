import { expect, test } from 'vitest'
import { type Draft, addedId, copyOptions, createSql, draftOf, namesWhileLoading, problemsOf, redrafted, renameSql } from './draft.js'
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
  notes: [],
  header: true,
  delimiter: ';',
}

test('names are made from whatever there is', () => {
  expect(tableName('My Data (1).CSV', new Set())).toBe('my_data_1')
  expect(tableName('2020.csv', new Set())).toBe('t_2020')
  expect(tableName('../../…', new Set())).toBe('imported')
  expect(tableName('a.csv', new Set(['a', 'a_2']))).toBe('a_3')
  expect(tableName('order.csv', new Set(['"order"']))).toBe('order_2')
  expect(columnNames(['a', '', 'A', ' a ', '_seq', 'ключ'])).toEqual(['a', 'column_2', 'A_2', 'a_3', 'seq', 'ключ'])
})

test('what looks like a key is taken for it', () => {
  const draft = draftOf(head, 'a.csv', new Set())
  expect(draft.key).toBe(1)
  expect(createSql(draft, namesWhileLoading(draft, head))).toBe(
    'CREATE SHARED TABLE main.a (label TEXT, user_id BIGINT PRIMARY KEY, "x""y" DOUBLE PRECISION)',
  )
})

test('otherwise an id is added, which no column is called', () => {
  const columns = [{ name: 'ID', type: 'TEXT', isUnique: false }]
  const draft = draftOf({ ...head, columns }, 'a.csv', new Set())
  expect(draft.key).toBeUndefined()
  expect(addedId(draft)).toBe('id_2')
  expect(createSql({ ...draft, table: 'n.a', kind: 'USER' }, ['ID'])).toBe(
    'CREATE USER TABLE n.a (id_2 BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID(), "ID" TEXT)',
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
    'ALTER TABLE main.a RENAME COLUMN label TO label_',
    'ALTER TABLE main.a RENAME COLUMN user_id TO user_id_',
    'ALTER TABLE main.a RENAME COLUMN "x""y" TO "x""y_"',
    'ALTER TABLE main.a RENAME COLUMN label_ TO user_id',
    'ALTER TABLE main.a RENAME COLUMN user_id_ TO label',
    'ALTER TABLE main.a RENAME COLUMN "x""y_" TO z',
  ])
})

test('what cannot be is said', () => {
  const draft = draftOf(head, 'a.csv', new Set())
  expect(problemsOf(draft, new Set())).toEqual([])
  expect(problemsOf(draft, new Set(['a']))).toEqual(['there is a table a already'])
  expect(problemsOf({ ...draft, table: 'a.b.c' }, new Set())).toEqual([expect.stringContaining('no more than one dot')])
  expect(problemsOf({ ...draft, table: '"a.b"' }, new Set())).toEqual([expect.stringContaining('a dot in its name')])
  expect(problemsOf({ ...draft, table: 'main.order' }, new Set(['"order"']))).toEqual(['there is a table "order" already'])
  expect(problemsOf({ ...draft, table: ' ' }, new Set())).toEqual(['a name is missing'])
  expect(problemsOf({ ...draft, table: 'é'.repeat(200) }, new Set())).toEqual([expect.stringContaining('too long')])
  const [first, second] = draft.columns
  if (first && second) {
    expect(problemsOf({ ...draft, columns: [first, first] }, new Set())).toEqual(['two columns are called label'])
    expect(problemsOf({ ...draft, key: 0, columns: [{ ...first, type: 'JSON' }] }, new Set())).toEqual([expect.stringContaining('no order')])
    expect(problemsOf({ ...draft, columns: [{ ...first, name: '_seq' }] }, new Set())).toEqual([expect.stringContaining('every table')])
  }
})

test('what was chosen stays when the file is read in another way', () => {
  const suggested = draftOf(head, 'a.csv', new Set())
  const columns = suggested.columns.map((column, at) => (at === 0 ? { name: 'mine', type: 'JSON' } : column))
  const mine: Draft = { ...suggested, table: 'b', key: undefined, columns }
  const names = ['a', 'b', 'c'].map((name) => ({ name, type: 'TEXT', isUnique: true }))
  expect(redrafted(mine, head, { ...head, columns: names })).toEqual({
    ...mine,
    columns: [{ name: 'mine', type: 'JSON' }, { name: 'b', type: 'TEXT' }, { name: 'c', type: 'TEXT' }],
  })
  // With more or fewer columns they are known by their names.
  const fewer = { ...head, columns: [{ name: 'other', type: 'TEXT', isUnique: false }, ...head.columns.slice(0, 1)] }
  expect(redrafted({ ...mine, key: 0 }, head, fewer)).toMatchObject({ key: 1, columns: [{ name: 'other' }, { name: 'mine', type: 'JSON' }] })
  // What nobody chose is suggested anew.
  expect(redrafted(suggested, head, { ...head, columns: names }).key).toBe(draftOf({ ...head, columns: names }, 'a', new Set()).key)
})
