/** Several tabs over one store: election, hand-over, death, versions. Locks and engines are fakes. */

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type Breakdown, defect } from '../src/breakdown.js'
import { Connection } from '../src/connection.js'
import { Host } from '../src/host.js'
import { lead } from '../src/leader.js'
import { pair } from '../src/pair.js'
import { type ClientMessage, clientChannel, commonChannel, type HostMessage, PROTOCOL } from '../src/protocol.js'
import { FakeEngine, LockRegistry, until } from './fakes.js'

let stores = 0

/** A browser with one store. */
class Browser {
  readonly name = `store ${++stores}`
  readonly registry = new LockRegistry()
  /** Every engine that was opened, in order. */
  readonly engines: FakeEngine[] = []
  readonly #channels: BroadcastChannel[] = []
  #tabs = 0

  constructor(t: TestContext) {
    t.after(() => {
      for (const channel of this.#channels) {
        channel.close()
      }
    })
  }

  readonly channel = (name: string): BroadcastChannel => {
    const channel = new BroadcastChannel(name)
    this.#channels.push(channel)
    return channel
  }

  get last(): FakeEngine {
    const engine = this.engines.at(-1)
    assert.ok(engine, 'no engine was opened')
    return engine
  }

  async tab(): Promise<Tab> {
    const tab = new Tab(this, `tab ${++this.#tabs}`)
    tab.connection = await Connection.open(tab.context)
    return tab
  }
}

class Tab {
  connection!: Connection
  host: Host | undefined
  readonly context
  readonly #page
  readonly #worker
  #channels: BroadcastChannel[] = []
  #broken: ((how: Breakdown) => void) | undefined

