/** A server, a browser and its profile, for the tests of one file. */

import { after, before } from 'node:test'
import { freshProfile, start } from './chromium.js'
import { serve } from './server.js'

/** Sets the stage before the tests of the file, calls `prepare` with it, and clears it after them. */
export function stage(prepare) {
  const all = { server: undefined, browser: undefined, dir: undefined, restart }
  let profile
  before(async () => {
    all.server = await serve()
    profile = await freshProfile()
    all.dir = profile.dir
    all.browser = await start(profile.dir)
    await prepare?.(all)
  })
  after(async () => {
    await all.browser?.kill()
    await profile?.remove()
    await all.server?.close()
  })
  /** Starts the browser again after it was closed or killed. */
  async function restart() {
    all.browser = await start(profile.dir)
    return all.browser
  }
  return all
}
