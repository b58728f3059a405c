/** Stores that are deleted. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stage } from '../harness/stage.js'
import { newTab, open, openIn, query, rows } from '../harness/tab.js'

const on = stage()

/** Deletes the store `name` from `tab`: `deleted`, or the code of the error. */
const remove = (tab, name) =>
  tab.evaluate((name) => globalThis.FirnDB.delete(name).then(() => 'deleted', (error) => error.code), name)

/** What the browser has of stores: databases, and directories of files. */
const traces = (tab) =>
  tab.evaluate(async () => {
    const databases = (await indexedDB.databases()).map(({ name }) => name)
    const top = await (await navigator.storage.getDirectory()).getDirectoryHandle('firndb')
    const directories = await Array.fromAsync(top.keys())
    return { databases: databases.sort(), directories: directories.sort() }
  })

async function fill(tab) {
  const script = 'CREATE TABLE t (id BIGINT PRIMARY KEY); INSERT INTO t VALUES (1); STORAGE FLUSH TABLE t; INSERT INTO t VALUES (2)'
  await tab.evaluate((script) => globalThis.db.exec(script), script)
}

test('a store that is open is not deleted; one that was closed is, with its files, and no other', async () => {
  const [one, two] = [await open(on.browser, on.server, 'doomed'), await open(on.browser, on.server, 'kept')]
  await fill(one)
  await fill(two)
  assert.deepEqual(await traces(two), { databases: ['firndb/doomed', 'firndb/kept'], directories: ['doomed', 'kept'] })

  assert.equal(await remove(one, 'doomed'), 'Locked')
  assert.equal(await remove(two, 'doomed'), 'Locked')
  assert.equal((await rows(one, 'SELECT * FROM t')).length, 2)

  await one.evaluate(() => globalThis.db.close())
  assert.equal(await remove(one, 'doomed'), 'deleted')
  assert.deepEqual(await traces(two), { databases: ['firndb/kept'], directories: ['kept'] })
  assert.equal((await rows(two, 'SELECT * FROM t')).length, 2)

  await openIn(one, 'doomed')
  await assert.rejects(query(one, 'SELECT * FROM t'), { code: 'NotFound' })
  await fill(one)
  assert.equal((await rows(one, 'SELECT * FROM t')).length, 2)
  await one.close()
  await two.close()
})

test('a store is deleted as soon as the tab that had it open is gone', async () => {
  const gone = await open(on.browser, on.server, 'left')
  await fill(gone)
  const tab = await newTab(on.browser, on.server)
  await gone.close()
  assert.equal(await remove(tab, 'left'), 'deleted')
  assert.ok(!(await traces(tab)).directories.includes('left'))
  await tab.close()
})

test('what is not there is deleted, what has no name is refused', async () => {
  const tab = await newTab(on.browser, on.server)
  assert.equal(await remove(tab, 'never made'), 'deleted')
  assert.equal(await remove(tab, 'memory://'), 'deleted')
  assert.equal(await remove(tab, ''), 'InvalidInput')
  assert.equal(await remove(tab, 'x'.repeat(129)), 'InvalidInput')
  await tab.close()
})
