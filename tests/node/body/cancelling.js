/** Statements that are taken back. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

/** How soon a statement that is taken back must have ended. */
const SOON_MS = 500

/** Runs for longer than anybody waits. */
const LONG = 'SELECT count(*) FROM many a, many b, many c, many d WHERE a.id + b.id + c.id + d.id = -1'

export function cancelling(on) {
  test('an aborted statement rejects with the reason of its signal', async () => {
    const { db } = on
    const ten = Array.from({ length: 10 }, (_, n) => `(${n})`).join(', ')
    await db.exec(`
      CREATE TABLE digits (id BIGINT PRIMARY KEY);
      INSERT INTO digits VALUES ${ten};
      CREATE TABLE many (id BIGINT PRIMARY KEY);
      INSERT INTO many SELECT a.id * 100 + b.id * 10 + c.id FROM digits a, digits b, digits c`)
    const controller = new AbortController()
    const running = db.query(LONG, [], { signal: controller.signal })
    await sleep(100)
    controller.abort(new Error('too slow'))
    await assert.rejects(running, /too slow/)
    await assert.rejects(db.query('SELECT 1', [], { signal: AbortSignal.abort() }), { name: 'AbortError' })
    assert.deepEqual((await db.query('SELECT 1 AS one')).rows, [{ one: 1n }])
  })

  // What a transaction is asked for next waits for the statement before, so its answer shows when that has ended.
  for (const delayMs of [0, 1, 5, 200]) {
    test(`the engine takes a statement back that is aborted after ${delayMs} ms`, { timeout: 20_000 }, async () => {
      let tookMs = Number.NaN
      const rolledBack = on.db.transaction(async (tx) => {
        const controller = new AbortController()
        const running = tx.query(LONG, [], { signal: controller.signal })
        if (delayMs > 0) {
          await sleep(delayMs)
        }
        controller.abort()
        const since = performance.now()
        await assert.rejects(running, { name: 'AbortError' })
        await tx.query('SELECT 1').catch(({ code }) => assert.equal(code, 'InvalidInput'))
        tookMs = performance.now() - since
        throw new Error('seen')
      })
      await assert.rejects(rolledBack, /seen/)
      assert.ok(tookMs < SOON_MS, `it took ${tookMs} ms`)
    })
  }

  test('others are answered while a long statement runs', { timeout: 20_000 }, async () => {
    const controller = new AbortController()
    const running = on.db.query(LONG, [], { signal: controller.signal })
    await sleep(50)
    const since = performance.now()
    await on.db.query('SELECT id FROM digits WHERE id = 1')
    const tookMs = performance.now() - since
    controller.abort()
    await assert.rejects(running, { name: 'AbortError' })
    assert.ok(tookMs < SOON_MS, `it took ${tookMs} ms`)
  })
}
