/** Transactions, and what they see of each other. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

export function transactions(on) {
  const n = async (where) => (await where.query('SELECT n FROM tally')).rows[0].n

  test('a transaction commits when its function resolves, and leaves nothing when it rejects', async () => {
    const { db } = on
    await db.exec('CREATE TABLE tally (id BIGINT PRIMARY KEY, n BIGINT); INSERT INTO tally VALUES (1, 0)')
    let kept
    const seen = await db.transaction(async (tx) => {
      kept = tx
      await tx.query('UPDATE tally SET n = $1', [1])
      return [await n(tx), await n(db)]
    })
    assert.deepEqual(seen, [1n, 0n])
    const failed = db.transaction(async (tx) => {
      await tx.exec('UPDATE tally SET n = 2')
      throw new Error('changed my mind')
    })
    await assert.rejects(failed, /changed my mind/)
    await assert.rejects(kept.query('SELECT 1'), { code: 'InvalidInput' })
    assert.equal(await n(db), 1n)
  })

  test('of two that write the same row the first to commit wins', async () => {
    const { db } = on
    const reached = gate()
    const late = db.transaction(async (tx) => {
      await tx.query('UPDATE tally SET n = n + 10')
      await reached.passed
      return n(tx)
    })
    await db.transaction((tx) => tx.query('UPDATE tally SET n = n + 100'))
    reached.open()
    await assert.rejects(late, { code: 'Conflict' })
    assert.equal(await n(db), 101n)
  })

  test('two that write different rows both commit, and each reads what was there when it began', async () => {
    const { db } = on
    const [first, second] = [gate(), gate()]
    const add = (id, mine, other) =>
      db.transaction(async (tx) => {
        await tx.query('INSERT INTO tally VALUES ($1, $1)', [id])
        mine.open()
        await other.passed
        return (await tx.query('SELECT id FROM tally ORDER BY id')).rows.map((row) => row.id)
      })
    assert.deepEqual(await Promise.all([add(2, first, second), add(3, second, first)]), [[1n, 2n], [1n, 3n]])
    assert.deepEqual((await db.query('SELECT id FROM tally ORDER BY id')).rows, [{ id: 1n }, { id: 2n }, { id: 3n }])
  })

  test('after a statement that fails a transaction can only be rolled back', async () => {
    const { db } = on
    const failed = db.transaction(async (tx) => {
      await tx.query('DELETE FROM tally WHERE id = 3')
      await assert.rejects(tx.query('INSERT INTO tally VALUES (1, 1)'), { code: 'Constraint' })
      await tx.query('DELETE FROM tally WHERE id = 2')
    })
    await assert.rejects(failed, { code: 'InvalidInput', message: /ROLLBACK first/ })
    assert.deepEqual((await db.query('SELECT count(*) AS n FROM tally')).rows, [{ n: 3n }])
  })

  test('a transaction that is open when the database is closed is rolled back', async () => {
    const db = await on.open()
    await db.query('CREATE TABLE t (id BIGINT PRIMARY KEY)')
    const begun = gate()
    const open = db.transaction(async (tx) => {
      await tx.query('INSERT INTO t VALUES (1)')
      begun.open()
      await db.close()
    })
    await begun.passed
    await assert.rejects(open, { code: 'Unavailable' })
  })
}

/** Something to wait for, and what ends the wait. */
function gate() {
  let open
  const passed = new Promise((resolve) => {
    open = resolve
  })
  return { passed, open }
}
