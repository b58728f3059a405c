import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { columnFromArray, type DataType, largeUtf8, tableFromColumns, tableToIPC, utf8 } from '@uwdata/flechette'
import type { LiveOptions } from '../src/types.js'
import { ipcOf, until } from './fakes.js'
import { stage } from './stage.js'

/** A live query, and what its callback was given. */
async function watching(options: LiveOptions = {}) {
  const scene = stage()
  const told: unknown[] = []
  const live = await scene.db.live.query('SELECT n', [], (rows) => void told.push(rows), options)
  return { ...scene, told, live }
}

/** What is written to the console as an error. */
function complaints(t: TestContext): unknown[][] {
  const said: unknown[][] = []
  t.mock.method(console, 'error', (...words: unknown[]) => said.push(words))
  return said
}

/** Long enough for whatever is under way. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 20))

test('the rows come at once, and again whenever they are others', async () => {
  const { engine, told, live } = await watching()
  assert.deepEqual(live.initialRows, [{ n: 1n }])
  engine.staying[0]?.tell(ipcOf({ n: [1, 2] }))
  engine.staying[0]?.tell(ipcOf({ n: [] }))
  await until(() => told.length === 2)
  assert.deepEqual(told, [[{ n: 1n }, { n: 2n }], []])
})

test('nothing is called after unsubscribe, and nothing stays open', async () => {
  const { engine, told, live, requests } = await watching()
  await until(() => engine.staying.length === 1)
  engine.staying[0]?.tell(ipcOf({ n: [2] }))
  live.unsubscribe()
  await until(() => engine.staying.length === 0)
  await settle()
  assert.deepEqual(told, [])
  live.unsubscribe()
  await requests.idle()
})

test('unsubscribing in the callback, or while it is at work, ends it too', async () => {
  const { db, engine } = stage()
  let calls = 0
  const live = await db.live.query('SELECT n', [], async () => {
    calls += 1
    live.unsubscribe()
    await new Promise(() => undefined)
  })
  engine.staying[0]?.tell(ipcOf({ n: [2] }))
  engine.staying[0]?.tell(ipcOf({ n: [3] }))
  await until(() => engine.staying.length === 0)
  await settle()
  assert.equal(calls, 1)
})

test('a callback is not called while it is at work', async () => {
  const { db, engine } = stage()
  const seen: string[] = []
  await db.live.query<{ n: bigint }>('SELECT n', [], async (rows) => {
    seen.push(`begin ${rows[0]?.n}`)
    await settle()
    seen.push(`end ${rows[0]?.n}`)
  })
  engine.staying[0]?.tell(ipcOf({ n: [2] }))
  engine.staying[0]?.tell(ipcOf({ n: [3] }))
  await until(() => seen.length === 4)
  assert.deepEqual(seen, ['begin 2', 'end 2', 'begin 3', 'end 3'])
})

test('what a callback throws is written to the console, and the next is called', async (t) => {
  const said = complaints(t)
  const { db, engine } = stage()
  let calls = 0
  await db.live.query('SELECT n', [], () => {
    calls += 1
    throw new Error(`call ${calls}`)
  })
  engine.staying[0]?.tell(ipcOf({ n: [2] }))
  engine.staying[0]?.tell(ipcOf({ n: [3] }))
  await until(() => calls === 2 && said.length === 2)
  assert.match(String(said[0]?.[1]), /call 1/)
})

test('what is wrong from the beginning rejects', async () => {
  const { db, engine } = stage()
  await assert.rejects(db.live.query('fail'), { name: 'FirnDBError', code: 'Constraint' })
  assert.deepEqual([engine.staying.length, engine.open], [0, 0])
})

test('rows that cannot be read reject, and nothing stays open', async () => {
  const { db, engine, requests } = stage()
  engine.shown = Uint8Array.of(1, 2, 3)
  await assert.rejects(db.live.query('SELECT n'))
  await until(() => engine.staying.length === 0)
  await requests.idle()
})

const gone = Object.assign(new Error('there is no table t'), { code: 'NotFound' })

test('what ends it later is given to onError, once', async () => {
  const errors: unknown[] = []
  const { engine, told } = await watching({ onError: (error) => errors.push(error) })
  engine.staying[0]?.tell(gone)
  await until(() => errors.length === 1)
  assert.equal((errors[0] as { code: string }).code, 'NotFound')
  assert.deepEqual([told, engine.staying.length], [[], 0])
})

test('without onError what ends it is written to the console', async (t) => {
  const said = complaints(t)
  const { engine } = await watching()
  engine.staying[0]?.tell(gone)
  await until(() => said.length === 1)
  assert.match(String(said[0]?.[1]), /no table t/)
})

for (const how of ['die', 'handOver', 'breakDown'] as const) {
  test(`the next leader runs it again, and only other rows are told (${how})`, async () => {
    const scene = await watching()
    const { engine, told } = scene
    await scene[how]()
    await until(() => engine.staying.length === 1)
    engine.staying[0]?.tell(ipcOf({ n: [2] }))
    await until(() => told.length === 1)
    engine.shown = ipcOf({ n: [2] })
    await scene[how]()
    await until(() => engine.staying.length === 1)
    await settle()
    assert.equal(told.length, 1)
    // As it was at first, but not as it was told last.
    engine.shown = ipcOf({ n: [1] })
    await scene[how]()
    await until(() => told.length === 2)
    assert.deepEqual(told, [[{ n: 2n }], [{ n: 1n }]])
    await settle()
    assert.equal(engine.staying.length, 1)
  })
}

test('the same rows in other bytes are not told', async () => {
  const scene = stage()
  const { db, engine } = scene
  const text = (type: DataType) => {
    const ipc = tableToIPC(tableFromColumns([['t', columnFromArray(['snow'], type)]] as never), { format: 'stream' })
    assert.ok(ipc)
    return ipc
  }
  engine.shown = text(utf8())
  let calls = 0
  const { initialRows } = await db.live.query('SELECT t', [], () => void (calls += 1))
  assert.deepEqual(initialRows, [{ t: 'snow' }])
  engine.shown = text(largeUtf8())
  scene.die()
  await until(() => engine.staying.length === 1)
  await settle()
  assert.equal(calls, 0)
})

test('a hand-over does not wait for it', async () => {
  const scene = await watching()
  await settle()
  const since = performance.now()
  await scene.handOver()
  assert.ok(performance.now() - since < 2_500)
})

test('a query that breaks the engine again and again is given up', async () => {
  const errors: unknown[] = []
  const { engine, breakDown } = await watching({ onError: (error) => errors.push(error) })
  for (let times = 0; times < 4; times++) {
    await until(() => engine.staying.length === 1)
    await settle()
    breakDown()
  }
  await until(() => errors.length === 1)
  assert.equal((errors[0] as { code: string }).code, 'Internal')
})

test('a signal ends it without a word, and rejects what has not begun', async () => {
  const controller = new AbortController()
  const errors: unknown[] = []
  const { db, engine } = await watching({ signal: controller.signal, onError: (error) => errors.push(error) })
  controller.abort(new Error('enough'))
  await until(() => engine.staying.length === 0)
  await assert.rejects(db.live.query('SELECT n', [], undefined, { signal: controller.signal }), /enough/)
  const other = new AbortController()
  const waiting = db.live.query('wait', [], undefined, { signal: other.signal })
  await settle()
  other.abort(new Error('too slow'))
  await assert.rejects(waiting, /too slow/)
  engine.go()
  await settle()
  assert.deepEqual([errors, engine.staying.length], [[], 0])
})

test('closing ends it and waits for nothing; later ones are refused', { timeout: 5_000 }, async () => {
  const errors: unknown[] = []
  const { db, engine } = await watching({ onError: (error) => errors.push(error) })
  await settle()
  await db.close()
  await until(() => engine.staying.length === 0)
  assert.deepEqual(errors, [])
  await assert.rejects(db.live.query('SELECT n'), { code: 'Unavailable' })
})
