/** A database over a fake engine, whose leader a test can change. */

import { Database, type Opener } from '../src/database.js'
import { defect } from '../src/breakdown.js'
import { Host } from '../src/host.js'
import { pair } from '../src/pair.js'
import type { ClientMessage, HostMessage } from '../src/protocol.js'
import { Requests } from '../src/requests.js'
import { FakeEngine } from './fakes.js'

/** Sets it up; `engine` is shared by all leaders. */
export function stage(opener: Opener = {}) {
  const engine = new FakeEngine()
  const requests = new Requests()
  let term = 0
  const lead = () => {
    term += 1
    const [toClient, toHost] = pair<HostMessage, ClientMessage>()
    const host = new Host(engine.engine)
    const visitor = host.welcome(toClient, term)
    toHost.listen((message) => requests.receive(message))
    requests.connect(toHost, term)
    return { host, visitor }
  }
  let office = lead()
  const backend = {
    submit: requests.submit.bind(requests),
    storage: async () => ({ kind: 'memory', persisted: false }) as const,
    close: () => requests.idle(),
  }
  return {
    engine,
    requests,
    db: new Database(backend, opener),
    /** The leader is gone, and another comes. */
    die() {
      office.visitor.leave()
      requests.lose(term)
      office = lead()
    },
    /** The leader hands over, and another comes. */
    async handOver() {
      await office.host.drain(5_000)
      requests.lose(term)
      office = lead()
    },
    /** The engine breaks down, and another comes. */
    breakDown() {
      office.visitor.leave()
      requests.lose(term, defect('it panicked'))
      office = lead()
    },
  }
}
