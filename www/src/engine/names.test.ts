import { FirnDB } from 'firndb'
import { expect, test } from 'vitest'
import { DIALECT } from '../editor/dialect.js'
import { calledBy, qualified, quoted, tableCalled, tablesOf } from './names.js'

test('names are in quotes only where they have to be', () => {
  expect(['flights', 'name', 'order', 'Mixed', 'a b', 'x"y', 'odd.name', '1a', ''].map(quoted)).toEqual([
    ...['flights', 'name', '"order"', '"Mixed"', '"a b"', '"x""y"', '"odd.name"', '"1a"', '""'],
  ])
  expect(qualified({ namespace: 'main', name: 'order' })).toBe('main."order"')
  expect(calledBy({ namespace: 'main', name: 'flights' })).toBe('flights')
  expect(calledBy({ namespace: 'a.b', name: 'c' })).toBe('"a.b".c')
})

test('what a table is called says which it is', () => {
  for (const namespace of ['main', 'chat', 'a.b', 'Ä "x"']) {
    for (const name of ['t', 'select', 'odd.name', '.', '"', 'a "b".c', 'two words']) {
      expect(tableCalled(calledBy({ namespace, name }))).toEqual({ namespace, name })
      expect(tableCalled(qualified({ namespace, name }))).toEqual({ namespace, name })
    }
  }
})

test('names are typed without quotes too', () => {
  expect(tableCalled(' My Data ')).toEqual({ namespace: 'main', name: 'My Data' })
  expect(tableCalled('chat.my rooms')).toEqual({ namespace: 'chat', name: 'my rooms' })
  for (const text of ['', ' ', '.', 'a.', '.a', 'a.b.c', '"a', 'a"b', '""', 'a. ']) {
    expect(tableCalled(text), text).toBeUndefined()
  }
})

test('every word of the dialect is a name, as it is written here', { timeout: 120_000 }, async () => {
  const db = await FirnDB.open('memory://')
  const words = [...new Set([DIALECT.spec.keywords, DIALECT.spec.types].join(' ').split(' '))].filter((word) => word !== '')
  const wrong: string[] = []
  for (const word of words) {
    const name = quoted(word)
    try {
      await db.exec(`CREATE TABLE ${name} (number_ BIGINT PRIMARY KEY, ${name} BIGINT);
        INSERT INTO ${name} (number_, ${name}) VALUES (1, 2);
        UPDATE main.${name} SET ${name} = ${name} + 1 WHERE ${name} = 2;
        SELECT ${name}, ${name}.${name} FROM ${name} WHERE ${name} > 0 GROUP BY ${name} ORDER BY ${name};
        DROP TABLE ${name}`)
    } catch {
      wrong.push(word)
      await db.query(`DROP TABLE IF EXISTS "${word}"`)
    }
  }
  expect(wrong).toEqual([])
  await db.query('CREATE TABLE main."odd.name" (id BIGINT PRIMARY KEY)')
  expect(await tablesOf(db)).toEqual(new Set(['"odd.name"']))
  await db.close()
})
