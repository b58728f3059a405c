import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copyFromSql, copyToSql, nameOf, piecesOf } from '../src/copy.js'
import { Database } from '../src/database.js'
import { Host } from '../src/host.js'
import { pair } from '../src/pair.js'
import type { ClientMessage, HostMessage } from '../src/protocol.js'
import { Requests } from '../src/requests.js'
import { FakeEngine, until } from './fakes.js'

/** A database, and its host, which a test can make leave. */
function stage() {
  const engine = new FakeEngine()
  const requests = new Requests()
  const [toClient, toHost] = pair<HostMessage, ClientMessage>()
  const visitor = new Host(engine.engine).welcome(toClient, 1)
  toHost.listen((message) => requests.receive(message))
  requests.connect(toHost, 1)
  const db = new Database({
    submit: (operation, options) => requests.submit(operation, options),
    storage: async () => ({ kind: 'memory', persisted: false }),
    close: async () => undefined,
  })
  const leave = () => {
    visitor.leave()
    requests.disconnect(1)
    requests.lose(1)
  }
  return { engine, db, leave }
}

test('pieces are given in order, and nothing is held afterwards', async () => {
  const { engine, db } = stage()
  assert.deepEqual(await db.copyFrom('t', ['ab', 'cde'].map(encoded), { format: 'csv' }), { rows: 5, rejected: 0 })
  assert.deepEqual(engine.ran, [`COPY "t" FROM STDIN (FORMAT 'csv') 5`])
  await until(() => engine.open === 0, 'the end of the session')
  assert.equal(engine.loads, 0)
})

test('an error comes with its code, and the source is left', async () => {
  const { engine, db } = stage()
  let left = false
  async function* source() {
    try {
      for (;;) {
        yield encoded('x')
      }
    } finally {
      left = true
    }
  }
  const loading = db.copyFrom('bad', source(), { format: 'csv', name: 'rows.csv' })
  await assert.rejects(loading, { code: 'InvalidInput', message: 'rows.csv, line 1: it is bad' })
  assert.ok(left)
  await until(() => engine.loads === 0 && engine.open === 0, 'the end of the load')
})

test('a source that fails gives the load up', async () => {
  const { engine, db } = stage()
  async function* source() {
    yield encoded('x')
    throw new Error('gone')
  }
  await assert.rejects(db.copyFrom('t', source(), { format: 'csv' }), /gone/)
  await until(() => engine.loads === 0 && engine.open === 0, 'the end of the load')
  assert.deepEqual(engine.ran, [])
})

test('a leader that goes takes the load with it, and says that nothing was loaded', async () => {
  const { engine, db, leave } = stage()
  async function* source() {
    yield encoded('x')
    leave()
    yield encoded('y')
  }
  await assert.rejects(db.copyFrom('t', source(), { format: 'csv' }), { code: 'Unavailable', message: /nothing was loaded/ })
  await until(() => engine.loads === 0, 'the end of the load')
  assert.deepEqual(engine.ran, [])
})

test('a transaction goes on after its load', async () => {
  const { engine, db } = stage()
  await db.transaction(async (tx) => {
    await Promise.all([tx.copyFrom('t', 'abc', { format: 'csv' }), tx.query('after')])
  })
  assert.deepEqual(engine.ran, ['BEGIN', `COPY "t" FROM STDIN (FORMAT 'csv') 3`, 'after', 'COMMIT'])
})

test('what goes out is made when it is read, and given up when it is cancelled', async () => {
  const { engine, db } = stage()
  const stream = db.copyTo('t', { format: 'csv' })
  assert.deepEqual(engine.ran, [])
  const reader = stream.getReader()
  assert.deepEqual((await reader.read()).value, Uint8Array.of(1))
  assert.equal(engine.streams, 1)
  await reader.cancel()
  await until(() => engine.streams === 0, 'the end of the stream')
})

test('options become those of COPY', () => {
  const options = { columns: ['a', 'B"'], header: 'match', delimiter: "'", null: '\\N', onError: 'skip', rejected: 'r' } as const
  assert.equal(
    copyFromSql('n.t', options),
    `COPY "n"."t" ("a", "B""") FROM STDIN (HEADER 'match', DELIMITER '''', NULL '\\N', ON_ERROR 'skip', REJECTED 'r')`,
  )
  assert.equal(copyFromSql('t', {}), 'COPY "t" FROM STDIN')
  assert.equal(copyToSql(' select 1; ', { format: 'json' }), `COPY ( select 1\n) TO STDOUT (FORMAT 'json')`)
  assert.equal(copyToSql('t', { format: 'csv', header: false }), `COPY "t" TO STDOUT (FORMAT 'csv', HEADER 'false')`)
  for (const table of ['within', 'values', 'selected.t', 'with.t']) {
    assert.ok(copyToSql(table, { format: 'csv' }).startsWith('COPY "'), table)
  }
  for (const query of ['SELECT*FROM t', 'values (1)', '(SELECT 1)', '-- all\nWITH a AS (SELECT 1) SELECT * FROM a']) {
    assert.ok(copyToSql(query, { format: 'csv' }).startsWith('COPY ('), query)
  }
  assert.equal(nameOf(new File([], 'a.csv'), {}), 'a.csv')
  assert.equal(nameOf('x', {}), 'the stream')
})

test('pieces have their buffers to themselves, and are not too large', async () => {
  const large = new Uint8Array(2_500_000).fill(7)
  const sizes: number[] = []
  for await (const piece of piecesOf(large)) {
    sizes.push(piece.byteLength)
    assert.equal(piece.buffer.byteLength, piece.byteLength)
  }
  assert.deepEqual(sizes, [1 << 20, 1 << 20, 2_500_000 - (2 << 20)])
})

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
