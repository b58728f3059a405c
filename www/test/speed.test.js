/**
 * What is promised of time: the first query soon after a visit, a page that never stands still while much is loaded, and
 * other tabs that are answered meanwhile. The promises are of the engine as it is shipped, which `cargo xtask web --test`
 * tests; of another, which takes both processors for longer, the figures are printed, and only what is grossly slow fails.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isShipped, ready, run, stage, visit } from '../harness/page.js'

const on = stage()

const FIRST_QUERY_MS = 2_000
const LONG_TASK_MS = 100
const POINT_QUERY_MS = 500
/** Of point queries so many have to keep to it: the machine does other things too. */
const KEPT_PERCENT = 90
/** How much slower an engine that is not optimised may be. */
const LENIENCE = 5

const allowed = async (ms) => ((await isShipped()) ? ms : ms * LENIENCE)

/** How long the page says that the last statement took, in milliseconds. */
async function told(tab) {
  const text = await tab.getByRole('region', { name: 'Result' }).locator('.result-count').innerText()
  const [, number, unit] = /([\d.,]+)\s*(ms|s)\b/.exec(text) ?? assert.fail(`no time in '${text}'`)
  return Number(number.replace(',', '')) * (unit === 's' ? 1000 : 1)
}

test('the first query is answered soon after a visit', async (t) => {
  const tab = await visit(t, on)
  await tab.getByRole('button', { name: 'Load 200,000 flights' }).click()
  await tab.getByText(/^200,000 rows in .*: flights\.$/).waitFor()
  await run(tab, 'SELECT floor(time)::INTEGER AS hour, count(*) AS flights FROM flights GROUP BY 1 ORDER BY 1')
  // What was typed is kept a moment later.
  await tab.waitForTimeout(1_500)
  const took = []
  for (let visits = 0; visits < 3; visits++) {
    const begin = performance.now()
    await tab.reload({ waitUntil: 'commit' })
    await ready(tab)
    await tab.locator('.cm-content').click()
    await tab.keyboard.press('ControlOrMeta+Enter')
    await tab.locator('[role=gridcell]').first().waitFor()
    took.push(Math.round(performance.now() - begin))
  }
  t.diagnostic(`from the visit to the first answer: ${took.join(', ')} ms`)
  took.sort((a, b) => a - b)
  assert.ok((took[1] ?? Infinity) <= (await allowed(FIRST_QUERY_MS)), `${took} ms`)
})

test('three million rows are loaded while the page and other tabs go on', async (t) => {
  const tab = await visit(t, on)
  const other = await visit(t, on)
  await tab.bringToFront()
  await tab.evaluate(() => {
    globalThis.longTasks = []
    new PerformanceObserver((list) => globalThis.longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: 'longtask',
    })
  })
  await tab.getByRole('button', { name: 'Samples', exact: true }).click()
  const begin = performance.now()
  const card = tab.getByRole('dialog', { name: 'Samples' }).getByRole('listitem', { name: 'Flights, 3,000,000' })
  await card.getByRole('button', { name: 'Load' }).click()
  let loading = true
  const loaded = tab
    .getByText(/^3,000,000 rows in .*: flights_3m\.$/)
    .waitFor({ timeout: 600_000 })
    .finally(() => {
      loading = false
    })
  const asked = []
  while (loading) {
    await run(other, `SELECT * FROM flights WHERE id = ${1 + ((asked.length * 7_919) % 200_000)}`)
    asked.push(await told(other))
    await other.waitForTimeout(100)
  }
  await loaded
  const seconds = (performance.now() - begin) / 1000
  const longTasks = await tab.evaluate(() => globalThis.longTasks)
  const longest = Math.max(0, ...longTasks)
  asked.sort((a, b) => a - b)
  const kept = asked[Math.floor((asked.length * KEPT_PERCENT) / 100)]
  t.diagnostic(`3,000,000 rows in ${seconds.toFixed(0)} s, ${Math.round(3e6 / seconds).toLocaleString('en')} a second`)
  t.diagnostic(`long tasks of the page: ${longTasks.length}, the longest ${Math.round(longest)} ms`)
  t.diagnostic(`${asked.length} point queries in another tab: nine in ten within ${kept} ms, the slowest ${asked.at(-1)} ms`)
  assert.ok(longest <= (await allowed(LONG_TASK_MS)), `the page stood still for ${longest} ms`)
  assert.ok(asked.length >= 10, `only ${asked.length} queries were asked`)
  assert.ok(kept <= (await allowed(POINT_QUERY_MS)), `a point query took ${kept} ms`)

  await run(tab, 'SELECT count(*), count(DISTINCT origin) > 100 FROM flights_3m')
  assert.equal(await tab.locator('[role=gridcell]').first().innerText(), '3000000')
})

test('a load that is cancelled leaves nothing', async (t) => {
  const tab = await visit(t, on)
  await tab.getByRole('button', { name: 'Samples', exact: true }).click()
  const card = tab.getByRole('dialog', { name: 'Samples' }).getByRole('listitem', { name: 'Flights, 3,000,000' })
  await card.getByRole('button', { name: 'Remove' }).click()
  await card.getByRole('button', { name: 'Load', exact: true }).click()
  await card.getByText(/rows ·/).waitFor()
  await card.getByRole('button', { name: /Cancel/ }).click()
  await card.getByRole('button', { name: 'Load', exact: true }).waitFor()
  await tab.keyboard.press('Escape')
  await run(tab, 'SELECT count(*) FROM flights_3m')
  await tab.getByText(/there is no table flights_3m|flights_3m/).first().waitFor()
  await tab.getByRole('alert').first().waitFor()
})
