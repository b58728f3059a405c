import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openerOf } from '../src/database.js'
import { stage } from './stage.js'

test('each statement is done in its own name, whatever became of the one before', async () => {
  const { engine, db } = stage()
  const [alice, bob] = [db.as('alice'), db.as('bob')]
  const controller = new AbortController()
  const cancelled = alice.query('wait', [], { signal: controller.signal })
  await Promise.all([
    alice.query('a'),
    db.query('b'),
    assert.rejects(bob.query('fail')),
    db.exec('c;d'),
    alice.exec('e'),
    bob.queryArrow('f'),
    alice.stream('g').next().catch(() => undefined),
  ])
  controller.abort()
  await assert.rejects(cancelled, { name: 'AbortError' })
  await db.query('h')
  const by = Object.fromEntries(engine.ran.map((sql, at) => [sql, engine.speakers[at]]))
  assert.deepEqual(by, {
    a: 'root for alice',
    b: 'root',
    fail: 'root for bob',
    c: 'root',
    d: 'root',
    e: 'root for alice',
    f: 'root for bob',
    g: 'root for alice',
    h: 'root',
  })
})

test('a transaction is all in one name, and so are live queries and changes', async () => {
  const { engine, db } = stage()
  const alice = db.as('alice')
  await alice.transaction(async (tx) => {
    await tx.query('a')
    await db.query('beside')
    await tx.exec('b')
  })
  const { unsubscribe } = await alice.live.query('SELECT n')
  unsubscribe()
  const changes = alice.changes('t')
  const first = changes.next()
  await new Promise((resolve) => setTimeout(resolve, 20))
  await changes.return()
  await first
  assert.deepEqual(engine.ran, ['BEGIN', 'a', 'beside', 'b', 'COMMIT', 'SELECT n', '"t" since 0'])
  const alices = 'root for alice'
  assert.deepEqual(engine.speakers, [alices, alices, 'root', alices, alices, alices, alices])
})

test('whoever opened it is the actor, and its namespace is that of the user until it has its own', async () => {
  const { engine, db } = stage({ user: 'desk', role: 'service' })
  await db.query('USE app')
  const alice = db.as('alice')
  await alice.query('a')
  await alice.query('USE other')
  await alice.query('b')
  await db.query('c')
  assert.deepEqual(engine.ran, ['USE app', 'USE app', 'a', 'USE app', 'USE other', 'USE other', 'b', 'USE app', 'c'])
  assert.deepEqual(new Set(engine.speakers), new Set(['desk as service', 'desk as service for alice']))
})

test('nobody is not taken for somebody', () => {
  const { db } = stage()
  for (const nobody of [undefined, null, 7, {}]) {
    assert.throws(() => db.as(nobody as unknown as string), { code: 'InvalidInput' })
  }
  assert.throws(() => openerOf({ user: null as unknown as string }), { code: 'InvalidInput' })
  assert.throws(() => openerOf({ role: 'admin' as 'dba' }), { code: 'InvalidInput' })
  assert.deepEqual(openerOf({ user: 'alice' }), { user: 'alice' })
})
