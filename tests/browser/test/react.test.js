/** The hook for React, in a page with React's checks of development. */

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stage } from '../harness/stage.js'
import { newTab, open, query } from '../harness/tab.js'

const PATIENCE_MS = 60_000

const PACKAGE = fileURLToPath(new URL('../../../bindings/npm/', import.meta.url))
const PAGE = fileURLToPath(new URL('../page/live.jsx', import.meta.url))

const on = stage(async ({ server }) => {
  server.overlay.set('/live.html', '<!doctype html><meta charset="utf-8"><script type="module" src="live.js"></script>')
  server.overlay.set('/live.js', await bundled())
})

/** The page with React and the hook, but for the package that it finds beside it. */
async function bundled() {
  const { build } = createRequire(`${PACKAGE}package.json`)('esbuild')
  const { outputFiles } = await build({
    entryPoints: [PAGE],
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    alias: { 'firndb/react': `${PACKAGE}dist/react.js` },
    nodePaths: [`${PACKAGE}node_modules`],
    external: ['./firndb/browser.js'],
    define: { 'process.env.NODE_ENV': '"development"' },
  })
  return outputFiles[0].text
}

/** Waits until the components show this. */
async function shows(tab, alice, bob) {
  const holds = ([alice, bob]) =>
    document.querySelector('#alice')?.textContent === alice && document.querySelector('#bob')?.textContent === bob
  try {
    await tab.waitForFunction(holds, [alice, bob], { timeout: PATIENCE_MS })
  } catch (cause) {
    throw new Error(`expected ${alice} | ${bob}, the page shows: ${await tab.textContent('main')}`, { cause })
  }
}

const begun = (tab) => tab.evaluate(() => globalThis.begun)

test('components show the rows of their queries, and what becomes of them', { timeout: 240_000 }, async () => {
  const leader = await open(on.browser, on.server, 'react')
  const asked = ['CREATE USER alice', 'CREATE USER bob', 'CREATE USER TABLE words (word TEXT PRIMARY KEY)']
  for (const sql of asked) {
    await query(leader, sql)
  }
  const say = (user, word) =>
    leader.evaluate(([user, word]) => globalThis.db.as(user).sql`INSERT INTO words VALUES (${word})`.then(() => null), [user, word])
  await say('alice', 'ash')

  const tab = await newTab(on.browser, on.server, 'live.html')
  const problems = []
  tab.on('pageerror', (error) => problems.push(error.message))
  tab.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  // There is no store yet, and nothing is asked.
  await shows(tab, '(loading)', '(loading)')
  assert.equal(await begun(tab), 0)
  await tab.evaluate(async () => {
    globalThis.db = await globalThis.FirnDB.open('react')
    globalThis.show(globalThis.db)
  })
  await shows(tab, 'ash', '(none)')
  await say('bob', 'birch')
  await say('alice', 'alder')
  await shows(tab, 'alder ash', 'birch')

  // Rendering again, with other arrays of the same values, begins nothing.
  const before = await begun(tab)
  await tab.evaluate(() => globalThis.setTimes(1))
  await tab.waitForFunction(() => document.querySelector('h1').textContent === '1')
  assert.equal(await begun(tab), before)
  await tab.evaluate(() => globalThis.setLike('as%'))
  await shows(tab, 'ash', '(none)')
  assert.equal(await begun(tab), before + 2)

  // What is not shown does not run, and runs again when it is.
  await tab.evaluate(() => globalThis.setShown(false))
  await tab.waitForFunction(() => document.querySelector('#alice') === null)
  await say('bob', 'aspen')
  await tab.evaluate(() => globalThis.setShown(true))
  await shows(tab, 'ash', 'aspen')

  // The tab that has the engine goes, and the components go on.
  await leader.close()
  await tab.evaluate(() => globalThis.db.as('bob').query("INSERT INTO words VALUES ('as')"))
  await shows(tab, 'ash', 'as aspen')
  await tab.evaluate(() => globalThis.db.query('DROP TABLE words'))
  await shows(tab, '(NotFound)', '(NotFound)')
  assert.deepEqual(problems, [])
  await tab.close()
})
