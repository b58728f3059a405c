/** A real Chromium, started as a process of its own so that a test can kill it. */

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const PROGRAM = process.env.CHROMIUM ?? 'chromium'

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
  '--remote-debugging-port=0',
]

/** A fresh directory for a profile, and its end. */
export async function freshProfile() {
  const dir = await mkdtemp(join(tmpdir(), 'firndb-chromium-'))
  return { dir, remove: () => rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }) }
}

/** Starts the browser on the profile in `dir`. */
export async function start(dir) {
  const child = spawn(PROGRAM, [...FLAGS, `--user-data-dir=${dir}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own: its helpers go with it.
    detached: true,
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const browser = await chromium.connectOverCDP(await endpoint(child))
  const [context] = browser.contexts()
  const signal = (name) => {
    try {
      process.kill(-child.pid, name)
    } catch {
      // It has ended already.
    }
  }
  return {
    context,
    /** Ends it as a user does. */
    async close() {
      const session = await browser.newBrowserCDPSession()
      await session.send('Browser.close').catch(() => undefined)
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 5_000))])
      signal('SIGKILL')
      await ended
    },
    /** Ends it, and all its processes, at once. */
    async kill() {
      signal('SIGKILL')
      await ended
    },
  }
}

function endpoint(child) {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
      const found = /DevTools listening on (ws:\S+)/.exec(said)
      if (found) {
        resolve(found[1])
      }
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${PROGRAM} ended with ${code}: ${said}`)))
  })
}
