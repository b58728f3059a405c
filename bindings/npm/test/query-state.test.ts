import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QueryStore } from '../src/query-state.js'
import { ipcOf, until } from './fakes.js'
import { stage } from './stage.js'

function listening(sql: string) {
  const scene = stage()
  const store = new QueryStore<{ n: bigint }>(scene.db, sql, [])
  let changes = 0
  const listen = () => store.subscribe(() => (changes += 1))
  return { ...scene, store, listen, changes: () => changes }
}

test('nothing is asked before somebody listens, and nothing stays after the last has left', async () => {
  const { engine, store, listen, changes } = listening('SELECT n')
  assert.deepEqual(store.state(), { rows: [], error: undefined, loading: true })
  assert.deepEqual(engine.ran, [])
  const [one, two] = [listen(), listen()]
  await until(() => !store.state().loading)
  assert.deepEqual([engine.ran, changes()], [['SELECT n'], 2])
  const state = store.state()
  assert.deepEqual(state, { rows: [{ n: 1n }], error: undefined, loading: false })
  assert.equal(store.state(), state)
  engine.staying[0]?.tell(ipcOf({ n: [2] }))
  await until(() => store.state() !== state)
  assert.deepEqual(store.state().rows, [{ n: 2n }])
  one()
  assert.equal(engine.staying.length, 1)
  two()
  await until(() => engine.staying.length === 0)
})

test('who comes, goes and comes again at once has one query, as React does in development', async () => {
  const { engine, store, listen, changes } = listening('SELECT n')
  listen()()
  const leave = listen()
  await until(() => !store.state().loading)
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(engine.staying.length, 1)
  // What was given up says nothing any more.
  assert.equal(changes(), 1)
  leave()
  await until(() => engine.staying.length === 0)
})

test('an error is shown, at the beginning and later', async () => {
  const { store, listen } = listening('fail')
  listen()
  await until(() => store.state().error !== undefined)
  assert.equal(store.state().error?.code, 'Constraint')
  assert.equal(store.state().loading, false)
  const later = listening('SELECT n')
  later.listen()
  await until(() => !later.store.state().loading)
  later.engine.staying[0]?.tell(Object.assign(new Error('gone'), { code: 'NotFound' }))
  await until(() => later.store.state().error !== undefined)
  assert.deepEqual(later.store.state().rows, [{ n: 1n }])
})
