/** What outlives a page and a browser, and how tabs see each other. */

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { assertPrompt, times } from '../harness/prompt.js'
import { stage } from '../harness/stage.js'
import { newTab, open, openIn, query, rows } from '../harness/tab.js'

const on = stage()

const FILL = `
  CREATE TABLE seasons (id BIGINT PRIMARY KEY, name TEXT, n BIGINT);
  INSERT INTO seasons VALUES (1, 'spring', 1), (2, 'summer', 2), (3, 'autumn', 3);
  STORAGE FLUSH TABLE seasons;
  UPDATE seasons SET n = 20 WHERE id = 2;
  DELETE FROM seasons WHERE id = 3;
  INSERT INTO seasons VALUES (4, 'winter', 4)`

const LEFT = [
  { id: 1n, name: 'spring', n: 1n },
  { id: 2n, name: 'summer', n: 20n },
  { id: 4n, name: 'winter', n: 4n },
]

const all = (tab) => rows(tab, 'SELECT * FROM seasons ORDER BY id')

test('hot and cold rows outlive a reload, a restart and a kill of the browser', async () => {
  let tab = await open(on.browser, on.server, 'years')
  await tab.evaluate((script) => globalThis.db.exec(script), FILL)
  assert.deepEqual(await all(tab), LEFT)

  await tab.reload()
  await tab.waitForFunction(() => globalThis.FirnDB !== undefined)
  await openIn(tab, 'years')
  assert.deepEqual(await all(tab), LEFT)

  await on.browser.close()
  tab = await open(await on.restart(), on.server, 'years')
  assert.deepEqual(await all(tab), LEFT)

  await query(tab, "INSERT INTO seasons VALUES (5, 'fifth', 5)")
  await on.browser.kill()
  tab = await open(await on.restart(), on.server, 'years')
  assert.deepEqual(await all(tab), [...LEFT, { id: 5n, name: 'fifth', n: 5n }])
  assert.deepEqual(await rows(tab, 'STORAGE CHECK'), [])
  await tab.close()
})

test('relaxed durability is a choice', async () => {
  const tab = await open(on.browser, on.server, 'relaxed', { durability: 'relaxed' })
  await query(tab, 'CREATE TABLE t (id BIGINT PRIMARY KEY)')
  assert.equal((await query(tab, 'INSERT INTO t VALUES (1)')).affectedRows, 1)
  await tab.close()
})

test('the report says where the data lie and how much room there is', async () => {
  const tab = await open(on.browser, on.server, 'room')
  const { kind, usageBytes, quotaBytes } = await tab.evaluate(() => globalThis.db.storage())
  assert.equal(kind, 'browser')
  assert.ok(usageBytes >= 0 && quotaBytes > usageBytes, `${usageBytes} of ${quotaBytes}`)
  await tab.close()
})

test('what one tab commits the other reads, and stores do not mix', async () => {
  const [one, two] = [await open(on.browser, on.server, 'shared'), await open(on.browser, on.server, 'shared')]
  const apart = await open(on.browser, on.server, 'apart')
  await query(one, 'CREATE TABLE t (id BIGINT PRIMARY KEY, v TEXT)')
  await query(two, "INSERT INTO t VALUES (1, 'two')")
  await query(one, "UPDATE t SET v = 'one' WHERE id = 1")
  assert.deepEqual(await rows(two, 'SELECT * FROM t'), [{ id: 1n, v: 'one' }])
  await assert.rejects(query(apart, 'SELECT * FROM t'), { code: 'NotFound' })
  const counted = await two.evaluate(async () => {
    const add = () => globalThis.db.query('INSERT INTO t VALUES ($1, $2)', [Math.floor(Math.random() * 2 ** 50), 'x'])
    const added = await Promise.all(Array.from({ length: 50 }, add))
    return added.length
  })
  assert.deepEqual(await rows(one, 'SELECT count(*) AS n FROM t'), [{ n: BigInt(counted + 1) }])
  for (const tab of [one, two, apart]) {
    await tab.close()
  }
})

test('a transaction of a tab that is gone is rolled back', async () => {
  const [one, two] = [await open(on.browser, on.server, 'gone'), await open(on.browser, on.server, 'gone')]
  await query(one, 'CREATE TABLE t (id BIGINT PRIMARY KEY, v TEXT)')
  await query(one, "INSERT INTO t VALUES (1, 'before')")
  await two.evaluate(() => {
    const begun = new Promise((resolve) => {
      void globalThis.db.transaction(async (tx) => {
        await tx.query("UPDATE t SET v = 'never' WHERE id = 1")
        resolve()
        await new Promise(() => {})
      })
    })
    return begun
  })
  await two.close()
  await query(one, "INSERT INTO t VALUES (2, 'after')")
  // A flush goes no further than the oldest snapshot alive, which must not be that of the tab that is gone.
  let flushed = 0n
  for (let tries = 0; flushed < 2n; tries++) {
    assert.ok(tries < 100, 'the transaction of the tab that is gone holds flushes up')
    for (const report of await rows(one, 'STORAGE FLUSH TABLE t')) {
      flushed += report.rows
    }
    await sleep(50)
  }
  assert.deepEqual(await rows(one, 'SELECT v FROM t ORDER BY id'), [{ v: 'before' }, { v: 'after' }])
  await one.close()
})

