/** Settings, as options and as rows. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

export function settings(on) {
  test('settings are options, and rows that say so', async (t) => {
    const db = await on.open({ settings: { 'query.result_rows': 5, 'sql.parameters': 3n }, durability: 'relaxed' })
    t.after(() => db.close())
    await assert.rejects(db.query('SELECT * FROM generate_series(1, 6)'), { code: 'LimitExceeded', message: /query\.result_rows/ })
    const { rows } = await db.query(
      "SELECT name, value, source, place FROM system.settings WHERE source <> 'default' ORDER BY name",
    )
    assert.deepEqual(rows, [
      { name: 'query.result_rows', value: '5', source: 'option', place: "settings['query.result_rows']" },
      { name: 'sql.parameters', value: '3', source: 'option', place: "settings['sql.parameters']" },
      { name: 'writer.durability', value: 'relaxed', source: 'option', place: 'durability' },
    ])
  })

  for (const [settings, message] of [
    [{ 'flush.row': 1 }, /settings\['flush.row'\]: there is no setting flush.row$/m],
    [{ 'flush.rows': 0 }, /settings\['flush.rows'\]: flush.rows is a whole number from 1 on, not "0"/],
    [{ 'flush.rows': 0.5 }, /flush.rows is a text, an integer or a boolean/],
    ['flush.rows=1', /the option settings/],
  ]) {
    test(`the settings ${JSON.stringify(settings)} are refused`, async () => {
      await assert.rejects(on.open({ settings }), { name: 'FirnDBError', code: 'InvalidInput', message })
    })
  }
}
