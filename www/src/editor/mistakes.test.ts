import { Text } from '@codemirror/state'
import { FirnDBError } from 'firndb'
import { expect, test } from 'vitest'
import { diagnosticOf, placeIn } from './mistakes.js'

function marked(script: string, sql: string, position?: { line: number; column: number }) {
  const text = Text.of(script.split('\n'))
  const error = new FirnDBError('NotFound', 'what is wrong\nLINE 1: …', position ? { position } : {})
  const { from, to, message } = diagnosticOf(text, error, script.indexOf(sql))
  expect(message).toBe('what is wrong')
  return script.slice(from, to)
}

test('the word at the place is marked, wherever the statement begins', () => {
  expect(marked('SELECT boddy FROM notes', 'SELECT', { line: 1, column: 8 })).toBe('boddy')
  expect(marked('SELECT 1; SELECT boddy', 'SELECT boddy', { line: 1, column: 8 })).toBe('boddy')
  expect(marked('SELECT 1;\n\n  SELECT\n    boddy', 'SELECT\n', { line: 2, column: 5 })).toBe('boddy')
})

test('columns count characters, not units of UTF-16', () => {
  expect(marked("SELECT '❄️🏔️', boddy", 'SELECT', { line: 1, column: 16 })).toBe('boddy')
})

test('a place beyond the text, or none, marks something that is there', () => {
  expect(marked('SELECT 1', 'SELECT', { line: 7, column: 3 })).toBe('')
  expect(marked('SELECT 1; SELECT 2', 'SELECT 2')).toBe('SELECT 2')
})

test('places are told within all of the text', () => {
  const script = "SELECT 1;\n  SELECT '❄️',\n boddy; SELECT boddy"
  const text = Text.of(script.split('\n'))
  const at = (sql: string, position?: { line: number; column: number }) =>
    placeIn(text, new FirnDBError('NotFound', 'no', position ? { position } : {}), script.indexOf(sql))
  expect(at("SELECT '", { line: 2, column: 2 })).toEqual({ at: script.indexOf('boddy'), line: 3, column: 2 })
  expect(at('SELECT boddy', { line: 1, column: 8 })).toEqual({ at: script.lastIndexOf('boddy'), line: 3, column: 16 })
  expect(at('SELECT boddy')).toBeUndefined()
})
