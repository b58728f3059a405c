/** How soon a tab is answered while another has the engine busy. */

import assert from 'node:assert/strict'

/** What a point query takes at most. */
const PROMISE_MS = 500
/** How many of a hundred have to keep to it: the machine does other things too, and for moments nothing of ours. */
const KEPT_PERCENT = 90
/** What none may take all the same. */
const WORST_MS = 2_000

/** Asks `sql` in `tab`, `asked` times; how many milliseconds each took. */
export function times(tab, sql, asked) {
  // Measured in the page: the way from here to there is not the engine's.
  return tab.evaluate(
    async ([sql, asked]) => {
      const times = []
      while (times.length < asked) {
        const from = performance.now()
        await globalThis.db.query(sql)
        times.push(performance.now() - from)
        // Not always at the same moment of the other's work.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 100))
      }
      return times
    },
    [sql, asked],
  )
}

/** The promise is kept by `times`, which are those of point queries asked while `what` went on. */
export function assertPrompt(t, what, times) {
  const sorted = times.toSorted((a, b) => a - b).map(Math.round)
  const worst = sorted.at(-1)
  const most = sorted[Math.ceil((sorted.length * KEPT_PERCENT) / 100) - 1]
  const seen =
    `${what}: ${sorted.length} point queries of another tab took ${sorted[0]} to ${worst} ms, ` +
    `half of them up to ${sorted[sorted.length >> 1]} ms, ${KEPT_PERCENT} of a hundred up to ${most} ms`
  t.diagnostic(seen)
  assert.ok(most <= PROMISE_MS, `${PROMISE_MS} ms are promised. ${seen}`)
  assert.ok(worst <= WORST_MS, `no query may take ${WORST_MS} ms. ${seen}`)
}
