/** Files of the SQL corpus, and what they expect: the part of the format that the chosen files use. */

import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { letter, text } from './text.js'

/**
 * The records of the file at `path`: `{ line, connection, sql, kind, … }` where `kind` is `ok`, `count` (with `count`),
 * `error` (with `pattern`) or `query` (with `types`, `sorted` and `rows`). Without `connection` any session will do: a
 * file's own is named `own` only where it has transactions or prepared statements. Records of other users are left out,
 * since a page has one, and so are commands of the shell.
 */
export async function parse(path) {
  const lines = (await readFile(path, 'utf8')).split('\n')
  const records = []
  for (let at = 0; at < lines.length; ) {
    if (lines[at].trim() === '' || lines[at].startsWith('#')) {
      at++
      continue
    }
    const line = at + 1
    const block = []
    while (at < lines.length && lines[at].trim() !== '') {
      block.push(lines[at++])
    }
    const [, connection] = /^connection (\S+)$/.exec(block[0]) ?? []
    if (connection !== undefined) {
      block.shift()
    }
    if (block.length > 0 && !/^(user|service|dba)_/.test(connection ?? '') && !/^system /.test(block[0])) {
      records.push({ line, connection, ...record(block, `${path}:${line}`) })
    }
  }
  const bound = records.some(({ connection, sql }) => connection === undefined && OF_A_SESSION.test(sql))
  return records.map((each) => ({ ...each, connection: each.connection ?? (bound ? 'own' : undefined) }))
}

/** What a later statement of the same session goes on with. */
const OF_A_SESSION = /^(BEGIN|START|SAVEPOINT|PREPARE|EXECUTE)\b(?!.*;)/i

function record([head, ...body], place) {
  const rule = body.indexOf('----')
  const sql = (rule < 0 ? body : body.slice(0, rule)).join('\n')
  const [, what, rest = ''] = /^(statement (?:ok|count|error)|query)(?: (.*))?$/.exec(head) ?? []
  switch (what) {
    case 'statement ok':
      return { sql, kind: 'ok' }
    case 'statement count':
      return { sql, kind: 'count', count: Number(rest) }
    case 'statement error':
      return { sql, kind: 'error', pattern: pattern(rest) }
    case 'query': {
      const [types, sort] = rest.split(' ')
      if (rule < 0 || !(sort === undefined || sort === 'rowsort') || !/^[IRTBDPX?]+$/.test(types)) {
        throw new Error(`${place}: not a query that is understood here: ${head}`)
      }
      return { sql, kind: 'query', types, sorted: sort === 'rowsort', rows: body.slice(rule + 1).map(squeezed) }
    }
    default:
      throw new Error(`${place}: not understood here: ${head}`)
  }
}

/** A regular expression of Rust; of what JavaScript writes otherwise there is only the flag before it. */
function pattern(source) {
  const [, flags = '', plain] = /^(?:\(\?([ims]+)\))?(.*)$/.exec(source)
  return new RegExp(plain, `u${flags}`)
}

/** What is wrong with the answer to `record`, or nothing. */
export function judge(record, answer) {
  if (record.kind === 'error') {
    const said = answer.failed
    if (said === undefined) {
      return 'expected an error'
    }
    return record.pattern.test(said) ? undefined : `expected an error like ${record.pattern}, found: ${said}`
  }
  if (answer.failed !== undefined) {
    return answer.failed
  }
  const { fields, rows, affectedRows } = answer.result
  if (record.kind === 'count') {
    return affectedRows === record.count ? undefined : `expected ${record.count} rows, found ${affectedRows}`
  }
  if (record.kind === 'query') {
    const types = fields.map(({ type }) => letter(type)).join('')
    if (types !== record.types) {
      return `expected columns ${record.types}, found ${types}`
    }
    if (fields.some(({ type }) => type === 'JSON')) {
      return judgeParsed(record, fields, rows)
    }
    const found = rows.map((row) => squeezed(row.map((value, at) => text(value, fields[at].type)).join(' ')))
    if (record.sorted) {
      found.sort()
    }
    if (!isLike(found.join('\n'), record.rows.join('\n'))) {
      return `expected:\n${record.rows.join('\n')}\nfound:\n${found.join('\n')}`
    }
  }
  return undefined
}

/** As {@link judge}, of rows with columns of JSON, which come parsed: they are compared with what is expected, parsed. */
function judgeParsed(record, fields, rows) {
  const left = [...record.rows]
  for (const row of rows) {
    const values = row.map((value, at) => (fields[at].type === 'JSON' ? { value } : squeezed(text(value, fields[at].type))))
    const at = record.sorted ? left.findIndex((line) => isLine(line, values)) : 0
    if (left[at] === undefined || !isLine(left[at], values)) {
      return `expected:\n${record.rows.join('\n')}\nfound:\n${rows.map((each) => JSON.stringify(each, (_, value) => (typeof value === 'bigint' ? String(value) : value))).join('\n')}`
    }
    left.splice(at, 1)
  }
  return left.length === 0 ? undefined : `expected ${record.rows.length} rows, found ${rows.length}`
}

/** Whether `line` has these values, each the text of one or `{ value }`, parsed from JSON, in which there are spaces. */
function isLine(line, [first, ...rest]) {
  if (first === undefined) {
    return line === ''
  }
  if (typeof first === 'string') {
    return (line === first || line.startsWith(`${first} `)) && isLine(line.slice(first.length + 1), rest)
  }
  for (let end = line.length; end > 0; end = line.lastIndexOf(' ', end - 1)) {
    if (isJson(line.slice(0, end), first.value) && isLine(line.slice(end + 1), rest)) {
      return true
    }
  }
  return false
}

function isJson(plain, value) {
  if (plain === 'NULL') {
    return value === null
  }
  try {
    return isDeepStrictEqual(JSON.parse(plain), value)
  } catch {
    return false
  }
}

/** Whether `found` is `expected`, where anything may stand for each mark to ignore something. */
function isLike(found, expected) {
  const parts = expected.split('<slt:ignore>').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^]*')}$`).test(found)
}

/** Whether `sql` may leave rows in the hot tier. */
export function writes(sql) {
  const [first] = /^[A-Za-z]*/.exec(sql.trimStart())
  return !['SELECT', 'WITH', 'VALUES', 'SHOW', 'EXPLAIN', 'STORAGE', 'BEGIN', 'ROLLBACK'].includes(first.toUpperCase())
}

const squeezed = (line) => line.trim().split(/\s+/).join(' ')
