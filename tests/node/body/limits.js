/** What one statement may take. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

const ENDLESS = 'SELECT a.v FROM generate_series(1, 1000000) a(v), generate_series(1, 1000000) b(v)'

export function limits(on) {
  for (const [limits, sql] of [
    [{ resultRows: 1_000 }, 'SELECT * FROM generate_series(1, 1001)'],
    [{ resultBytes: 1_000_000 }, ENDLESS],
    [{ memoryBytes: 100_000 }, 'SELECT count(*) FROM generate_series(1, 50000) a(v) JOIN generate_series(1, 50000) b(v) ON a.v = b.v'],
    [{ timeoutMs: 100 }, `SELECT sum(v % 7) FROM (${ENDLESS}) q`],
  ]) {
    test(`${JSON.stringify(limits)} ends a statement and not the database`, { timeout: 30_000 }, async (t) => {
      const db = await on.open({ limits })
      t.after(() => db.close())
      await assert.rejects(db.query(sql), { name: 'FirnDBError', code: 'LimitExceeded' })
      const { rows } = await db.query('SELECT count(*) AS n FROM generate_series(1, 1000)')
      assert.deepEqual(rows, [{ n: 1000n }])
    })
  }

  for (const [what, sql] of [
    ['ten thousand parentheses', `SELECT ${'('.repeat(10_000)}1${')'.repeat(10_000)}`],
    ['a million items behind IN', `SELECT 1 WHERE 1 IN (${Array(1_000_000).fill(1)})`],
  ]) {
    test(`${what} are refused`, async () => {
      await assert.rejects(on.db.query(sql), { name: 'FirnDBError', code: 'LimitExceeded' })
      await on.db.query('SELECT 1')
    })
  }

  test('a limit that is none is refused', async () => {
    for (const limits of [{ resultRows: -1 }, { timeoutMs: 0.5 }, { memoryBytes: '1' }]) {
      await assert.rejects(on.open({ limits }), { name: 'FirnDBError', code: 'InvalidInput' })
    }
  })
}
