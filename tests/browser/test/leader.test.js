/** What becomes of writes when the tab that has the engine is closed, crashes, or goes with the whole browser. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
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
  ledger.compare(await rows(other, 'SELECT id, write FROM ledger'))
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

for (const [how, end] of [
  ['crashes', crash],
  ['is closed', (tab) => tab.close()],
]) {
  test(`the leader ${how} during a flush`, async () => {
    const scene = await writing(`flushed, ${how}`)
    const flushed = scene.other.evaluate(() => globalThis.db.flush('ledger').then(() => 'ok', (error) => error.code))
    await end(scene.leader)
    assert.match(await flushed, /ok|Unavailable/)
    await settle(scene)
    await scene.other.evaluate(() => globalThis.db.flush('ledger'))
    scene.ledger.compare(await rows(scene.other, 'SELECT id, write FROM ledger'))
    assert.deepEqual(await rows(scene.other, 'STORAGE CHECK'), [])
    await scene.other.close()
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
