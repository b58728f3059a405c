import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Addon, openAddon } from '../src/addon.js'

/** An addon whose statements begin a while after they were asked for, and end when they are then taken back. */
function slowToBegin(begunAfterMs: number) {
  let asked = 0
  let told = 0
  const session = {
    opened: () => ({}),
    query: () => {
      asked += 1
      const from = Date.now()
      return new Promise<object>((resolve) => {
        session.cancel = () => {
          told += 1
          if (Date.now() - from >= begunAfterMs) {
            resolve({ code: 'Cancelled', message: 'taken back' })
          }
        }
      })
    },
    execute: async () => ({ answers: [] }),
    cancel: () => {},
    inTransaction: false,
    free: () => {},
  }
  const database = {
    opened: () => ({}),
    session: () => session,
    countParameters: () => ({ code: 'Syntax', message: 'no SQL' }),
    step: async () => ({ yes: true }),
    stats: () => ({}),
    close: async () => ({}),
  }
  const addon = { Database: { open: async () => database } } as unknown as Addon
  return { addon, seen: () => ({ asked, told }) }
}

test('a statement is told that it is taken back until it has begun', { timeout: 5_000 }, async () => {
  const { addon, seen } = slowToBegin(30)
  const { db, newCancel } = await openAddon(addon, 'memory://', {})
  const cancel = newCancel()
  const running = db.session().query('SELECT 1', [], cancel)
  cancel.cancel()
  await assert.rejects(running, { name: 'FirnDBError', code: 'Cancelled' })
  const { told } = seen()
  assert.ok(told > 1)
  await new Promise((resolve) => setTimeout(resolve, 30))
  assert.equal(seen().told, told, 'it was told after its end')
})

test('what is cancelled already is not begun', async () => {
  const { addon, seen } = slowToBegin(0)
  const { db, newCancel } = await openAddon(addon, 'memory://', {})
  const cancel = newCancel()
  cancel.cancel()
  await assert.rejects(db.session().query('SELECT 1', [], cancel), { code: 'Cancelled' })
  assert.equal(seen().asked, 0)
})

test('a reply with a code is thrown', async () => {
  const { db } = await openAddon(slowToBegin(0).addon, 'memory://', {})
  assert.throws(() => db.countParameters('SELEC'), { name: 'FirnDBError', code: 'Syntax', message: 'no SQL' })
  assert.equal(await db.step(), true)
})