  constructor(browser: Browser, client: string) {
    this.#page = browser.registry.context()
    this.#worker = browser.registry.context()
    const openChannel = (name: string) => {
      const channel = browser.channel(name)
      this.#channels.push(channel)
      return channel
    }
    this.context = {
      name: browser.name,
      client,
      locks: this.#page.locks,
      openChannel,
      spawn: (broken: (how: Breakdown) => void) => {
        this.#broken = broken
        const [toClient, toHost] = pair<HostMessage, ClientMessage>()
        const stop = new AbortController()
        const candidate = lead({
          name: browser.name,
          options: {},
          client,
          own: toClient,
          locks: this.#worker.locks,
          openChannel,
          openEngine: async () => {
            const engine = new FakeEngine()
            browser.engines.push(engine)
            return engine.engine
          },
          signal: stop.signal,
          hostOf: (engine) => {
            this.host = new Host(engine)
            return this.host
          },
        })
        void candidate.then(() => toClient.post({ kind: 'stopped' }))
        return { link: toHost, stop: () => stop.abort(), terminate: () => this.#worker.die() }
      },
    }
  }

  run(sql: string) {
    return this.connection.submit({ op: 'query', sql, params: [] })
  }

  /** The tab is gone, at once. */
  die(): void {
    for (const channel of this.#channels) {
      channel.close()
    }
    this.#page.die()
    this.#worker.die()
  }

  /** The engine of this tab's worker panics. */
  panic(message: string): void {
    this.host?.breakDown(defect(message))
    this.#broken?.(defect(message))
  }
}

test('two tabs share one engine', async (t) => {
  const browser = new Browser(t)
  const [one, two] = [await browser.tab(), await browser.tab()]
  await one.run('a')
  await two.run('b')
  assert.equal(browser.engines.length, 1)
  assert.deepEqual(browser.last.ran, ['a', 'b'])
  await two.connection.close()
  await one.connection.close()
  assert.ok(browser.last.closed)
})

test('when the leader dies the next tab leads, and nothing is lost in silence', async (t) => {
  const browser = new Browser(t)
  const [one, two, three] = [await browser.tab(), await browser.tab(), await browser.tab()]
  const flying = two.run('wait')
  const first = browser.last
  await until(() => first.open === 1)
  one.die()
  await assert.rejects(flying, { code: 'Unavailable' })
  await Promise.all([two.run('b'), three.run('c')])
  assert.equal(browser.engines.length, 2)
  assert.deepEqual(browser.last.ran.toSorted(), ['b', 'c'])
  await three.connection.close()
  await two.connection.close()
})

test('a leader that is closed hands over, and requests go to the next', async (t) => {
  const browser = new Browser(t)
  const [one, two] = [await browser.tab(), await browser.tab()]
  const running = two.run('wait')
  const first = browser.last
  await until(() => first.open === 1)
  const closed = one.connection.close()
  const later = two.run('later')
  first.go()
  await Promise.all([running, later, closed])
  assert.deepEqual(first.ran, ['wait'])
  assert.ok(first.closed)
  assert.deepEqual(browser.last.ran, ['later'])
  await two.connection.close()
})

test('the transactions of a tab that dies are rolled back', async (t) => {
  const browser = new Browser(t)
  const [one, two] = [await browser.tab(), await browser.tab()]
  await two.connection.submit({ op: 'begin', session: 1 })
  two.die()
  await until(() => browser.last.ran.includes('(rolled back)'), 'the rollback')
  assert.equal(browser.engines.length, 1)
  await one.connection.close()
})

test('a panic reaches every caller with its message, and another engine is opened', async (t) => {
  const browser = new Browser(t)
  const [one, two] = [await browser.tab(), await browser.tab()]
  const first = browser.last
  const flying = [one.run('wait'), two.run('wait')]
  await until(() => first.open === 2)
  one.panic('index out of bounds')
  for (const lost of flying) {
    await assert.rejects(lost, { code: 'Internal', message: 'index out of bounds' })
  }
  await Promise.all([one.run('a'), two.run('b')])
  assert.deepEqual(browser.last.ran.toSorted(), ['a', 'b'])
  assert.equal(browser.engines.length, 2)
  await two.connection.close()
  await one.connection.close()
})

test('a page of another version is refused', async (t) => {
  const browser = new Browser(t)
  const one = await browser.tab()
  const heard: HostMessage[] = []
  const own = browser.channel(clientChannel(browser.name, 'stranger'))
  own.onmessage = ({ data }: MessageEvent<HostMessage>) => heard.push(data)
  browser.channel(commonChannel(browser.name)).postMessage({ kind: 'hello', protocol: 0, client: 'stranger', term: 0 })
  await until(() => heard.length > 0, 'an answer')
  assert.equal(heard[0]?.kind, 'refused')
  await one.connection.close()
})

test('a leader of another version is not followed', async (t) => {
  const browser = new Browser(t)
  const other = browser.registry.context()
  await new Promise<void>((resolve) => {
    void other.locks.request(`firndb:${browser.name}`, {}, () => new Promise(() => resolve()))
  })
  const common = browser.channel(commonChannel(browser.name))
  common.onmessage = ({ data }) => {
    browser.channel(clientChannel(browser.name, data.client)).postMessage({ kind: 'welcome', protocol: 99, term: 5 })
  }
  await assert.rejects(browser.tab(), { code: 'Locked', message: /reload this tab/ })
})

test('a client that has met a later term is given a later one', async (t) => {
  const browser = new Browser(t)
  const one = await browser.tab()
  const heard: HostMessage[] = []
  const own = browser.channel(clientChannel(browser.name, 'far'))
  own.onmessage = ({ data }: MessageEvent<HostMessage>) => heard.push(data)
  const common = browser.channel(commonChannel(browser.name))
  const far = Date.now() + 1e9
  common.postMessage({ kind: 'hello', protocol: PROTOCOL, client: 'far', term: far })
  common.onmessage = ({ data }) => {
    if (data.kind === 'leader') {
      common.postMessage({ kind: 'hello', protocol: PROTOCOL, client: 'far', term: far })
    }
  }
  await until(() => heard.length > 0, 'a welcome')
  assert.deepEqual(heard[0], { kind: 'welcome', protocol: PROTOCOL, term: far + 1 })
  await one.run('still there')
  await one.connection.close()
})

test('a successor whose clock was set back is followed, also by its own page', async (t) => {
  const browser = new Browser(t)
  const now = Date.now
  t.after(() => {
    Date.now = now
  })
  Date.now = () => now() + 1e9
  const [one, two, three] = [await browser.tab(), await browser.tab(), await browser.tab()]
  await Promise.all([one.run('a'), two.run('a'), three.run('a')])
  Date.now = now
  one.die()
  await Promise.all([two.run('b'), three.run('b')])
  two.die()
  await three.run('c')
  assert.equal(browser.engines.length, 3)
  await three.connection.close()
})

test('a page that comes back is heard again, by the same leader or by another', async (t) => {
  const browser = new Browser(t)
  const [one, two] = [await browser.tab(), await browser.tab()]
  two.connection.suspend()
  two.connection.resume()
  await two.run('same leader')
  one.connection.suspend()
  await two.run('other leader')
  one.connection.resume()
  await one.run('back')
  assert.deepEqual(
    browser.engines.map(({ ran }) => ran),
    [['same leader'], ['other leader', 'back']],
  )
  await two.connection.close()
  await one.connection.close()
})
