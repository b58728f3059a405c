/** A store of the browser as one archive: into a directory of the program firndb and back, and into another tab's store. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { stage } from '../harness/stage.js'
import { newTab, open, query, rows } from '../harness/tab.js'

const on = stage()
const { FIRNDB } = process.env

const FILL = [
  'CREATE TABLE notes (id BIGINT PRIMARY KEY, body TEXT)',
  "INSERT INTO notes SELECT v, 'cold' FROM generate_series(1, 3000) AS g(v)",
  'STORAGE FLUSH TABLE notes',
  "UPDATE notes SET body = 'hot' WHERE id <= 5",
  'DELETE FROM notes WHERE id = 3000',
]
const COUNTS = 'SELECT body, count(*) AS n FROM notes GROUP BY body ORDER BY body'
const FOUND = [
  { body: 'cold', n: 2994n },
  { body: 'hot', n: 5n },
]

async function filled(name) {
  const tab = await open(on.browser, on.server, name)
  for (const sql of FILL) {
    await query(tab, sql)
  }
  return tab
}

/** The archive of the tab's database, as text. */
const dumped = (tab) =>
  tab.evaluate(async () => {
    const bytes = new Uint8Array(await (await globalThis.db.dump()).arrayBuffer())
    let text = ''
    for (let at = 0; at < bytes.length; at += 0x8000) {
      text += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
    }
    return btoa(text)
  })

/** Loads an archive in a tab; gives the code of the error, if it fails. */
const load = (tab, name, archive) =>
  tab.evaluate(
    async ([name, archive]) => {
      const bytes = Uint8Array.from(atob(archive), (char) => char.charCodeAt(0))
      try {
        globalThis.db = await globalThis.FirnDB.load(name, new Blob([bytes]))
        return 'ok'
      } catch (error) {
        return error.code ?? String(error)
      }
    },
    [name, archive],
  )

const firndb = (...args) => promisify(execFile)(FIRNDB, args)

test('out of the browser into a directory, changed there, and back', { skip: !FIRNDB && 'FIRNDB names no program' }, async () => {
  const tab = await filled('out')
  const directory = await mkdtemp(join(tmpdir(), 'firndb-archive-'))
  try {
    const [file, store] = [join(directory, 'notes.tar'), join(directory, 'store')]
    await writeFile(file, Buffer.from(await dumped(tab), 'base64'))
    await firndb('load', store, file)
    await firndb('check', store)
    const { stdout } = await firndb('sql', '-d', store, '--format', 'csv', COUNTS)
    assert.deepEqual(stdout.trim().split('\n'), ['body,n', 'cold,2994', 'hot,5'])
    await firndb('sql', '-d', store, "INSERT INTO notes VALUES (-1, 'native'); STORAGE FLUSH ALL")
    await rm(file)
    await firndb('dump', store, file)

    const back = await newTab(on.browser, on.server)
    assert.equal(await load(back, 'back', (await readFile(file)).toString('base64')), 'ok')
    assert.deepEqual(await rows(back, COUNTS), [...FOUND, { body: 'native', n: 1n }])
    await query(back, "UPDATE notes SET body = 'browser' WHERE id = -1")
    await query(back, 'STORAGE FLUSH TABLE notes')
    await back.reload()
    await back.waitForFunction(() => globalThis.FirnDB !== undefined)
    await back.evaluate(async () => {
      globalThis.db = await globalThis.FirnDB.open('back')
    })
    assert.deepEqual(await rows(back, 'SELECT body FROM notes WHERE id = -1'), [{ body: 'browser' }])
    assert.deepEqual(await rows(back, 'STORAGE CHECK'), [])
    await back.close()
  } finally {
    await rm(directory, { recursive: true, force: true })
    await tab.close()
  }
})

test('a tab that does not have the engine dumps too, and what is there or open is not loaded over', async () => {
  const leader = await filled('shared')
  const other = await open(on.browser, on.server, 'shared')
  const archive = await dumped(other)
  assert.equal(await load(await newTab(on.browser, on.server), 'shared', archive), 'Locked')
  await other.close()
  await leader.close()
  const tab = await newTab(on.browser, on.server)
  assert.equal(await load(tab, 'shared', archive), 'AlreadyExists')
  assert.equal(await load(tab, 'half', archive.slice(0, 40_000)), 'Corrupt')
  assert.equal(await load(tab, 'half', archive), 'ok', 'half an archive leaves nothing behind')
  assert.deepEqual(await rows(tab, COUNTS), FOUND)
  assert.equal(await load(tab, 'memory://', archive), 'ok')
  assert.deepEqual(await rows(tab, COUNTS), FOUND)
  assert.deepEqual(await rows(await reopened(tab, 'shared'), COUNTS), FOUND, 'what was there is untouched')
  await tab.close()
})

async function reopened(tab, name) {
  await tab.evaluate(async (name) => {
    globalThis.db = await globalThis.FirnDB.open(name)
  }, name)
  return tab
}

test('rows are streamed to a tab that does not have the engine, and end with it', async () => {
  const leader = await filled('streamed')
  const other = await open(on.browser, on.server, 'streamed')
  const count = await other.evaluate(async () => {
    let rows = 0
    const sql = 'SELECT n.id, g.v FROM notes AS n, generate_series(1, 20) AS g(v)'
    for await (const batch of globalThis.db.stream(sql)) {
      rows += batch.length
    }
    return rows
  })
  assert.equal(count, 2999 * 20)
  await other.evaluate(async () => {
    globalThis.left = globalThis.db.stream('SELECT n.id, g.v FROM notes AS n, generate_series(1, 1000) AS g(v)')
    await globalThis.left.next()
  })
  await leader.close()
  const code = await other.evaluate(async () => {
    try {
      for (;;) {
        const { done } = await globalThis.left.next()
        if (done) {
          return 'done'
        }
      }
    } catch (error) {
      return error.code
    }
  })
  assert.equal(code, 'Unavailable')
  assert.equal((await rows(other, COUNTS)).length, 2)
  await other.close()
})
