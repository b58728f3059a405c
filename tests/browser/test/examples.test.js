/** The examples, built by their bundlers and served as files, do what they show, and keep it over a reload. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { serve } from '../harness/server.js'
import { stage } from '../harness/stage.js'

const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url))

/** What an engine that is not optimised takes to start on a machine that does other things too. */
const PATIENCE_MS = 60_000

const on = stage()

/** Runs a script of an example; what it printed. */
async function npm(example, script) {
  const { stdout } = await promisify(execFile)('npm', ['run', '--silent', script], { cwd: join(EXAMPLES, example) })
  return stdout
}

/** Serves `directory` of the examples and opens it in a tab; both end with the test `t`. */
async function visit(t, directory) {
  const server = await serve(join(EXAMPLES, directory))
  t.after(() => server.close())
  const tab = await on.browser.context.newPage()
  t.after(() => tab.close())
  tab.setDefaultTimeout(PATIENCE_MS)
  const problems = []
  tab.on('pageerror', (error) => problems.push(error.message))
  tab.on('response', (response) => {
    if (response.status() >= 400 && !response.url().endsWith('/favicon.ico')) {
      problems.push(`${response.status()} ${response.url()}`)
    }
  })
  t.after(() => assert.deepEqual(problems, []))
  await tab.goto(server.origin)
  return tab
}

/** Waits until the output of the page is `expected`. */
async function shows(tab, expected) {
  const output = tab.locator('output')
  const found = () => output.evaluate((element) => element.value)
  const until = Date.now() + PATIENCE_MS
  for (;;) {
    const text = await found()
    if (expected.test(text)) {
      return
    }
    assert.ok(Date.now() < until, `expected ${expected}, the page shows '${text}'`)
    await tab.waitForTimeout(50)
  }
}

/** Takes a picture of the page, if `SCREENSHOTS` names a directory for it. */
async function picture(tab, name) {
  const dir = process.env.SCREENSHOTS
  if (dir) {
    await mkdir(dir, { recursive: true })
    await tab.screenshot({ path: join(dir, `${name}.png`) })
  }
}

test('Vite and React: notes are added, edited and deleted, and outlive a reload', async (t) => {
  await npm('react', 'build')
  const tab = await visit(t, 'react/dist')
  const notes = () => tab.locator('.body').allTextContents()
  const count = (text) => tab.locator('.count', { hasText: text }).waitFor()
  const add = async (body, total) => {
    await tab.getByLabel('New note').fill(body)
    await tab.getByRole('button', { name: 'Add' }).click()
    await count(total)
  }
  await count('0 notes')
  await add('Wax the skis', '1 note')
  await add('Buy bread', '2 notes')
  await add('Call Ola about the hut; ask whether the stove was mended', '3 notes')
  await picture(tab, 'notes-wide')

  await tab.locator('li', { hasText: 'Wax' }).getByRole('button', { name: 'Edit' }).click()
  await tab.getByLabel('Note', { exact: true }).fill('Wax the skis\nand the poles')
  await tab.setViewportSize({ width: 360, height: 740 })
  await picture(tab, 'notes-phone')
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth > innerWidth)
  assert.ok(!wide, 'the page is wider than a phone')
  await tab.getByRole('button', { name: 'Save' }).click()
  await tab.locator('.body', { hasText: 'poles' }).waitFor()
  await tab.locator('li', { hasText: 'bread' }).getByRole('button', { name: 'Delete' }).click()
  await count('2 notes')

  const left = ['Wax the skis\nand the poles', 'Call Ola about the hut; ask whether the stove was mended']
  assert.deepEqual(await notes(), left)
  await tab.reload()
  await count('2 notes')
  assert.deepEqual(await notes(), left)

  const other = await on.browser.context.newPage()
  t.after(() => other.close())
  other.setDefaultTimeout(PATIENCE_MS)
  await other.goto(tab.url())
  await other.getByLabel('New note').fill('From another tab')
  await other.getByRole('button', { name: 'Add' }).click()
  await count('3 notes')
  assert.deepEqual(await notes(), ['From another tab', ...left])
})

test('webpack: what was typed is run, and outlives a reload', async (t) => {
  await npm('webpack', 'build')
  const tab = await visit(t, 'webpack/dist')
  const run = async (sql) => {
    await shows(tab, /./)
    await tab.getByLabel('SQL').fill(sql)
    await tab.getByRole('button', { name: 'Run' }).click()
  }
  await run("CREATE TABLE t (id BIGINT PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'one'), (2, 'two')")
  await shows(tab, /2 rows/)
  await tab.reload()
  await run('SELECT * FROM t ORDER BY id')
  await shows(tab, /^id \| v\n1 \| one\n2 \| two$/)
  await run('SELECT * FROM nowhere')
  await shows(tab, /^NotFound: /)
})

test('esbuild: clicks are counted, and the counts outlive a reload', async (t) => {
  await npm('esbuild', 'build')
  const tab = await visit(t, 'esbuild/dist')
  await shows(tab, /^nothing yet$/)
  await tab.getByRole('button', { name: 'snow' }).click()
  await shows(tab, /^1 snow$/)
  await tab.getByRole('button', { name: 'rain' }).click()
  await tab.getByRole('button', { name: 'snow' }).click()
  await shows(tab, /^2 snow\n1 rain$/)
  await tab.reload()
  await shows(tab, /^2 snow\n1 rain$/)
})

test('no bundler: each visit is one more', async (t) => {
  const tab = await visit(t, 'html')
  await shows(tab, /^1\. \S+Z$/)
  await tab.reload()
  await shows(tab, /^1\. \S+Z\n2\. \S+Z$/)
})

test('Node.js: the script prints what it found', async () => {
  assert.match(await npm('node', 'start'), /Jungfrau.*4158.*Mönch.*4110/s)
})
