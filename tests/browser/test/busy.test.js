/** How long a tab waits for a small answer while another tab has the engine busy. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertPrompt, times } from '../harness/prompt.js'
import { stage } from '../harness/stage.js'
import { open, query, rows } from '../harness/tab.js'

const on = stage()

/** How many point queries are asked. */
const ASKED = 40

/** Runs `sql` in `one`, again and again, while point queries are asked in `two`; the times that they took. */
async function meanwhile(one, two, sql) {
  await one.evaluate((sql) => {
    globalThis.controller = new AbortController()
    const { signal } = globalThis.controller
    const repeat = async () => {
      for (;;) {
        await globalThis.db.query(sql, [], { signal })
      }
    }
    globalThis.ended = repeat().catch((error) => error.name)
  }, sql)
  const took = await times(two, 'SELECT n FROM point WHERE id = 7', ASKED)
  await one.evaluate(() => globalThis.controller.abort())
  assert.equal(await one.evaluate(() => globalThis.ended), 'AbortError')
  return took
}

async function twoTabs(name) {
  const [one, two] = [await open(on.browser, on.server, name), await open(on.browser, on.server, name)]
  await query(one, 'CREATE TABLE point (id BIGINT PRIMARY KEY, n BIGINT)')
  await query(one, 'INSERT INTO point SELECT value, value * 2 FROM range(1000)')
  // What planning a statement takes the first time is not what is measured.
  assert.deepEqual(await rows(two, 'SELECT n FROM point WHERE id = 7'), [{ n: 14n }])
  return { one, two, close: () => Promise.all([one.close(), two.close()]) }
}

test('a point query is answered while another tab joins 20,000 rows with 20,000', async (t) => {
  const { one, two, close } = await twoTabs('join')
  await query(one, 'CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT)')
  await query(one, 'INSERT INTO t SELECT value, value FROM range(20000)')
  const took = await meanwhile(one, two, 'SELECT count(*) FROM t a JOIN t b ON a.n % 2 = b.n % 2')
  assertPrompt(t, 'join', took)
  await close()
})

test('a point query is answered while another tab aggregates 300,000 cold rows', async (t) => {
  const { one, two, close } = await twoTabs('aggregate')
  await query(one, 'CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT, word TEXT)')
  for (let from = 0; from < 300_000; from += 100_000) {
    await query(one, `INSERT INTO t SELECT value, value % 997, 'word ' || value % 31 FROM range(${from}, ${from + 100_000})`)
    const [flushed] = await rows(one, 'STORAGE FLUSH TABLE t')
    assert.equal(flushed.rows, 100_000n)
  }
  const aggregate = 'SELECT word, count(*), sum(n), avg(n), min(id), max(id), count(DISTINCT n) FROM t GROUP BY word'
  const from = performance.now()
  const groups = (await rows(one, aggregate)).map((group) => group.count)
  assert.deepEqual([groups.length, groups.reduce((sum, count) => sum + count)], [31, 300_000n])
  const alone = Math.round(performance.now() - from)
  const took = await meanwhile(one, two, aggregate)
  assertPrompt(t, `aggregate, ${alone} ms alone`, took)
  await close()
})
