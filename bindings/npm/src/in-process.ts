/** An engine that works for one database of its own process. */

import type { Backend } from './database.js'
import type { Engine } from './engine.js'
import { FirnDBError } from './errors.js'
import { Host } from './host.js'
import { work } from './leader.js'
import { pair } from './pair.js'
import type { ClientMessage, HostMessage, Operation } from './protocol.js'
import { Requests } from './requests.js'
import type { Param, StorageReport } from './types.js'

/** The only term: the engine ends with the process. */
const TERM = 1

/** The way to `engine`, which is closed with it. */
export function inProcess(engine: Engine, report: StorageReport): Backend {
  const [toClient, toHost] = pair<HostMessage, ClientMessage>()
  const visitor = new Host(engine).welcome(toClient, TERM)
  const requests = new Requests()
  toHost.listen((message) => requests.receive(message))
  requests.connect(toHost, TERM)
  const stop = new AbortController()
  const working = work(engine.db, stop.signal)
  const close = async () => {
    await requests.idle()
    stop.abort()
    requests.end(new FirnDBError('Unavailable', 'the database was closed'))
    visitor.leave()
    // A step that met the end of its store would report that as a failure.
    await working
    await engine.db.close()
  }
  let closing: Promise<void> | undefined
  return {
    submit: (operation, how) => requests.submit(taken(operation), how),
    storage: async () => report,
    close: () => (closing ??= close()),
  }
}

/** `operation` with parameters that nobody can change any more: it waits before they are read. */
function taken(operation: Operation): Operation {
  return 'params' in operation ? { ...operation, params: operation.params.map(copied) } : operation
}

function copied(value: Param): Param {
  if (value instanceof Uint8Array) {
    return new Uint8Array(value)
  }
  return value instanceof Date ? new Date(value) : value
}
