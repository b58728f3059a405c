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
  test('a store is dumped, and loaded as another', async () => {
    await using db = await on.open()
    await db.exec(FILL)
    const archive = await db.dump()
    assert.ok(archive instanceof Blob && archive.size > 10_000)
    await db.query("UPDATE kept SET v = 'after'")
    for (const form of [archive, new Uint8Array(await archive.arrayBuffer()), await archive.arrayBuffer()]) {
      await using copy = await on.load(form)
      assert.deepEqual(await found(copy), FOUND)
      await copy.query("INSERT INTO kept VALUES (9999, 'hot')")
      await copy.flush()
      assert.deepEqual((await copy.query('STORAGE CHECK')).rows, [])
    }
  })

  test('what is not a whole archive is refused', async () => {
    await using db = await on.open()
    await db.exec('CREATE TABLE t (id BIGINT PRIMARY KEY)')
    const archive = await db.dump()
    const bytes = new Uint8Array(await archive.arrayBuffer())
    await assert.rejects(on.load(archive.slice(0, archive.size / 2)), { code: 'Corrupt' })
    await assert.rejects(on.load(new Blob([])), { code: 'Corrupt' })
    await assert.rejects(on.load(new Blob(['no archive'])), { code: 'Corrupt' })
    bytes[600] ^= 1
    await assert.rejects(on.load(bytes), { code: 'Corrupt' })
    await assert.rejects(on.load('a path'), { name: 'FirnDBError', code: 'InvalidInput' })
  })
}
