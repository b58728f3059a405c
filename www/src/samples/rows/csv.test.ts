import { expect, test } from 'vitest'
import { PIECE_CHARACTERS, lineOf, piecesOf } from './csv.js'

test('values are told apart', () => {
  expect(lineOf([1, 2n, -0.5, true, null, undefined, '', 'a'])).toBe('1,2,-0.5,true,,,"",a\n')
})

test('what would end a field or a line is quoted', () => {
  expect(lineOf(['a,b', 'say "hi"', 'one\ntwo', 'three\rfour'])).toBe('"a,b","say ""hi""","one\ntwo","three\rfour"\n')
})

test('a time is in no zone', () => {
  expect(lineOf([new Date(Date.UTC(2001, 0, 1, 0, 1))])).toBe('2001-01-01T00:01:00.000\n')
})

test('pieces end with lines and have all rows', () => {
  const rows = Array.from({ length: 100_000 }, (_, at) => [at, 'é'])
  const pieces = [...piecesOf(rows)]
  expect(pieces.length).toBeGreaterThan(3)
  expect(pieces.reduce((sum, piece) => sum + piece.rows, 0)).toBe(rows.length)
  for (const { bytes } of pieces) {
    expect(bytes.at(-1)).toBe(10)
    expect(new TextDecoder('utf-8', { fatal: true }).decode(bytes).length).toBeLessThan(PIECE_CHARACTERS + 20)
  }
  expect([...piecesOf([])]).toEqual([])
})
