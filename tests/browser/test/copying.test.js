/** Files in and out of a browser: in the worker of the tab that has the engine, and from another tab. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stage } from '../harness/stage.js'
import { open, query, rows } from '../harness/tab.js'

const on = stage()

/** Loads a `File` of these rows in a tab; what was done, or the error. */
function load(tab, text) {
  return tab.evaluate(async (text) => {
    try {
      return await globalThis.db.copyFrom('people', new File([text], 'people.csv'), { header: true })
    } catch (error) {
      return { code: error.code, message: error.message }
    }
  }, text)
}

/** The rows as a browser would save them. */
function saved(tab, format) {
  return tab.evaluate(async (format) => {
    const stream = globalThis.db.copyTo('SELECT * FROM people ORDER BY id', { format })
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer())
    return format === 'parquet' ? bytes.length : new TextDecoder().decode(bytes)
  }, format)
}

test('a file is loaded by the tab that has the engine, and by another', async () => {
  const leader = await open(on.browser, on.server, 'copying')
  await query(leader, 'CREATE SHARED TABLE people (id BIGINT PRIMARY KEY, name TEXT)')
  const other = await open(on.browser, on.server, 'copying')
  assert.deepEqual(await load(leader, 'id,name\n1,Ada\n'), { rows: 1, rejected: 0 })
  assert.deepEqual(await load(other, 'name,id\n"Grace, ""G""",2\n'), { rows: 1, rejected: 0 })
  const failed = await load(other, 'id,name\n3,x\nfour,y\n')
  assert.equal(failed.code, 'InvalidInput')
  assert.match(failed.message, /people\.csv, line 3, column "id" \(1st\): "four" is not a BIGINT/)
  for (const tab of [leader, other]) {
    assert.deepEqual(await rows(tab, 'SELECT count(*) AS n FROM people'), [{ n: 2n }])
    assert.equal(await saved(tab, 'csv'), '1,Ada\n2,"Grace, ""G"""\n')
    assert.equal(await saved(tab, 'json'), '{"id":1,"name":"Ada"}\n{"id":2,"name":"Grace, \\"G\\""}\n')
    assert.ok((await saved(tab, 'parquet')) > 100)
  }
  await leader.close()
  await other.close()
})

test('a load goes with the tab that has the engine, and nothing of it is there', async () => {
  const leader = await open(on.browser, on.server, 'cut')
  await query(leader, 'CREATE SHARED TABLE people (id BIGINT PRIMARY KEY, name TEXT)')
  const other = await open(on.browser, on.server, 'cut')
  await other.evaluate(() => {
    async function* slowly() {
      for (let id = 1; id < 100; id++) {
        globalThis.fed = id
        yield `${id},x\n`
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
    globalThis.loading = globalThis.db.copyFrom('people', slowly(), { format: 'csv' }).catch((error) => error.code)
  })
  await other.waitForFunction(() => globalThis.fed > 3)
  await leader.close()
  // Handed over it is finished first, or given up.
  const outcome = await other.evaluate(() => globalThis.loading)
  const [{ n }] = await rows(other, 'SELECT count(*) AS n FROM people')
  assert.equal(n, outcome === 'Unavailable' ? 0n : 99n, JSON.stringify(outcome))
  await other.close()
})
