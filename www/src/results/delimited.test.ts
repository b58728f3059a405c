import { expect, it } from 'vitest'
import type { Rows } from '../engine/result.js'
import { csvField, csvHeader, csvLine, tsvField, tsvLine } from './delimited.js'
import { arrayOfLines, jsonLine, nameOf, unavailable } from './export.js'

const values: readonly (readonly unknown[])[] = [[1, 'a,"b"', null, ''], [2, 'two\nlines', 3n, 'tab\there']]
const rows: Rows = {
  columns: ['id', 'a,b', 'n', 'n'].map((name) => ({ name, type: 'TEXT', kind: 'text' })),
  length: 2,
  value: (row, column) => values[row]?.[column] ?? null,
}

it('quotes fields of CSV, and tells NULL from the empty text', () => {
  expect(csvHeader(rows)).toBe('id,"a,b",n,n\n')
  expect(csvLine(rows, 0)).toBe('1,"a,""b""",,""\n')
  expect(csvField('two\r\nlines', 'TEXT')).toBe('"two\r\nlines"')
})

it('quotes fields of TSV only where they would fall apart', () => {
  expect(tsvLine(rows, 0, 0, 1)).toBe('1\t"a,""b"""')
  expect(tsvLine(rows, 1, 1, 3)).toBe('"two\nlines"\t3\t"tab\there"')
  expect(tsvField(null, 'TEXT')).toBe('')
  expect(tsvField('a,b', 'TEXT')).toBe('a,b')
})

it('loses no column of a name that comes twice', () => {
  expect(JSON.parse(jsonLine(rows, 1))).toEqual({ id: 2, 'a,b': 'two\nlines', n: 3, n_2: 'tab\there' })
})

it('makes an array of lines of JSON, wherever the pieces end', async () => {
  const through = async (...pieces: string[]) => {
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        pieces.forEach((piece) => controller.enqueue(new TextEncoder().encode(piece)))
        controller.close()
      },
    })
    return JSON.parse(await new Response(source.pipeThrough(arrayOfLines())).text()) as unknown
  }
  expect(await through('{"a":1}\n{"a"', ':2}\n', '{"a":3}\n')).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }])
  expect(await through('{"a":1}', '\n')).toEqual([{ a: 1 }])
  expect(await through()).toEqual([])
})

it('names files after the first table', () => {
  expect(nameOf('SELECT * FROM flights WHERE x > 1')).toBe('flights')
  expect(nameOf("-- FROM here\nSELECT ' FROM text ' FROM app.\"My Table\" m")).toBe('My_Table')
  expect(nameOf('INSERT INTO notes VALUES (1) RETURNING *')).toBe('notes')
  expect(nameOf('SHOW TABLES')).toBe('result')
  expect(nameOf('SELECT 1')).toBe('result')
})

it('has no Parquet of what is no query', () => {
  expect(unavailable('parquet', { sql: 'SHOW TABLES', rows })).toMatch(/queries only/)
  expect(unavailable('parquet', { sql: 'SELECT 1', rows })).toBeUndefined()
  expect(unavailable('csv', { sql: 'SHOW TABLES', rows })).toBeUndefined()
  expect(unavailable('arrow', { sql: 'SELECT 1', rows })).toMatch(/Arrow/)
})
