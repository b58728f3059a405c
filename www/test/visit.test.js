/** A first visit, and what one does then: each step as a person does it, with pictures and axe along the way. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { accessible, pictures, ready, run, settled, stage, type, visit } from '../harness/page.js'

const on = stage()

const result = (tab) => tab.getByRole('region', { name: 'Result' })
const cell = (tab, row, column) => result(tab).locator(`[role=row][aria-rowindex="${row + 1}"] [role=gridcell][aria-colindex="${column}"]`)
const storage = (tab) => tab.getByRole('complementary', { name: /stored/ })

test('from nothing to a flight of 200,000, its files, a chart, and back after a reload', async (t) => {
  const tab = await visit(t, on)
  await tab.getByText('No tables yet.').waitFor()
  await pictures(tab, '1-first-visit')
  await accessible(tab, 'the first visit')

  await tab.getByRole('button', { name: 'Load 200,000 flights' }).click()
  await tab.getByText(/^200,000 rows in .*: flights\.$/).waitFor()
  const card = storage(tab).getByRole('article', { name: 'main.flights' })
  await card.getByText('200,000 cold rows').waitFor()
  assert.match(await tab.locator('.cm-content').innerText(), /SELECT \* FROM flights WHERE id = 150000/)
  // The button is gone: the focus is not.
  await tab.waitForFunction(() => document.activeElement?.closest('.cm-editor') !== null)

  await run(tab, 'SELECT id, delay, distance FROM flights WHERE id = 150000')
  assert.equal(await cell(tab, 1, 1).innerText(), '150000')
  // The statement is traced: one of the files has that key.
  await storage(tab).getByText(/Read 1 of \d files/).waitFor()
  await pictures(tab, '2-looked-up')
  await accessible(tab, 'a result, and the files that it came from')

  await tab.getByRole('tab', { name: 'Plan' }).click()
  await tab.getByRole('tree', { name: 'Plan' }).waitFor()
  await run(tab, 'SELECT floor(time)::INTEGER AS hour, count(*) AS flights FROM flights GROUP BY 1 ORDER BY 1')
  await result(tab).getByRole('tab', { name: 'Chart' }).click()
  await result(tab).locator('figure svg, svg[aria-label]').first().waitFor()
  await pictures(tab, '3-chart-and-plan')
  await accessible(tab, 'a chart and a plan')

  await tab.reload()
  await ready(tab)
  await tab.locator('.cm-content', { hasText: 'floor(time)' }).waitFor()
  await run(tab, 'SELECT count(*) FROM flights')
  assert.equal(await cell(tab, 1, 1).innerText(), '200000')
})

test('cold rows change, a flush and a compaction are watched', async (t) => {
  const tab = await visit(t, on)
  await run(tab, 'UPDATE flights SET delay = 120 WHERE delay > 120')
  await tab.getByText(/^[\d,]+ rows affected/).first().waitFor()
  const card = storage(tab).getByRole('article', { name: 'main.flights' })
  await card.getByText(/[1-9][\d,]* hot rows/).waitFor()
  await pictures(tab, '4-hot-over-cold')

  const log = storage(tab).getByRole('region', { name: 'What happened' })
  await card.getByRole('button', { name: /Flush/ }).click()
  await log.getByText(/flush of main.flights: [\d,]+ rows to batch-/).waitFor()
  await card.getByText('0 hot rows').waitFor()
  await pictures(tab, '5-flushed')

  await card.getByRole('button', { name: /Compact/ }).click()
  await log.getByText(/compaction of main.flights: \d+ files became 1/).waitFor()
  await pictures(tab, '6-compacted')
  await accessible(tab, 'storage after a compaction')
  await run(tab, 'SELECT count(*) FROM flights WHERE delay > 120')
  assert.equal(await cell(tab, 1, 1).innerText(), '0')
})

test('values are shown with all that they have', async (t) => {
  const tab = await visit(t, on)
  await run(
    tab,
    `SELECT to_timestamp('2024-01-01') AS t, 0.1::REAL AS r, TIMESTAMP '2024-01-03 02:03:04.5' - TIMESTAMP '2024-01-02' AS d,
      '{"id": 12345678901234567890}'::JSON AS j`,
  )
  assert.equal(await cell(tab, 1, 1).innerText(), '2024-01-01T00:00:00')
  assert.equal(await cell(tab, 1, 2).innerText(), '0.1')
  assert.equal(await cell(tab, 1, 3).innerText(), '1 day 02:03:04.5')
  assert.equal(await cell(tab, 1, 4).innerText(), '{"id": 12345678901234567890}')
})

test('an error is shown, and marked at its place', async (t) => {
  const tab = await visit(t, on)
  await run(tab, 'SELECT 1;\nSELECT delay, distanse\nFROM flights')
  const alert = result(tab).or(tab.getByRole('region', { name: 'Query' })).getByRole('alert').first()
  assert.match(await alert.innerText(), /there is no column distanse/)
  const mark = tab.locator('.cm-lintRange-error')
  assert.equal(await mark.innerText(), 'distanse')
  await pictures(tab, '7-error')
  await accessible(tab, 'an error')
})

test('a long query is cancelled', async (t) => {
  const tab = await visit(t, on)
  await type(tab, 'SELECT count(*) FROM flights a, flights b WHERE a.delay * b.distance % 7919 = 1')
  await settled(tab, async () => {
    await tab.keyboard.press('ControlOrMeta+Enter')
    const cancel = tab.getByRole('button', { name: 'Cancel', exact: true })
    await cancel.waitFor()
    await tab.waitForTimeout(500)
    await cancel.click()
  })
  await tab.getByText(/Cancelled/).first().waitFor()
  // And the engine goes on.
  await run(tab, 'SELECT count(*) FROM flights')
  assert.equal(await cell(tab, 1, 1).innerText(), '200000')
})

test('everything is done with the keyboard alone', async (t) => {
  const tab = await visit(t, on)
  const focused = () => tab.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '')
  const goTo = async (wanted, key = 'Tab') => {
    for (let presses = 0; presses < 60; presses++) {
      if (wanted.test(await focused())) {
        return
      }
      await tab.keyboard.press(key)
    }
    assert.fail(`the focus never came to ${wanted}, at last it was at ${await focused()}`)
  }
  await goTo(/^SQL, /)
  await tab.keyboard.press('ControlOrMeta+a')
  await tab.keyboard.insertText('SELECT id, delay FROM flights WHERE id <= 500 ORDER BY id')
  await settled(tab, () => tab.keyboard.press('ControlOrMeta+Enter'))
  // Into the grid, and down to its last row.
  await goTo(/^(Table|Chart)$/)
  for (let presses = 0; presses < 20; presses++) {
    await tab.keyboard.press('Tab')
    if (await tab.evaluate(() => document.activeElement?.closest('[role=grid]') !== null)) {
      break
    }
  }
  await tab.keyboard.press('ControlOrMeta+End')
  await tab.locator('[role=row][aria-rowindex="501"]').waitFor()
  await tab.keyboard.press('Home')
  await tab.keyboard.press('Enter')
  const dialog = tab.getByRole('dialog')
  await dialog.getByText('500', { exact: true }).first().waitFor()
  await tab.keyboard.press('Escape')
  await dialog.waitFor({ state: 'hidden' })
  // On to the views, and through them with arrows.
  await goTo(/^Storage$/)
  await tab.keyboard.press('ArrowRight')
  await goTo(/^Plan$/, 'Escape')
  await tab.getByRole('tree', { name: 'Plan' }).or(tab.getByText('Running it once more')).first().waitFor()
  await tab.keyboard.press('End')
  await tab.getByPlaceholder('Search').waitFor()
})

test('two users side by side, one acts for the other, and the audit log grows', async (t) => {
  const tab = await visit(t, on)
  await tab.getByRole('button', { name: 'Samples', exact: true }).click()
  const chat = tab.getByRole('dialog', { name: 'Samples' }).getByRole('listitem', { name: /Chat/ })
  await chat.getByRole('button', { name: /Load/ }).click()
  await tab.getByRole('dialog', { name: 'Samples' }).waitFor({ state: 'hidden' })
  await tab.getByRole('button', { name: 'Two users' }).click()
  await tab.getByRole('region', { name: 'Right pane' }).getByRole('button', { name: /^Working as alice/ }).waitFor()
  const count = async (pane) => {
    await run(tab, 'SELECT count(*) FROM chat.messages', pane)
    return tab.getByRole('region', { name: pane }).locator('[role=gridcell]').first().innerText()
  }
  assert.equal(await count('Left pane'), '0')
  assert.notEqual(await count('Right pane'), '0')
  await tab.getByRole('tab', { name: 'Audit' }).click()
  const audit = tab.getByRole('list', { name: /Audit log/ })
  const before = await audit.getByRole('listitem').count()
  await run(tab, "EXECUTE AS USER 'bob' (SELECT count(*) FROM chat.messages)", 'Left pane')
  await audit.getByText(/root .*for bob/).first().waitFor()
  // A user may act for nobody, and the refusal is in the log too.
  await run(tab, "EXECUTE AS USER 'bob' (SELECT 1)", 'Right pane')
  await tab.getByRole('region', { name: 'Right pane' }).getByText(/Permission denied/).first().waitFor()
  await audit.getByText('refused').first().waitFor()
  assert.ok((await audit.getByRole('listitem').count()) > before)
  await pictures(tab, '8-two-users')
  await accessible(tab, 'two panes and the audit log')
})

test('a transaction goes on from run to run, and others see it when it is committed', async (t) => {
  const tab = await visit(t, on)
  await tab.getByRole('button', { name: 'Two users' }).click()
  await tab.getByRole('region', { name: 'Right pane' }).waitFor()
  const count = async (pane) => {
    await run(tab, 'SELECT count(*) FROM basket', pane)
    return tab.getByRole('region', { name: pane }).locator('[role=gridcell]').first().innerText()
  }
  await run(tab, 'CREATE TABLE basket (id BIGINT PRIMARY KEY); BEGIN; INSERT INTO basket VALUES (1), (2)', 'Left pane')
  assert.equal(await count('Left pane'), '2')
  assert.equal(await count('Right pane'), '0')
  await run(tab, 'COMMIT', 'Left pane')
  assert.equal(await count('Right pane'), '2')
  await run(tab, 'BEGIN; DELETE FROM basket; ROLLBACK; SELECT count(*) FROM basket', 'Left pane')
  assert.equal(await count('Left pane'), '2')
})

test('a file of a result has what the transaction wrote, and the focus stays', async (t) => {
  const tab = await visit(t, on)
  await run(tab, 'BEGIN; INSERT INTO basket VALUES (7); SELECT id FROM basket ORDER BY id')
  const menu = result(tab).getByRole('button', { name: 'Export' })
  await menu.click()
  const [download] = await Promise.all([tab.waitForEvent('download'), tab.getByRole('menuitem', { name: 'Download CSV' }).click()])
  assert.equal(await readFile(await download.path(), 'utf8'), 'id\n1\n2\n7\n')
  await tab.waitForFunction(() => document.activeElement?.textContent?.startsWith('Export'))
  await run(tab, 'ROLLBACK')
})

test('the history is deleted after a question', async (t) => {
  const tab = await visit(t, on)
  await run(tab, 'SELECT 1')
  await tab.getByRole('tab', { name: 'History' }).click()
  const history = tab.getByRole('tabpanel', { name: 'History' })
  await history.getByText('SELECT 1', { exact: true }).first().waitFor()
  const ask = history.getByRole('button', { name: 'Delete history …' })
  await ask.click()
  const question = tab.getByRole('dialog', { name: 'Delete the history?' })
  await question.waitFor()
  await pictures(tab, '10-delete-history')
  await accessible(tab, 'a question before the history is deleted')
  await question.getByRole('button', { name: 'Keep everything' }).click()
  await question.waitFor({ state: 'hidden' })
  await history.getByText('SELECT 1', { exact: true }).first().waitFor()
  await ask.click()
  await question.getByRole('button', { name: 'Delete the history' }).click()
  await history.getByText('Nothing was run yet.').waitFor()
  assert.ok(await ask.evaluate((button) => button === document.activeElement))
})
