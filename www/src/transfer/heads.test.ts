import { expect, test } from 'vitest'
import { csvHead } from './csv-head.js'
import { type Head, formatOf } from './head.js'
import { jsonHead } from './json-head.js'
import { parquetHead } from './parquet-head.js'
import { textOf } from './text.js'

const csv = async (text: BlobPart, name = 'a.csv', hints = {}) => csvHead(await textOf(new Blob([text])), name, hints)
const json = async (text: string) => jsonHead(await textOf(new Blob([text])))
const columns = ({ columns }: Head) => columns.map(({ name, type }) => `${name} ${type}`)

test('the ending says the format', () => {
  expect(['a.CSV', 'b.tsv', 'c.ndjson', 'd.parquet', 'e.tar', 'f.xlsx', 'csv', ''].map(formatOf)).toEqual([
    ...['csv', 'csv', 'json', 'parquet', 'archive', undefined, undefined, undefined],
  ])
})

test('CSV with names, quotes, NULL, and the ends of lines of Windows', async () => {
  const head = await csv('\ufeffid,name,price\r\n1,"Smith, ""Jo""\r\nJr",1.5\r\n2,,2\r\n\r\n')
  expect(columns(head)).toEqual(['id BIGINT', 'name TEXT', 'price DOUBLE PRECISION'])
  expect(head.preview).toEqual([
    ['1', 'Smith, "Jo"\r\nJr', '1.5'],
    ['2', null, '2'],
  ])
  expect(head.columns.map(({ isUnique }) => isUnique)).toEqual([true, false, true])
  expect(head).toMatchObject({ header: true, delimiter: ',', encoding: 'utf-8', notes: [] })
})

test('CSV without names, and by other signs', async () => {
  expect(await csv('1;2020-01-01\n2;2020-01-02')).toMatchObject({ header: false, delimiter: ';' })
  expect(columns(await csv('1;2020-01-01\n2;2020-01-02'))).toEqual([' BIGINT', ' DATE'])
  expect(columns(await csv('a\tb\n1\t2', 'x.tsv'))).toEqual(['a BIGINT', 'b BIGINT'])
  expect(columns(await csv('a,b\nc,d', 'x.csv', { header: false }))).toEqual([' TEXT', ' TEXT'])
  expect(columns(await csv('only\nx\ny'))).toEqual(['only TEXT'])
  expect(columns(await csv('a,a,\n1,2,3'))).toEqual(['a BIGINT', 'a BIGINT', ' BIGINT'])
})

test('words for NULL', async () => {
  const head = await csv('a,b\n1,NA\nNA,2')
  expect(head.nullText).toBe('NA')
  expect(columns(head)).toEqual(['a BIGINT', 'b BIGINT'])
  expect(columns(await csv('a,b\n1,NA\n,2'))).toEqual(['a BIGINT', 'b TEXT'])
})

test('rows of another length are told of', async () => {
  const { notes } = await csv('a,b\n1,2\n3\n4,5')
  expect(notes).toEqual(['Row 2 has 1 values, the first line has 2: rows like that are bad ones.'])
})

test('only the beginning of a large file is read, and its last line is left out', async () => {
  // What is past the beginning would make it TEXT, and a line that is cut would not end with a truth value.
  const lines = Array.from({ length: 10_000 }, (_, at) => `${at < 6_000 ? at : 'late'},${'x'.repeat(90)},true\n`)
  const head = csvHead(await textOf(new Blob(['a,b,c\n', ...lines])), 'a.csv')
  expect(columns(head)).toEqual(['a BIGINT', 'b TEXT', 'c BOOLEAN'])
  expect(head.notes).toEqual([])
  const objects = Array.from({ length: 1000 }, (_, at) => `${JSON.stringify({ a: at < 600 ? at : 'late', b: 'x'.repeat(1000) })}\n`)
  expect(columns(await json(objects.join('')))).toEqual(['a BIGINT', 'b TEXT'])
})

test('other encodings', async () => {
  expect((await csv(new Uint8Array([0x61, 0x0a, 0xe9]))).preview).toEqual([['é']])
  const utf16 = new Uint8Array([0xff, 0xfe, 0x61, 0, 0x0a, 0, 0xe9, 0])
  expect(await csv(utf16)).toMatchObject({ encoding: 'utf-16le', preview: [['é']] })
})

test('JSON lines and arrays', async () => {
  const lines = await json('{"id":1,"v":88.0,"big":12345678901234567890,"o":{"n":[1.50]}}\n\n{"id":2,"x":true,"t":"007"}\n')
  expect(columns(lines)).toEqual(['id BIGINT', 'v DOUBLE PRECISION', 'big DECIMAL(38,0)', 'o JSON', 'x BOOLEAN', 't TEXT'])
  expect(lines.preview).toEqual([
    ['1', '88.0', '12345678901234567890', '{"n":[1.50]}', null, null],
    ['2', null, null, null, 'true', '007'],
  ])
  const array = await json(' [ {"a":"]}\\"", "b":[{}]}, {"a":"2020-01-01"} ] ')
  expect(columns(array)).toEqual(['a TEXT', 'b JSON'])
  expect(array.isArray).toBe(true)
})

const WRONG: readonly [string, () => Promise<Head>, RegExp][] = [
  ['empty', () => csv(''), /empty/],
  ['spaces', () => json(' \n '), /nothing in the file/],
  ['binary', () => csv(new Uint8Array([0x50, 0x4b, 3, 4, 0, 0])), /no text/],
  ['an open quote', () => csv('a,b\n1,"x\n2,y\n'), /quote has no end/],
  ['no end of line', () => csv('x'.repeat(600_000)), /no end within/],
  ['one object in many lines', () => json('{\n "a": 1\n}'), /Line 1 is not JSON.*one array/],
  ['numbers', () => json('1\n2'), /Line 1 is no object/],
  ['an empty array', () => json('[]'), /no objects/],
  ['empty objects', () => json('{}\n{}'), /no properties/],
  ['a broken array', () => json('[{"a":1},{"a":}]'), /Object 2 of the array is not JSON/],
  ['not Parquet', () => parquetHead(new Blob(['PAR1 or so, not really'])), /begins and ends with PAR1/],
  ['broken Parquet', () => parquetHead(new Blob(['PAR1', new Uint8Array([9, 9, 9, 9, 9, 4, 0, 0, 0]), 'PAR1'])), /cannot be read/],
  ['cut off', () => parquetHead(new Blob(['PAR1', new Uint8Array(100)])), /cut off/],
]

test.each(WRONG)('%s is refused with a reason', async (_, look, message) => {
  await expect(look()).rejects.toThrow(message)
})
