import assert from 'node:assert/strict'
import { test } from 'node:test'
import { columnFromArray, bool, int64, tableFromColumns, tableToIPC } from '@uwdata/flechette'
import type { FakeEngine } from './fakes.js'
import { until } from './fakes.js'
import { stage } from './stage.js'

/** Changes as the engine gives them: the key, `_seq`, and whether it is deleted. */
function piece(...changes: [id: number, seq: number, deleted?: boolean][]): Uint8Array {
  const big = (at: 0 | 1) => columnFromArray(changes.map((change) => BigInt(change[at])), int64())
  const deleted = columnFromArray(changes.map((change) => change[2] ?? false), bool())
  const table = tableFromColumns([['id', big(0)], ['_seq', big(1)], ['_deleted', deleted]] as never)
  const ipc = tableToIPC(table, { format: 'stream' })
  assert.ok(ipc)
  return ipc
}

async function begun(engine: FakeEngine) {
  await until(() => engine.staying.length === 1, 'the beginning')
  const [stay] = engine.staying
  assert.ok(stay)
  return stay
}

test('changes come one by one, with their rows', async () => {
  const { engine, db } = stage()
  const changes = db.changes<{ id: bigint }>('app.notes', { since: 7n })
  const first = changes.next()
  const stay = await begun(engine)
  assert.equal(stay.begun, '"app"."notes" since 7')
  stay.tell(piece([1, 10], [2, 11, true]))
  assert.deepEqual((await first).value, { row: { id: 1n }, seq: 10n, deleted: false })
  assert.deepEqual((await changes.next()).value, { row: { id: 2n }, seq: 11n, deleted: true })
  const third = changes.next()
  stay.tell(piece([1, 12]))
  assert.equal((await third).value?.seq, 12n)
})

test('leaving the loop ends it', async () => {
  const { engine, db } = stage()
  void begun(engine).then((stay) => stay.tell(piece([1, 1], [2, 2])))
  for await (const { seq } of db.changes('t')) {
    assert.equal(seq, 1n)
    break
  }
  await until(() => engine.staying.length === 0)
})

for (const how of ['die', 'handOver', 'breakDown'] as const) {
  test(`the next leader goes on after the last change (${how})`, async () => {
    const scene = stage()
    const { engine, db } = scene
    const changes = db.changes('t')
    const first = changes.next()
    ;(await begun(engine)).tell(piece([1, 5], [2, 6]))
    await first
    // The second change of the piece was not asked for yet, and comes all the same.
    await scene[how]()
    assert.equal((await changes.next()).value?.seq, 6n)
    const third = changes.next()
    const stay = await begun(engine)
    assert.equal(stay.begun, '"t" since 6')
    stay.tell(piece([3, 9]))
    assert.equal((await third).value?.seq, 9n)
    // And where one waits.
    const fourth = changes.next()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await scene[how]()
    await until(() => engine.staying[0]?.begun === '"t" since 9')
    engine.staying[0]?.tell(piece([3, 12]))
    assert.equal((await fourth).value?.seq, 12n)
  })
}

test('an error that says to read everything again is the end', async () => {
  const { engine, db } = stage()
  const first = db.changes('t', { since: 1n }).next()
  const error = Object.assign(new Error('deletions since then are not known any more'), { code: 'InvalidInput' })
  ;(await begun(engine)).tell(error)
  await assert.rejects(first, { name: 'FirnDBError', code: 'InvalidInput' })
  assert.equal(engine.staying.length, 0)
})

test('return ends it also while a change is waited for', { timeout: 5_000 }, async () => {
  const { engine, db } = stage()
  const changes = db.changes('t')
  const first = changes.next()
  await begun(engine)
  await changes.return()
  assert.deepEqual(await first, { done: true, value: undefined })
  await until(() => engine.staying.length === 0)
  assert.equal((await changes.next()).done, true)
})

test('its signal ends it with the reason, and closing without one', { timeout: 5_000 }, async () => {
  const { engine, db } = stage()
  const controller = new AbortController()
  const [aborted, closed] = [db.changes('t', { signal: controller.signal }).next(), db.changes('t').next()]
  await until(() => engine.staying.length === 2)
  controller.abort(new Error('enough'))
  await assert.rejects(aborted, /enough/)
  await db.close()
  assert.deepEqual(await closed, { done: true, value: undefined })
  await until(() => engine.staying.length === 0)
  await assert.rejects(db.changes('t').next(), { code: 'Unavailable' })
})

test('a signal that comes between two changes of a piece is heard', async () => {
  const { engine, db } = stage()
  const controller = new AbortController()
  const changes = db.changes('t', { signal: controller.signal })
  const first = changes.next()
  ;(await begun(engine)).tell(piece([1, 5], [2, 6]))
  await first
  controller.abort(new Error('enough'))
  await assert.rejects(changes.next(), /enough/)
})

test('since is a bigint from 0 on', async () => {
  const { db, engine } = stage()
  for (const since of [1, '1', -1n, 2n ** 63n]) {
    await assert.rejects(db.changes('t', { since: since as bigint }).next(), { code: 'InvalidInput' })
  }
  assert.deepEqual(engine.ran, [])
})
