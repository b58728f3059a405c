/** A whole store as one archive. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

const FILL = `
  CREATE TABLE kept (id BIGINT PRIMARY KEY, v TEXT);
  INSERT INTO kept SELECT v, 'cold' FROM generate_series(1, 5000) AS g(v);
  STORAGE FLUSH TABLE kept;
  UPDATE kept SET v = 'hot' WHERE id <= 10;
  DELETE FROM kept WHERE id > 4990`
const FOUND = [
  { v: 'cold', n: 4980n },
  { v: 'hot', n: 10n },
]
const found = async (db) => (await db.query('SELECT v, count(*) AS n FROM kept GROUP BY v ORDER BY v')).rows

export function archives(on) {
  test('a store is dumped, and loaded as another', async (t) => {
    const db = await on.open()
    t.after(() => db.close())
    await db.exec(FILL)
    const archive = await db.dump()
    assert.ok(archive instanceof Blob && archive.size > 10_000)
    await db.query("UPDATE kept SET v = 'after'")
    for (const form of [archive, new Uint8Array(await archive.arrayBuffer()), await archive.arrayBuffer()]) {
      const copy = await on.load(form)
      t.after(() => copy.close())
      assert.deepEqual(await found(copy), FOUND)
      await copy.query("INSERT INTO kept VALUES (9999, 'hot')")
      await copy.flush()
      assert.deepEqual((await copy.query('STORAGE CHECK')).rows, [])
    }
  })

  test('what is not a whole archive is refused', async (t) => {
    const db = await on.open()
    t.after(() => db.close())
    await db.exec('CREATE TABLE t (id BIGINT PRIMARY KEY)')
    const archive = await db.dump()
    const bytes = new Uint8Array(await archive.arrayBuffer())
    await assert.rejects(on.load(archive.slice(0, archive.size / 2)), { code: 'Corrupt' })
    await assert.rejects(on.load(new Blob([])), { code: 'Corrupt' })
    await assert.rejects(on.load(new Blob(['no archive'])), { code: 'Corrupt' })
    bytes[520] ^= 1 // in the first entry, behind its header
    await assert.rejects(on.load(bytes), { code: 'Corrupt' })
    await assert.rejects(on.load('a path'), { name: 'FirnDBError', code: 'InvalidInput' })
  })
}
