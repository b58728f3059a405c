import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Database } from '../src/database.js'
import type { Engine } from '../src/engine.js'
import { Host } from '../src/host.js'
import { pair } from '../src/pair.js'
import type { ClientMessage, HostMessage } from '../src/protocol.js'
import { Requests } from '../src/requests.js'
import { FakeEngine, until } from './fakes.js'

/** A database whose host is that of `engine`, by a link that a test can end. */
function stage() {
  const engine = new FakeEngine()
  const requests = new Requests()
  let visitor = connect(engine.engine, requests, 1)
  const db = new Database({
    submit: (operation, options) => requests.submit(operation, options),
    storage: async () => ({ kind: 'memory', persisted: false }),
    close: async () => undefined,
  })
  /** The leader goes, and another comes. */
  const handOver = () => {
    visitor.leave()
    requests.disconnect(1)
    requests.lose(1)
    visitor = connect(engine.engine, requests, 2)
  }
  return { engine, db, requests, handOver, leave: () => visitor.leave() }
}

function connect(engine: Engine, requests: Requests, term: number) {
  const [toClient, toHost] = pair<HostMessage, ClientMessage>()
  const visitor = new Host(engine).welcome(toClient, term)
  toHost.listen((message) => requests.receive(message))
  requests.connect(toHost, term)
  return visitor
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<number[]> {
  const first: number[] = []
  for await (const piece of pieces) {
    first.push(piece[0] ?? -1)
  }
  return first
}

test('pieces come in order, and nothing is held after the last', async () => {
  const { engine, db } = stage()
  assert.deepEqual(await collect(db.streamArrow('SELECT 1')), [1, 2, 3])
  assert.equal(engine.streams, 0)
  assert.equal(engine.open, 0)
})

test('two streams at once do not mix', async () => {
  const { db } = stage()
  const both = await Promise.all([collect(db.streamArrow('a')), collect(db.streamArrow('b'))])
  assert.deepEqual(both, [[1, 2, 3], [1, 2, 3]])
})

test('leaving the loop gives up the rest', async () => {
  const { engine, db } = stage()
  for await (const piece of db.streamArrow('SELECT 1')) {
    assert.equal(piece[0], 1)
    assert.equal(engine.streams, 1)
    break
  }
  await until(() => engine.streams === 0, 'the end of the stream')
})

test('an error in the middle ends it, with its code', async () => {
  const { engine, db } = stage()
  await assert.rejects(collect(db.streamArrow('break')), { code: 'Corrupt' })
  assert.equal(engine.streams, 0)
})

test('a statement that fails is an error of the first piece', async () => {
  const { engine, db } = stage()
  await assert.rejects(collect(db.streamArrow('fail')), { code: 'Constraint' })
  assert.equal(engine.streams, 0)
})

test('rows of a leader that is gone are Unavailable, and are not asked of the next', async () => {
  const { engine, db, handOver } = stage()
  const pieces = db.streamArrow('SELECT 1')
  await pieces.next()
  handOver()
  await assert.rejects(pieces.next(), { code: 'Unavailable', message: /rows that were still to come/ })
  assert.equal(engine.streams, 0)
  assert.deepEqual(await collect(db.streamArrow('again')), [1, 2, 3])
})

test('rows end with the transaction in which they were begun', async () => {
  const { engine, db } = stage()
  let pieces: AsyncGenerator<Uint8Array> | undefined
  await db.transaction(async (tx) => {
    pieces = tx.streamArrow('SELECT 1')
    await pieces.next()
  })
  await until(() => engine.streams === 0, 'the end of the stream')
  await assert.rejects(pieces?.next() ?? Promise.resolve(), /the transaction is over/)
})

test('rows of a client that is gone are given up', async () => {
  const { engine, db, leave } = stage()
  await db.streamArrow('SELECT 1').next()
  leave()
  assert.equal(engine.streams, 0)
})

test('a signal ends a stream that is being begun, and leaves nothing behind', async () => {
  const { engine, db } = stage()
  const controller = new AbortController()
  const first = db.streamArrow('wait', [], { signal: controller.signal }).next()
  await until(() => engine.open === 1, 'the session of the stream')
  controller.abort(new Error('enough'))
  await assert.rejects(first, /enough/)
  engine.go()
  await until(() => engine.open === 0, 'the end of the session')
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(engine.streams, 0)
})

test('an archive comes in parts, and is one blob', async () => {
  const { db } = stage()
  const archive = await db.dump()
  assert.deepEqual([...new Uint8Array(await archive.arrayBuffer())], [1, 2, 3])
  assert.equal(archive.type, 'application/x-tar')
})
