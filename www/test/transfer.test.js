/** Files in and out, whole stores too, and the page without a network. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { accessible, BELOW, pictures, ready, run, stage, visit } from '../harness/page.js'

const on = stage()

const dialog = (tab, name) => tab.getByRole('dialog', { name })
const firstCell = (tab) => tab.getByRole('region', { name: 'Result' }).locator('[role=gridcell]').first()

/** What `press` has the browser save, as bytes. */
async function saved(tab, press) {
  const [download] = await Promise.all([tab.waitForEvent('download'), press()])
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) }
}

const PEOPLE = 'name,age,born\n"Ada, countess",36,1815-12-10\nGrace,85,1906-12-09\nBarbara,,1939-11-07\n'

test('a CSV file becomes a table, and goes out again in each format', async (t) => {
  const tab = await visit(t, on)
  await tab.getByRole('button', { name: 'Import', exact: true }).click()
  await dialog(tab, /Import/)
    .locator('input[type=file]')
    .setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(PEOPLE) })
  await dialog(tab, /Import/).getByText('Ada, countess').waitFor()
  await pictures(tab, '9-import')
  await accessible(tab, 'the import of a file')
  await dialog(tab, /Import/).getByRole('button', { name: /^Import/ }).click()
  await dialog(tab, /Import/).waitFor({ state: 'hidden' })
  await run(tab, "SELECT name, age, born FROM people WHERE born < '1900-01-01'")
  assert.equal(await firstCell(tab).innerText(), 'Ada, countess')

  await tab.getByRole('tab', { name: 'Tables' }).click()
  await tab.locator('summary', { hasText: 'people' }).click()
  const out = tab.getByRole('group', { name: /Export .*people/ })
  const csv = await saved(tab, () => out.getByRole('button', { name: 'CSV' }).click())
  assert.match(csv.bytes.toString(), /"Ada, countess",36,1815-12-10/)
  const json = await saved(tab, () => out.getByRole('button', { name: 'JSON' }).click())
  assert.equal(json.bytes.toString().trim().split('\n').map((line) => JSON.parse(line)).length, 3)
  const parquet = await saved(tab, () => out.getByRole('button', { name: 'Parquet' }).click())
  assert.equal(parquet.bytes.subarray(0, 4).toString(), 'PAR1')
})

test('files that are dropped on another dialog are imported', async (t) => {
  const tab = await visit(t, on)
  await tab.getByRole('button', { name: 'Samples', exact: true }).click()
  await dialog(tab, 'Samples').waitFor()
  await tab.evaluate(() => {
    const dataTransfer = new DataTransfer()
    dataTransfer.items.add(new File(['a,b\n1,2\n'], 'dropped.csv'))
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
  })
  await dialog(tab, 'Samples').waitFor({ state: 'hidden' })
  await dialog(tab, 'Import').getByText('dropped.csv').first().waitFor()
  // That the other was closed is told a moment later.
  await tab.waitForTimeout(300)
  assert.ok(await dialog(tab, 'Import').isVisible())
})

test('a broken file and one that is empty are refused with a reason', async (t) => {
  const tab = await visit(t, on)
  await tab.getByRole('button', { name: 'Import', exact: true }).click()
  await dialog(tab, /Import/)
    .locator('input[type=file]')
    .setInputFiles([
      { name: 'broken.parquet', mimeType: 'application/octet-stream', buffer: Buffer.from('PAR1 and then nothing of the kind PAR1') },
      { name: 'empty.csv', mimeType: 'text/csv', buffer: Buffer.alloc(0) },
    ])
  await dialog(tab, /Import/).getByText(/empty/i).nth(1).waitFor()
  await dialog(tab, /Import/).getByText(/broken\.parquet/).first().waitFor()
  assert.ok((await dialog(tab, /Import/).getByRole('alert').count()) >= 1)
})

test('the whole store goes out, and comes back over what was there', async (t) => {
  const tab = await visit(t, on)
  const archive = await saved(tab, async () => {
    await tab.getByRole('button', { name: /^More/ }).click()
    await tab.getByRole('button', { name: 'Export the whole store' }).click()
  })
  assert.equal(archive.name, 'playground.tar')
  await run(tab, 'DROP TABLE people')

  const choose = async (buffer) => {
    await tab.getByRole('button', { name: 'Import', exact: true }).click()
    await dialog(tab, /Import/)
      .locator('input[type=file]')
      .setInputFiles({ name: 'playground.tar', mimeType: 'application/x-tar', buffer })
    await tab.getByRole('dialog').last().getByRole('button', { name: /Replace/ }).click()
  }
  // One that is cut short costs nothing of what is there.
  await choose(archive.bytes.subarray(0, Math.floor(archive.bytes.length / 2)))
  await tab.getByText('The archive did not take the place of the store').waitFor()
  await tab.getByText(/^Corrupt: /).waitFor()
  await tab.getByRole('button', { name: 'Open the store' }).click()
  await ready(tab)
  await run(tab, 'SELECT count(*) FROM playground.tabs')
  assert.notEqual(await firstCell(tab).innerText(), '0')

  await choose(archive.bytes)
  await ready(tab)
  await run(tab, 'SELECT count(*) FROM people')
  assert.equal(await firstCell(tab).innerText(), '3')
})

test('everything is deleted while other windows have it open, or open it, and all go on', async (t) => {
  const other = await visit(t, on)
  await run(other, 'SELECT count(*) FROM people')
  const tab = await visit(t, on)
  await tab.getByRole('button', { name: /^More/ }).click()
  await tab.getByRole('button', { name: 'Delete everything …' }).click()
  // One that is just being opened keeps nobody waiting either.
  const late = visit(t, on)
  await tab.getByRole('dialog').getByRole('button', { name: /Delete/ }).click()
  await tab.getByText('No tables yet.').waitFor()
  await ready(tab)
  await (await late).getByText('No tables yet.').waitFor()
  await other.getByText('No tables yet.').waitFor()
  await ready(other)
  await run(tab, "CREATE TABLE people (name TEXT PRIMARY KEY); INSERT INTO people VALUES ('Ada'), ('Grace'), ('Barbara')")
  await run(other, 'SELECT count(*) FROM people')
  assert.equal(await firstCell(other).innerText(), '3')
})

test('the page works without a network once it was loaded', async (t) => {
  const tab = await visit(t, on)
  await tab.evaluate(async () => {
    await navigator.serviceWorker.ready
  })
  await tab.waitForFunction(() => navigator.serviceWorker.controller !== null)
  await on.server.close()
  await tab.goto(on.origin + BELOW)
  await ready(tab)
  await run(tab, 'SELECT count(*) FROM people')
  assert.equal(await firstCell(tab).innerText(), '3')
  const licences = await on.browser.context.newPage()
  t.after(() => licences.close())
  await licences.goto(`${on.origin}${BELOW}THIRD-PARTY.txt`)
  await licences.getByText('This page has code of these npm packages').waitFor()
})
