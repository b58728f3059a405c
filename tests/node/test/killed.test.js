/** A process that is killed while it writes. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { FirnDB } from '../../../bindings/npm/dist/node.js'
import { freshDirectory } from '../harness/directory.js'
import { Ledger } from '../harness/ledger.js'
import { firndb, start } from '../harness/process.js'

/** After how many acknowledged writes each process is killed: some of them in the middle of a flush. */
const WRITES = [7, 40, 61, 25]

test('every acknowledged write is there after SIGKILL, and none in part', { timeout: 120_000 }, async () => {
  const { path, remove } = await freshDirectory()
  const ledger = new Ledger()
  try {
    for (const writes of WRITES) {
      const goal = ledger.acknowledged.size + writes
      const writer = start('writer.js', path, String(ledger.begun.size))
      writer.lines.on('line', (line) => ledger.take(line))
      while (ledger.acknowledged.size < goal) {
        await Promise.race([once(writer.lines, 'line'), once(writer.lines, 'close').then(() => assert.fail('it ended'))])
      }
      await writer.kill()

      const db = await FirnDB.open(path)
      const { rows } = await db.query('SELECT id, write FROM ledger')
      assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length, 'a row is there twice')
      ledger.compare(rows)
      assert.deepEqual((await db.query('STORAGE CHECK')).rows, [])
      await db.close()
    }
    await firndb('check', path)
  } finally {
    await remove()
  }
})
