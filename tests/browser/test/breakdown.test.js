/** An engine that breaks down by a trap of its own: every caller is told why, and another engine takes over. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capped } from '../../node/harness/capped.js'
import { stage } from '../harness/stage.js'
import { newTab, open, openIn, query, rows } from '../harness/tab.js'

const MIB = 1024 * 1024
const CAPPED = '/capped.wasm'

const on = stage(async ({ server }) => {
  server.overlay.set(CAPPED, await capped(96 * MIB))
})

/** More than there is, in values none of which is large, and less than `resultBytes`. */
const TOO_MUCH = "SELECT value, repeat('x', 8000) AS x FROM range(20000)"

/** Answered by nobody before it is given up. */
const SLOW = 'SELECT count(*) FROM t a, t b, t c WHERE a.id + b.id + c.id = -1'

/** Asks for `sql` and does not wait; {@link told} has what becomes of it. */
const ask = (tab, sql) =>
  tab.evaluate((sql) => {
    const refusal = ({ code, message }) => ({ code, message })
    globalThis.told = globalThis.db.query(sql).then(() => 'answered', refusal)
  }, sql)
const told = (tab) => tab.evaluate(() => globalThis.told)

/** Two tabs on the store `name`, in which there is a table; the first has the engine. */
async function twoTabs(name, options) {
  const [one, two] = [await open(on.browser, on.server, name, options), await open(on.browser, on.server, name, options)]
  await query(one, 'CREATE TABLE t (id BIGINT PRIMARY KEY)')
  await query(two, 'INSERT INTO t SELECT value FROM range(1000)')
  return [one, two]
}

/** Has whoever needs random numbers panic, in the engine of `tab`. */
function takeRandomNumbers(tab) {
  return tab.workers()[0].evaluate(() => {
    Crypto.prototype.getRandomValues = () => {
      throw new Error('there are none')
    }
  })
}

/** All is there, and either tab is answered. */
async function assertServed([one, two]) {
  for (const tab of [one, two]) {
    assert.deepEqual(await rows(tab, 'SELECT count(*) AS n FROM t'), [{ n: 1000n }])
  }
  assert.deepEqual(await rows(one, 'STORAGE CHECK'), [])
}

test('memory that runs out ends the engine, and the next statement finds another', async () => {
  const tabs = await twoTabs('used up', { wasm: CAPPED })
  const [one, two] = tabs
  await ask(one, SLOW)
  await ask(two, TOO_MUCH)
  for (const tab of tabs) {
    const { code, message } = await told(tab)
    assert.equal(code, 'LimitExceeded', message)
    assert.match(message, /memory of WebAssembly was used up/)
  }
  await assertServed(tabs)
  await Promise.all(tabs.map((tab) => tab.close()))
})

test('a panic of the engine reaches every caller with its message, and the next statement finds another engine', async () => {
  const tabs = await twoTabs('panicked')
  const [one, two] = tabs
  await ask(one, SLOW)
  await takeRandomNumbers(one)
  await ask(two, 'SELECT uuid()')
  for (const tab of tabs) {
    const { code, message } = await told(tab)
    assert.equal(code, 'Internal', message)
    assert.match(message, /panicked at .*\.rs:\d+/)
  }
  await assertServed(tabs)
  await Promise.all(tabs.map((tab) => tab.close()))
})

test('live queries and loops over changes outlive a panic, and are told only what is new', { timeout: 240_000 }, async () => {
  const tabs = await twoTabs('panicked live')
  const [one, two] = tabs
  for (const tab of tabs) {
    await tab.evaluate(async () => {
      const { db } = globalThis
      globalThis.shown = []
      globalThis.seqs = []
      await db.live.query('SELECT count(*) AS n FROM t', [], (rows) => globalThis.shown.push(Number(rows[0].n)))
      void (async () => {
        for await (const { seq } of db.changes('t')) {
          globalThis.seqs.push(seq)
        }
      })()
    })
    await tab.waitForFunction(() => globalThis.seqs.length === 1000, null, { timeout: 60_000 })
  }
  await takeRandomNumbers(one)
  await ask(two, 'SELECT uuid()')
  assert.equal((await told(two)).code, 'Internal')
  await query(two, 'INSERT INTO t VALUES (5000)')
  for (const tab of tabs) {
    const isTold = () => globalThis.shown.length > 0 && globalThis.seqs.length > 1000
    await tab.waitForFunction(isTold, null, { timeout: 60_000 })
    const [shown, seqs] = await tab.evaluate(() => [globalThis.shown, globalThis.seqs])
    assert.deepEqual(shown, [1001])
    assert.equal(seqs.length, 1001)
    assert.equal(new Set(seqs).size, 1001)
  }
  await Promise.all(tabs.map((tab) => tab.close()))
})

test('a store in memory that breaks down is gone, and says so', async () => {
  const tab = await newTab(on.browser, on.server)
  await openIn(tab, 'memory://', { wasm: CAPPED })
  await assert.rejects(query(tab, TOO_MUCH), { code: 'LimitExceeded' })
  await assert.rejects(query(tab, 'SELECT 1'), { code: 'Unavailable', message: /the store in memory is gone/ })
  await tab.evaluate(() => globalThis.db.close())
  await openIn(tab, 'memory://', { wasm: CAPPED })
  assert.deepEqual(await rows(tab, 'SELECT 1 AS one'), [{ one: 1n }])
  await tab.close()
})