test('a transaction whose leader is gone is Unavailable, and can be run again', async () => {
  const [one, two] = [await open(on.browser, on.server, 'again'), await open(on.browser, on.server, 'again')]
  await query(one, 'CREATE TABLE t (id BIGINT PRIMARY KEY)')
  await two.evaluate(() => {
    const begun = new Promise((resolve) => {
      globalThis.outcome = globalThis.db
        .transaction(async (tx) => {
          await tx.query('INSERT INTO t VALUES (1)')
          resolve()
          await new Promise((goOn) => {
            globalThis.goOn = goOn
          })
          await tx.query('INSERT INTO t VALUES (2)')
        })
        .catch((error) => error.code)
    })
    return begun
  })
  await one.close()
  await query(two, 'SELECT 1')
  const code = await two.evaluate(() => {
    globalThis.goOn()
    return globalThis.outcome
  })
  assert.equal(code, 'Unavailable')
  assert.deepEqual(await rows(two, 'SELECT * FROM t'), [])
  await two.evaluate(() => globalThis.db.transaction((tx) => tx.query('INSERT INTO t VALUES (1), (2)')))
  assert.deepEqual(await rows(two, 'SELECT count(*) AS n FROM t'), [{ n: 2n }])
  await two.close()
})

test('a breakdown of the engine reaches every caller, and the next statement finds another engine', async () => {
  const [one, two] = [await open(on.browser, on.server, 'broken'), await open(on.browser, on.server, 'broken')]
  await query(one, 'CREATE TABLE t (id BIGINT PRIMARY KEY)')
  const many = (tab, from) =>
    tab.evaluate((from) => {
      const insert = (_, at) => globalThis.db.query('INSERT INTO t VALUES ($1)', [from + at])
      globalThis.flying = Promise.allSettled(Array.from({ length: 500 }, insert))
    }, from)
  await Promise.all([many(one, 0), many(two, 1_000)])
  await one.workers()[0].evaluate(() => {
    setTimeout(() => {
      throw new Error('the sky fell')
    })
  })
  let acknowledged = 0
  for (const tab of [one, two]) {
    const outcomes = await tab.evaluate(async () =>
      (await globalThis.flying).map(({ reason }) => (reason ? `${reason.code}: ${reason.message}` : 'ok')),
    )
    const failed = outcomes.filter((outcome) => outcome !== 'ok')
    acknowledged += outcomes.length - failed.length
    assert.ok(failed.length > 0, 'everything was answered before the breakdown')
    assert.ok(failed.every((outcome) => /^Internal: .*the sky fell/.test(outcome)), failed[0])
  }
  for (const tab of [one, two]) {
    const [{ n }] = await rows(tab, 'SELECT count(*) AS n FROM t')
    assert.ok(n >= acknowledged, `${n} rows, ${acknowledged} were acknowledged`)
  }
  await one.close()
  await two.close()
})

test('a tab with another version of the protocol is refused', async () => {
  const path = '/firndb/browser.js'
  const built = await (await fetch(`${on.server.origin}${path}`)).text()
  const other = built.replace(/\bPROTOCOL = (\d+);/, (_, version) => `PROTOCOL = ${Number(version) + 1};`)
  assert.notEqual(other, built)
  const one = await open(on.browser, on.server, 'versions')
  on.server.overlay.set(path, other)
  const two = await newTab(on.browser, on.server)
  on.server.overlay.delete(path)
  await assert.rejects(openIn(two, 'versions'), { code: 'Locked', message: /reload the other tab, whose version is older/ })
  await one.close()
  await two.close()
})

test('while one tab has a long query, the other is answered; and the query can be taken back', async (t) => {
  const [one, two] = [await open(on.browser, on.server, 'long'), await open(on.browser, on.server, 'long')]
  await query(one, 'CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT)')
  await query(one, 'INSERT INTO t SELECT value, value FROM range(20000)')
  await rows(two, 'SELECT n FROM t WHERE id = 7')
  await one.evaluate(() => {
    globalThis.controller = new AbortController()
    const long = 'SELECT count(*) FROM t a JOIN t b ON a.n % 2 = b.n % 2'
    globalThis.long = globalThis.db
      .query(long, [], { signal: globalThis.controller.signal })
      .then(() => 'answered', (error) => error.name)
  })
  assert.deepEqual(await rows(two, 'SELECT n FROM t WHERE id = 7'), [{ n: 7n }])
  const took = await times(two, 'SELECT n FROM t WHERE id = 7', 10)
  const first = await one.evaluate(() => Promise.race([globalThis.long, 'still running']))
  assert.equal(first, 'still running')
  assertPrompt(t, 'a long join', took)
  await one.evaluate(() => globalThis.controller.abort())
  assert.equal(await one.evaluate(() => globalThis.long), 'AbortError')
  assert.equal((await query(one, 'INSERT INTO t VALUES (-1, 0)')).affectedRows, 1)
  await one.close()
  await two.close()
})
