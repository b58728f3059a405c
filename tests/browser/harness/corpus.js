/** Files of the SQL corpus, and what they expect: the part of the format that the chosen files use. */

import { readFile } from 'node:fs/promises'
import { letter, text } from './text.js'

/**
 * The records of the file at `path`: `{ line, sql, kind, … }` where `kind` is `ok`, `count` (with `count`), `error`
 * (with `pattern`) or `query` (with `types`, `sorted` and `rows`). What follows the first record of another
 * connection is left out, since a page has one, and so is what follows a BEGIN, which the API has no statement for.
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
    if (/^connection /.test(block[0]) || /^BEGIN\b/.test(block[1])) {
      break
    }
    records.push({ line, ...record(block, `${path}:${line}`) })
  }
  return records
}

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
