/** Live queries, changes and users over several tabs, also when the tab that has the engine goes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stage } from '../harness/stage.js'
import { open, query, rows } from '../harness/tab.js'

/** What an engine that is not optimised takes on a machine that does other things too. */
const PATIENCE_MS = 60_000

const on = stage()

/** Begins a live query in a tab; what its callback is given is there as `globalThis.told`. */
function watch(tab, sql, user) {
  return tab.evaluate(
    async ([sql, user]) => {
      globalThis.told = []
      const db = user === undefined ? globalThis.db : globalThis.db.as(user)
      const { initialRows, unsubscribe } = await db.live.query(sql, [], (rows) => globalThis.told.push(rows))
      globalThis.unsubscribe = unsubscribe
      return initialRows
    },
    [sql, user],
  )
}

const told = (tab) => tab.evaluate(() => globalThis.told)

/** Waits until the last that was told is of these ids; gives all that was told. */
async function showsIds(tab, ids) {
  const holds = (wanted) => {
    const last = globalThis.told.at(-1)
    return last !== undefined && last.map(({ id }) => String(id)).join() === wanted
  }
  try {
    await tab.waitForFunction(holds, ids.join(), { timeout: PATIENCE_MS })
  } catch (cause) {
    throw new Error(`expected ${ids}, told were ${JSON.stringify(await told(tab), (_, v) => (typeof v === 'bigint' ? `${v}` : v))}`, { cause })
  }
  return told(tab)
}

async function crash(tab) {
  const session = await on.browser.context.newCDPSession(tab)
  const crashed = new Promise((resolve) => tab.once('crash', resolve))
  session.send('Page.crash').catch(() => undefined)
  await crashed
}

/** Two tabs on a store with a table. */
async function two(name) {
  const leader = await open(on.browser, on.server, name)
  await query(leader, 'CREATE TABLE t (id BIGINT PRIMARY KEY)')
  await query(leader, 'INSERT INTO t VALUES (1)')
  const other = await open(on.browser, on.server, name)
  return [leader, other]
}

const SQL = 'SELECT id FROM t ORDER BY id'

test('a live query hears of what other tabs write, and of its own', async () => {
  const [leader, other] = await two('heard')
  for (const tab of [leader, other]) {
    assert.deepEqual(await watch(tab, SQL), [{ id: 1n }])
  }
  await query(other, 'INSERT INTO t VALUES (2)')
  await Promise.all([showsIds(leader, [1, 2]), showsIds(other, [1, 2])])
  await query(leader, 'DELETE FROM t WHERE id = 1')
  await Promise.all([showsIds(leader, [2]), showsIds(other, [2])])
  assert.equal((await told(other)).length, 2)
  await other.evaluate(() => globalThis.unsubscribe())
  await query(leader, 'INSERT INTO t VALUES (3)')
  await showsIds(leader, [2, 3])
  assert.equal((await told(other)).length, 2)
  await leader.close()
  await other.close()
})

for (const [how, end] of [
  ['is closed', (tab) => tab.close()],
  ['crashes', crash],
  ['closes its database', (tab) => tab.evaluate(() => globalThis.db.close())],
]) {
  test(`the tab that has the engine ${how}: live queries go on`, { timeout: 240_000 }, async () => {
    const [leader, other] = await two(`live-${how}`)
    const third = await open(on.browser, on.server, `live-${how}`)
    await watch(other, SQL)
    await query(third, 'INSERT INTO t VALUES (2)')
    await showsIds(other, [1, 2])
    await end(leader)
    // Nothing has changed with that, and so nobody is told.
    await query(third, 'INSERT INTO t VALUES (3)')
    const all = await showsIds(other, [1, 2, 3])
    assert.equal(all.length, 2)
    await query(other, 'DELETE FROM t WHERE id < 3')
    await showsIds(other, [3])
    await other.close()
    await third.close()
  })
}

