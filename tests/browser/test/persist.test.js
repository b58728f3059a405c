/** The browser's promise to keep a store: asked for, given or not, and what a private window says. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stage } from '../harness/stage.js'
import { newTab, open, openIn, query, rows } from '../harness/tab.js'

const on = stage()
let session

/** Has the browser answer as its user would, asked in an ordinary window whether to keep the data of the tests' origin. */
async function answer(setting) {
  // It keeps to that as long as the session lasts.
  session ??= await on.browser.context.browser().newBrowserCDPSession()
  const permission = { name: 'persistent-storage' }
  await session.send('Browser.setPermission', { origin: on.server.origin, permission, setting })
}

const persisted = (tab) => tab.evaluate(async () => (await globalThis.db.storage()).persisted)

/** Opens a tab in which {@link asked} counts how often the browser was asked. */
async function watched(context) {
  const tab = await newTab(context, on.server)
  await tab.evaluate(() => {
    const persist = navigator.storage.persist.bind(navigator.storage)
    globalThis.asked = 0
    navigator.storage.persist = () => {
      globalThis.asked += 1
      return persist()
    }
  })
  return tab
}
const asked = (tab) => tab.evaluate(() => globalThis.asked)

for (const [setting, isKept] of [
  ['granted', true],
  ['denied', false],
]) {
  test(`a promise that is ${setting} is reported as ${isKept}`, async () => {
    await answer(setting)
    const tab = await open(on.browser, on.server, `is ${setting}`)
    assert.equal(await persisted(tab), isKept)
    await tab.close()
  })
}

test('open asks for the promise, unless it is told not to, or the store is in memory', async () => {
  const tab = await watched(on.browser)
  const times = []
  for (const [name, options] of [['asks', {}], ['asks not', { persist: false }], ['memory://', {}]]) {
    await openIn(tab, name, options)
    times.push(await asked(tab))
    await tab.evaluate(() => globalThis.db.close())
  }
  assert.deepEqual(times, [1, 1, 1])
  await tab.close()
})

test('a private window is asked, promises nothing, and takes its data along', async () => {
  await answer('granted')
  const kept = await open(on.browser, on.server, 'windows')
  assert.equal(await persisted(kept), true)
  await query(kept, 'CREATE TABLE open_to_all (id BIGINT PRIMARY KEY)')

  const window = await on.browser.context.browser().newContext()
  const tab = await watched({ context: window })
  await openIn(tab, 'windows')
  assert.equal(await asked(tab), 1)
  const report = await tab.evaluate(() => globalThis.db.storage())
  assert.deepEqual([report.kind, report.persisted], ['browser', false])
  await assert.rejects(query(tab, 'SELECT * FROM open_to_all'), { code: 'NotFound' })
  await query(tab, 'CREATE TABLE secret (id BIGINT PRIMARY KEY)')
  await query(tab, 'INSERT INTO secret VALUES (1), (2)')
  await query(tab, 'STORAGE FLUSH TABLE secret')
  await query(tab, 'INSERT INTO secret VALUES (4)')
  const again = await newTab({ context: window }, on.server)
  await tab.close()
  await openIn(again, 'windows')
  assert.deepEqual(await rows(again, 'SELECT count(*) AS n FROM secret'), [{ n: 3n }])
  await window.close()

  const other = await on.browser.context.browser().newContext()
  const later = await newTab({ context: other }, on.server)
  await openIn(later, 'windows')
  await assert.rejects(query(later, 'SELECT * FROM secret'), { code: 'NotFound' })
  await other.close()
  await assert.rejects(query(kept, 'SELECT * FROM secret'), { code: 'NotFound' })
  assert.deepEqual(await rows(kept, 'SELECT * FROM open_to_all'), [])
  await kept.close()
})
