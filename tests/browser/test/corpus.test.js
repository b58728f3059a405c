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

/** Not those of several users, nor those with variables or plans in them. */
const FILES = [
  'aggregates', 'alter_table', 'arithmetic', 'constraints', 'copy', 'create_table', 'defaults', 'defaults_ids',
  'delete', 'error_kinds', 'errors', 'identity', 'if_exists', 'insert', 'joins', 'keys', 'many_rows', 'namespaces',
  'not_there', 'on_conflict', 'own_tables', 'patterns', 'prepared', 'qualify', 'returning', 'row_comparison',
  'savepoints', 'select', 'seq_order', 'set_rows', 'spelling', 'storage', 'transactions', 'truncate', 'types',
  'types_arrays', 'types_decimal', 'types_json', 'types_text', 'types_time', 'types_uuid', 'update', 'update_from',
  'varchar', 'views', 'wildcards', 'with_recursive',
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
  const sessions = new Map()
  /** A session of its own for each connection: that of a transaction, which is ended at once and then holds what SQL begins. */
  const on = async (connection) => {
    if (connection === undefined) {
      return { to: db }
    }
    if (!sessions.has(connection)) {
      const session = { inTransaction: false }
      await new Promise((begun, failed) => {
        const held = async (tx) => {
          session.to = tx
          await tx.query('ROLLBACK')
          await new Promise((end) => {
            session.end = end
            begun()
          })
          throw new Error('nothing is to be committed')
        }
        session.ended = db.transaction(held).catch(failed)
      })
      sessions.set(connection, session)
    }
    return sessions.get(connection)
  }
  const answers = []
  for (const { connection, sql, flush } of statements) {
    const session = await on(connection)
    try {
      const { to } = session
      // Of a script the last answer counts.
      const result = /;\s*\S/.test(sql) ? (await to.exec(sql, options)).at(-1) : await to.query(sql, [], options)
      if (/^(BEGIN|START)\b/i.test(sql)) {
        session.inTransaction = !/;\s*(COMMIT|ROLLBACK)\s*;?\s*$/i.test(sql)
      }
      if (/^(COMMIT|END|ROLLBACK(?!\s+TO))\b/i.test(sql)) {
        session.inTransaction = false
      }
      if (flush && !session.inTransaction) {
        await db.query('STORAGE FLUSH ALL')
      }
      answers.push({ result })
    } catch (error) {
      if (/^(COMMIT|END)\b/i.test(sql)) {
        session.inTransaction = false
      }
      answers.push({ failed: `${error.code}: ${error.message}` })
    }
  }
  for (const { end, ended } of sessions.values()) {
    end()
    await ended
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
      const statements = records.map(({ connection, sql }) => ({ connection, sql, flush: writes(sql) && flushesNow(throwDice) }))
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
