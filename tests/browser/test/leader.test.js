/** What becomes of writes when the tab that has the engine is closed, crashes, or goes with the whole browser. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginToWrite, filesOf } from '../harness/files.js'
import { Ledger, TABLE } from '../harness/ledger.js'
import { stage } from '../harness/stage.js'
import { open, query, rows } from '../harness/tab.js'

const on = stage()

/** Two tabs, the first of which has the engine, with two writers each. */
async function writing(name) {
  const leader = await open(on.browser, on.server, name)
  await query(leader, TABLE)
  const other = await open(on.browser, on.server, name)
  const ledger = new Ledger()
  const writers = [leader, leader, other, other].map((tab) => ledger.write(tab))
  await ledger.more(20)
  return { leader, other, ledger, writers }
}

async function settle({ other, ledger, writers }) {
  await ledger.more(20)
  ledger.stop()
  await Promise.all(writers)
  ledger.compare(await rows(other, 'SELECT id, write FROM ledger WHERE write >= 0'))
}

async function crash(tab) {
  const session = await on.browser.context.newCDPSession(tab)
  const crashed = new Promise((resolve) => tab.once('crash', resolve))
  session.send('Page.crash').catch(() => undefined)
  await crashed
}

test('two tabs write at once', async () => {
  const scene = await writing('both')
  await settle(scene)
  assert.equal(scene.ledger.unknown.size, 0)
  await scene.leader.close()
  await scene.other.close()
})

test('the leader is closed while both write', async () => {
  const scene = await writing('closed')
  await scene.leader.close()
  await settle(scene)
  await scene.other.close()
})

test('the leader closes its database while the other tab writes: nothing fails', async () => {
  const leader = await open(on.browser, on.server, 'polite')
  await query(leader, TABLE)
  const other = await open(on.browser, on.server, 'polite')
  const ledger = new Ledger()
  const writers = [ledger.write(other), ledger.write(other)]
  await ledger.more(20)
  await leader.evaluate(() => globalThis.db.close())
  await settle({ other, ledger, writers })
  assert.equal(ledger.unknown.size, 0)
  await leader.close()
  await other.close()
})

test('the leader crashes while both write', async () => {
  const scene = await writing('crashed')
  await crash(scene.leader)
  await settle(scene)
  await scene.other.close()
})

/** Rows that make a flush last, none of which a writer has written. */
const FILLING = 200_000
/** How often a leader may end too early or too late for the flush, before the test gives up. */
const TRIES = 6

/** Ends the leader of the store `name` while it flushes, and looks at what is left; whether it met the flush. */
async function endDuringFlush(t, name, end) {
  const scene = await writing(name)
  const { leader, other, ledger } = scene
  await query(other, `INSERT INTO ledger SELECT value + 1000000000, -1 FROM range(${FILLING})`)
  const begun = await beginToWrite(other, name, 'STORAGE FLUSH TABLE ledger')
  await end(leader)
  const outcome = await other.evaluate(() => globalThis.outcome)
  assert.match(outcome, /^(ok|Unavailable)$/)
  const [{ committed }] = await rows(other, "SELECT count(*) AS committed FROM system.batches WHERE table_name = 'ledger'")
  // What had been written to a file was not committed: the end came in between.
  const met = begun.length > 0 && committed === 0n
  t.diagnostic(`${name}: ${begun.join(', ')} was begun, then ${outcome}, ${committed} batch files committed`)
  await settle(scene)
  const flushed = await rows(other, 'STORAGE FLUSH TABLE ledger')
  assert.equal(flushed.length, 1)
  ledger.compare(await rows(other, 'SELECT id, write FROM ledger WHERE write >= 0'))
  assert.deepEqual(await rows(other, 'SELECT count(*) AS n FROM ledger WHERE write = -1'), [{ n: BigInt(FILLING) }])
  assert.deepEqual(await rows(other, 'STORAGE CHECK'), [])
  assert.deepEqual((await filesOf(other, name)).filter((path) => path.startsWith('.firndb-temp')), [])
  await other.close()
  return met
}

for (const [how, verb, end] of [
  ['crashes', 'crash', crash],
  ['is closed', 'close', (tab) => tab.close()],
]) {
  test(`the leader ${how} during a flush`, { timeout: 240_000 }, async (t) => {
    let [tries, met] = [0, false]
    while (!met) {
      assert.ok(tries++ < TRIES, `in ${TRIES} tries no flush was cut short`)
      met = await endDuringFlush(t, `flush-${verb}-${tries}`, end)
    }
  })
}

test('three leaders in a row crash', async () => {
  const scene = await writing('again')
  const third = await open(on.browser, on.server, 'again')
  const fourth = await open(on.browser, on.server, 'again')
  scene.writers.push(scene.ledger.write(fourth))
  for (const leader of [scene.leader, scene.other, third]) {
    await crash(leader)
    await scene.ledger.more(10)
  }
  await settle({ ...scene, other: fourth })
  await fourth.close()
})

test('the whole browser is killed while both tabs write', async () => {
  const { ledger, writers } = await writing('killed')
  await on.browser.kill()
  ledger.stop()
  await Promise.all(writers)
  const tab = await open(await on.restart(), on.server, 'killed')
  ledger.compare(await rows(tab, 'SELECT id, write FROM ledger'))
  assert.deepEqual(await rows(tab, 'STORAGE CHECK'), [])
  await tab.close()
})
