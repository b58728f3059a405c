/**
 * A part of the SQL corpus over the package's API and the browser's storage: every row hot, every row cold, and mixed.
 *
 * `FIRNDB_SLT=insert` runs only the files with that in their names; `FIRNDB_SEED` reseeds the mix.
 */

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { judge, parse, writes } from '../harness/corpus.js'
import { stage } from '../harness/stage.js'
import { newTab } from '../harness/tab.js'

const CORPUS = fileURLToPath(new URL('../../slt/', import.meta.url))

/** Not those that need several connections, transactions, other users, variables or PREPARE from the start; JSON comes parsed. */
const FILES = [
  'aggregates', 'alter_table', 'arithmetic', 'constraints', 'copy', 'create_table', 'defaults', 'defaults_ids',
  'delete', 'errors', 'identity', 'if_exists', 'insert', 'joins', 'keys', 'many_rows', 'namespaces', 'not_there',
  'on_conflict', 'patterns', 'qualify', 'returning', 'row_comparison', 'select', 'seq_order', 'set_rows',
  'spelling', 'storage', 'truncate', 'types', 'types_arrays', 'types_decimal', 'types_text', 'types_time',
  'types_uuid', 'update', 'update_from', 'varchar', 'views', 'wildcards', 'with_recursive',
].filter((name) => name.includes(process.env.FIRNDB_SLT ?? ''))

const SEED = Number(process.env.FIRNDB_SEED ?? randomInt(2 ** 31))

let tab
const on = stage(async ({ browser, server }) => {
  tab = await newTab(browser, server)
  // Compiled once, instead of for each file.
  await tab.evaluate(async () => {
    globalThis.engine = await WebAssembly.compileStreaming(fetch('/firndb/engine_bg.wasm'))
  })
})

/** Runs statements in the page, on a fresh store; what each answered, and how often rows were flushed. */
async function run([store, statements]) {
  const db = await globalThis.FirnDB.open(store, { wasm: globalThis.engine, durability: 'relaxed' })
  const options = { rowMode: 'array', timestamps: 'micros' }
  const answers = []
  for (const { sql, flush } of statements) {
    try {
      // Of a script the last answer counts.
      const result = /;\s*\S/.test(sql) ? (await db.exec(sql, options)).at(-1) : await db.query(sql, [], options)
      if (flush) {
        await db.query('STORAGE FLUSH ALL')
      }
      answers.push({ result })
    } catch (error) {
      answers.push({ failed: `${error.code}: ${error.message}` })
    }
  }
  const { flushes } = await db.stats()
  await db.close()
  await globalThis.FirnDB.delete(store, { wasm: globalThis.engine })
  return { answers, flushes }
}

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
function dice(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const MODES = [
  { mode: 'hot', flushesNow: () => false },
  { mode: 'cold', flushesNow: () => true },
  { mode: 'mixed', seed: SEED, flushesNow: (throwDice) => throwDice() < 0.4 },
]

for (const { mode, seed, flushesNow } of MODES) {
  const name = seed === undefined ? mode : `${mode}, FIRNDB_SEED=${seed}`
  test(`the corpus, ${name}`, async (t) => {
    const throwDice = dice(SEED)
    const failures = []
    let [total, flushed] = [0, 0]
    for (const file of FILES) {
      const records = await parse(`${CORPUS}${file}.slt`)
      const statements = records.map(({ sql }) => ({ sql, flush: writes(sql) && flushesNow(throwDice) }))
      const { answers, flushes } = await tab.evaluate(run, [`${mode} ${file}`, statements])
      total += records.length
      flushed += flushes
      for (const [at, record] of records.entries()) {
        const problem = judge(record, answers[at])
        if (problem !== undefined) {
          failures.push(`${file}.slt:${record.line}: ${record.sql}\n${problem}`)
        }
      }
    }
    t.diagnostic(`${name}: ${FILES.length} files, ${total} statements and queries, ${flushed} flushes`)
    assert.ok(failures.length === 0, `${failures.length} failures:\n\n${failures.join('\n\n')}`)
    assert.ok(mode === 'hot' || flushed > 0, 'nothing was flushed: the run tested one tier only')
  })
}