test('changes of every tab come once each and in order, whoever has the engine', { timeout: 240_000 }, async () => {
  const [leader, reader] = await two('changes')
  const writer = await open(on.browser, on.server, 'changes')
  const last = 60
  await reader.evaluate(() => {
    globalThis.seen = []
    globalThis.following = (async () => {
      for await (const { row, seq, deleted } of globalThis.db.changes('t')) {
        globalThis.seen.push([Number(row.id), String(seq), deleted])
      }
      return 'ended'
    })()
  })
  const seen = () => reader.evaluate(() => globalThis.seen)
  const until = (count) => reader.waitForFunction((count) => globalThis.seen.length >= count, count, { timeout: PATIENCE_MS })
  await until(1)
  // Each is repeated until it is known to be there, since a leader that goes leaves that open.
  const writing = writer.evaluate(async (last) => {
    for (let id = 2; id <= last; id++) {
      let done = false
      while (!done) {
        await globalThis.db.query('INSERT INTO t VALUES ($1) ON CONFLICT DO NOTHING', [id]).then(
          () => (done = true),
          (error) => {
            if (error.code !== 'Unavailable') {
              throw error
            }
          },
        )
      }
    }
  }, last)
  await until(15)
  await leader.close()
  await writing
  await query(reader, 'DELETE FROM t WHERE id = 7')
  await until(last + 1)
  const all = await seen()
  assert.equal(all.length, last + 1)
  assert.deepEqual(all.filter(([, , deleted]) => !deleted).map(([id]) => id), Array.from({ length: last }, (_, at) => at + 1))
  assert.deepEqual(all.at(-1).filter((_, at) => at !== 1), [7, true])
  const seqs = all.map(([, seq]) => BigInt(seq))
  assert.ok(seqs.every((seq, at) => at === 0 || seq > seqs[at - 1]), seqs.join())
  // From where one was, what came after it comes again.
  const since = seqs[last - 3]
  const again = await reader.evaluate(async (since) => {
    const found = []
    for await (const { seq } of globalThis.db.changes('t', { since })) {
      found.push(seq)
      if (found.length === 3) {
        return found
      }
    }
  }, since)
  assert.deepEqual(again, seqs.slice(last - 2))
  await reader.evaluate(() => globalThis.db.close())
  assert.equal(await reader.evaluate(() => globalThis.following), 'ended')
  await writer.close()
  await reader.close()
})

const USERS = ['CREATE USER alice', 'CREATE USER bob', 'CREATE USER TABLE t (id BIGINT PRIMARY KEY)']

test('in the name of two users there are two sets of rows, and live queries of each', { timeout: 120_000 }, async () => {
  const leader = await open(on.browser, on.server, 'users')
  for (const sql of USERS) {
    await query(leader, sql)
  }
  const other = await open(on.browser, on.server, 'users')
  assert.deepEqual(await watch(leader, SQL, 'alice'), [])
  assert.deepEqual(await watch(other, SQL, 'bob'), [])
  await other.evaluate(() => globalThis.db.as('alice').query('INSERT INTO t VALUES (1)'))
  await leader.evaluate(() => globalThis.db.as('bob').transaction((tx) => tx.query('INSERT INTO t VALUES (2)')))
  assert.deepEqual(await showsIds(leader, [1]), [[{ id: 1n }]])
  assert.deepEqual(await showsIds(other, [2]), [[{ id: 2n }]])
  assert.deepEqual(await rows(leader, SQL), [])
  // A tab of a user, beside one of root.
  const alice = await open(on.browser, on.server, 'users', { user: 'alice' })
  assert.deepEqual(await rows(alice, SQL), [{ id: 1n }])
  await assert.rejects(query(alice, 'DROP TABLE t'), { code: 'PermissionDenied' })
  await assert.rejects(open(on.browser, on.server, 'users', { user: 'nobody' }), {
    code: 'PermissionDenied',
    message: /there is no user nobody/,
  })
  await leader.close()
  // Also for the next leader, which is one of the two, they are who they are.
  assert.deepEqual(await rows(alice, SQL), [{ id: 1n }])
  assert.deepEqual(await rows(other, SQL), [])
  await alice.close()
  await other.close()
})
