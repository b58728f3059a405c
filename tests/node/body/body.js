/** What holds for every engine of the package in Node.js. */

import { after, before } from 'node:test'
import { acting } from './acting.js'
import { archives } from './archives.js'
import { cancelling } from './cancelling.js'
import { copying } from './copying.js'
import { edges } from './edges.js'
import { limits } from './limits.js'
import { live } from './live.js'
import { settings } from './settings.js'
import { statements } from './statements.js'
import { streams } from './streams.js'
import { transactions } from './transactions.js'
import { values } from './values.js'

/** Runs the tests on the stores that `engine` opens: one for all of them, and more where a test needs its own. */
export function body(engine) {
  const on = { db: undefined, ...engine }
  before(async () => {
    on.db = await engine.open()
  })
  after(async () => {
    await on.db?.close()
    await engine.clear()
  })
  values(on)
  statements(on)
  transactions(on)
  cancelling(on)
  streams(on)
  copying(on)
  archives(on)
  limits(on)
  edges(on)
  settings(on)
  acting(on)
  live(on)
}
