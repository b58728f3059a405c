/** The built page in a real Chromium, under a path of its own, as a person has it. */

import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freshProfile, start } from '../../tests/browser/harness/chromium.js'
import { serve } from '../../tests/browser/harness/server.js'

const DIST = fileURLToPath(new URL('../dist/', import.meta.url))
const PROFILE = new URL('../../bindings/npm/pkg/profile', import.meta.url)

/** Not the root of the server, since the page has to work anywhere. */
export const BELOW = '/some/where/'

/** What anything may take on a busy machine, with an engine that is not optimised. */
const PATIENCE_MS = 120_000

export const DESKTOP = { width: 1280, height: 800 }
export const PHONE = { width: 390, height: 844 }

/** A server, a browser and its profile for the tests of one file. */
export function stage() {
  const all = { server: undefined, browser: undefined, origin: undefined }
  let profile
  before(async () => {
    all.server = await serve(DIST, { below: BELOW, policy: null })
    all.origin = all.server.origin
    profile = await freshProfile()
    all.browser = await start(profile.dir)
  })
  after(async () => {
    await all.browser?.kill()
    await profile?.remove()
    await all.server?.close()
  })
  return all
}

/** Whether the engine in the page is the one that is shipped: only of that one are times promised. */
export async function isShipped() {
  return (await readFile(PROFILE, 'utf8')).trim() === 'wasm-release'
}

/** Opens the page in a tab, and waits until it can be worked with. What goes wrong in it fails the test `t`. */
export async function visit(t, on, size = DESKTOP) {
  const tab = await on.browser.context.newPage()
  t.after(() => tab.close())
  tab.setDefaultTimeout(PATIENCE_MS)
  await tab.setViewportSize(size)
  const problems = []
  tab.on('pageerror', (error) => problems.push(error.message))
  tab.on('console', (message) => {
    if (message.type() === 'error') {
      problems.push(message.text())
    }
    if (process.env.SHOW_CONSOLE) {
      console.error('    console:', message.text())
    }
  })
  t.after(() => assert.deepEqual(problems, []))
  await tab.goto(on.origin + BELOW)
  await ready(tab)
  return tab
}

/** Waits until statements can be run. */
export async function ready(tab) {
  await tab.waitForFunction(() => [...document.querySelectorAll('button')].some((each) => each.textContent === 'Run' && !each.disabled))
}

/** Types `sql` into the editor of the pane called `pane` in the place of what is there. */
export async function type(tab, sql, pane = 'Query') {
  const editor = tab.getByRole('region', { name: pane }).getByRole('textbox', { name: /^SQL/ })
  await editor.click()
  await tab.keyboard.press('ControlOrMeta+a')
  await tab.keyboard.insertText(sql)
}

/** Types and runs `sql`, and waits for what came of all of it. */
export async function run(tab, sql, pane = 'Query') {
  await type(tab, sql, pane)
  await settled(tab, () => tab.keyboard.press('ControlOrMeta+Shift+Enter'), pane)
}

/** Has `begin` run statements in the pane, and waits until they have come to their end. */
export async function settled(tab, begin, pane = 'Query') {
  const region = tab.getByRole('region', { name: pane })
  const finished = async () => Number(await region.getAttribute('data-finished'))
  const before = await finished()
  await begin()
  for (const until = Date.now() + PATIENCE_MS; (await finished()) === before; ) {
    assert.ok(Date.now() < until, 'the statements did not come to their end')
    await tab.waitForTimeout(20)
  }
}

/** Takes pictures of what is there, at both widths and in both themes, if `SCREENSHOTS` names a directory. */
export async function pictures(tab, name) {
  const dir = process.env.SCREENSHOTS
  if (!dir) {
    return
  }
  await mkdir(dir, { recursive: true })
  for (const [width, size] of [['desktop', DESKTOP], ['phone', PHONE]]) {
    await tab.setViewportSize(size)
    for (const colorScheme of ['light', 'dark']) {
      await tab.emulateMedia({ colorScheme })
      await tab.waitForTimeout(250)
      await tab.screenshot({ path: join(dir, `${name}-${width}-${colorScheme}.png`) })
    }
  }
  await tab.emulateMedia({ colorScheme: 'light' })
  await tab.setViewportSize(DESKTOP)
}

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** Asserts that axe finds nothing serious in what is shown. */
export async function accessible(tab, what) {
  // The page's policy allows no script of another origin, and no inline one: evaluated, it is neither.
  await tab.evaluate(await readFile(AXE, 'utf8'))
  const { violations } = await tab.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  const serious = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => ({ id, help, where: nodes.slice(0, 5).map(({ target, failureSummary }) => [target.join(' '), failureSummary]) }))
  assert.deepEqual(serious, [], `axe, ${what}`)
}
