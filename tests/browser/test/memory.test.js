/** The API in one tab, on a store in memory. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { freshProfile, start } from '../harness/chromium.js'
import { serve } from '../harness/server.js'
import { open, query, rows } from '../harness/tab.js'

let server, profile, browser, tab

before(async () => {
  server = await serve()
  profile = await freshProfile()
  browser = await start(profile.dir)
  tab = await open(browser, server, 'memory://')
})

after(async () => {
  await browser?.close()
  await profile?.remove()
  await server?.close()
})

test('a query answers with rows', async () => {
  assert.deepEqual(await rows(tab, 'SELECT 1 + 1 AS two, $1 AS text', ['snow']), [{ two: 2n, text: 'snow' }])
})
