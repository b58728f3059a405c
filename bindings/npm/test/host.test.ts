import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Host } from '../src/host.js'
import { pair } from '../src/pair.js'
import type { ClientMessage, HostMessage, Operation } from '../src/protocol.js'
import { Requests } from '../src/requests.js'
import { FakeEngine, until } from './fakes.js'

function stage() {
  const engine = new FakeEngine()
  const host = new Host(engine.engine)
  const [toClient, toHost] = pair<HostMessage, ClientMessage>()
  const visitor = host.welcome(toClient, 1)
  const requests = new Requests()
  toHost.listen((message) => requests.receive(message))
  requests.connect(toHost, 1)
  const run = (sql: string, session?: number, signal?: AbortSignal) =>
    session === undefined
      ? requests.submit({ op: 'query', sql, params: [] }, { signal })
      : requests.submit({ op: 'query', sql, params: [], session }, { signal, term: 1 })
  const ask = (operation: Operation) => requests.submit(operation, operation.op === 'end' ? { term: 1 } : {})
  return { engine, host, visitor, requests, run, ask }
}

test('requests without a transaction do not wait for each other', async () => {
  const { engine, run } = stage()
  const slow = run('wait')
  await run('fast')
  assert.deepEqual(engine.ran, ['fast'])
  engine.go()
  await slow
  assert.equal(engine.open, 0)
})

test('a transaction does one thing after the other', async () => {
  const { engine, run, ask } = stage()
  await ask({ op: 'begin', session: 1 })
  const all = [run('wait', 1), run('second', 1), ask({ op: 'end', session: 1, commit: true })]
  await run('beside')
  engine.go()
  await Promise.all(all)
  assert.deepEqual(engine.ran, ['BEGIN', 'beside', 'wait', 'second', 'COMMIT'])
  assert.equal(engine.open, 0)
  await assert.rejects(run('late', 1), /the transaction is over/)
})

test('what is cancelled before its turn is not begun', async () => {
  const { engine, run, ask } = stage()
  await ask({ op: 'begin', session: 1 })
  const first = run('wait', 1)
  const controller = new AbortController()
  const second = run('second', 1, controller.signal)
  await new Promise((resolve) => setTimeout(resolve, 5))
  controller.abort()
  await assert.rejects(second, { name: 'AbortError' })
  await new Promise((resolve) => setTimeout(resolve, 5))
  engine.go()
  await first
  await ask({ op: 'end', session: 1, commit: false })
  assert.deepEqual(engine.ran, ['BEGIN', 'wait', 'ROLLBACK'])
})

test('an error keeps its code, and a failed statement leaves nothing open', async () => {
  const { engine, run } = stage()
  await assert.rejects(run('fail'), { name: 'FirnDBError', code: 'Constraint', message: 'it failed' })
  assert.equal(engine.open, 0)
})

test('a transaction begun outside of transaction() is rolled back and refused', async () => {
  const { engine, run } = stage()
  await assert.rejects(run('BEGIN'), { code: 'InvalidInput' })
  assert.deepEqual(engine.ran, ['BEGIN', '(rolled back)'])
})

test('the namespace of the client is chosen before its statement', async () => {
  const { engine, ask } = stage()
  await ask({ op: 'exec', sql: 'a;b', use: 'USE app' })
  await ask({ op: 'begin', session: 1, use: 'USE app' })
  assert.deepEqual(engine.ran, ['USE app', 'a', 'b', 'USE app', 'BEGIN'])
})

test('a client that leaves has its transactions rolled back', async () => {
  const { engine, visitor, run, ask } = stage()
  await ask({ op: 'begin', session: 1 })
  await run('a', 1)
  visitor.leave()
  assert.deepEqual(engine.ran, ['BEGIN', 'a', '(rolled back)'])
  assert.equal(engine.open, 0)
})

test('a host that hands over ends what runs and refuses what is new', async () => {
  const { engine, host, requests, run, ask } = stage()
  await ask({ op: 'begin', session: 1 })
  const running = run('wait')
  await until(() => engine.open === 2)
  const drained = host.drain(5_000)
  const waiting = run('new')
  await run('within', 1)
  engine.go()
  await ask({ op: 'end', session: 1, commit: true })
  await Promise.all([running, drained])
  assert.deepEqual(engine.ran, ['BEGIN', 'within', 'wait', 'COMMIT'])
  requests.lose(1)
  const next = new FakeEngine()
  const [toClient, toHost] = pair<HostMessage, ClientMessage>()
  new Host(next.engine).welcome(toClient, 2)
  toHost.listen((message) => requests.receive(message))
  requests.connect(toHost, 2)
  await waiting
  assert.deepEqual(next.ran, ['new'])
})

test('a host that hands over rolls back what does not end in time', async () => {
  const { engine, host, ask } = stage()
  await ask({ op: 'begin', session: 1 })
  await host.drain(20)
  assert.deepEqual(engine.ran, ['BEGIN', '(rolled back)'])
})
