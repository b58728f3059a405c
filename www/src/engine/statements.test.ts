import { ensureSyntaxTree } from '@codemirror/language'
import { sql } from '@codemirror/lang-sql'
import { EditorState } from '@codemirror/state'
import { expect, test } from 'vitest'
import { DIALECT } from '../editor/dialect.js'
import { answersWithRows, canBeExplained, statementAt, statementsOf } from './statements.js'

function split(text: string) {
  const state = EditorState.create({ doc: text, extensions: [sql({ dialect: DIALECT })] })
  const tree = ensureSyntaxTree(state, text.length, 5_000)
  return tree ? statementsOf(text, tree) : []
}

test('a script is cut at semicolons that end statements, and at no others', () => {
  const texts = split(`SELECT 1; SELECT ';', ";", $$;$$ -- ; no
    FROM t; /* ; */ INSERT INTO t VALUES (1);
    EXECUTE AS USER 'al;ice' (SELECT 2)`).map((each) => each.sql)
  expect(texts).toHaveLength(4)
  expect(texts[0]).toBe('SELECT 1')
  expect(texts[1]).toMatch(/^SELECT ';', ";", \$\$;\$\$ -- ; no\n\s+FROM t$/)
  expect(texts[2]).toMatch(/INSERT INTO t VALUES \(1\)$/)
  expect(texts[3]).toBe("EXECUTE AS USER 'al;ice' (SELECT 2)")
})

test('each statement knows where it begins', () => {
  const text = 'SELECT 1;\n\nSELECT 2;\n'
  for (const { sql, from } of split(text)) {
    expect(text.slice(from, from + sql.length)).toBe(sql)
  }
})

test('the statement at a place is the one around it or before it', () => {
  const statements = split('SELECT 1;\nSELECT 2;\n\n')
  expect(statementAt(statements, 0)?.sql).toBe('SELECT 1')
  expect(statementAt(statements, 12)?.sql).toBe('SELECT 2')
  expect(statementAt(statements, 21)?.sql).toBe('SELECT 2')
  expect(statementAt([], 0)).toBeUndefined()
})

test.each([
  ['SELECT 1', true],
  ['-- why\n  select 1', true],
  ['/* a */ WITH a AS (SELECT 1) SELECT * FROM a', true],
  ['WITH a AS (SELECT 1) DELETE FROM t USING a', false],
  ['VALUES (1)', true],
  ['SHOW MANIFEST t', true],
  ['INSERT INTO t SELECT 1', false],
  ['UPDATE t SET a = 1 RETURNING a', false],
  ['STORAGE FLUSH ALL', false],
])('%s', (sql, rows) => expect(answersWithRows(sql)).toBe(rows))

test('only queries are explained', () => {
  expect(canBeExplained('SELECT 1')).toBe(true)
  expect(canBeExplained('SHOW TABLES')).toBe(false)
  expect(canBeExplained('EXPLAIN SELECT 1')).toBe(false)
})
