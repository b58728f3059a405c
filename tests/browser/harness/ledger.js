/** Writers in tabs, and what they were told, kept by the test's own process. */

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

/** How many rows each write has. */
const ROWS = 3

/** Makes the table of the writers. */
export const TABLE = 'CREATE TABLE IF NOT EXISTS ledger (id BIGINT PRIMARY KEY, write BIGINT NOT NULL)'

/** What was acknowledged, and of what the outcome is not known. */
export class Ledger {
  acknowledged = new Set()
  unknown = new Set()
  /** Told that nothing of it took effect. */
  refused = new Set()
  #next = 0
  #stopped = false

  /**
   * Writes in `tab` until {@link stop}, or the tab is gone: {@link ROWS} rows at a time, by one statement and by a
   * transaction in turn.
   */
  async write(tab) {
    while (!this.#stopped && !tab.isClosed()) {
      const write = this.#next++
      const code = await tab.evaluate(insert, [write, ROWS, write % 2 === 0]).catch(() => 'gone')
      const outcome = code === 'ok' ? 'acknowledged' : code === 'Conflict' ? 'refused' : 'unknown'
      this[outcome].add(write)
      if (code === 'gone') {
        return
      }
      assert.ok(['ok', 'Conflict', 'Unavailable'].includes(code), `write ${write} ended with ${code}`)
    }
  }

  stop() {
    this.#stopped = true
  }

  /** Waits until so many more writes are acknowledged. */
  async more(count) {
    const goal = this.acknowledged.size + count
    for (let tries = 0; this.acknowledged.size < goal; tries++) {
      assert.ok(tries < 3_000, `waited for ${goal} acknowledged writes, there are ${this.acknowledged.size}`)
      await sleep(10)
    }
  }

  /** Compares with what is in the table: all that was acknowledged, nothing in part, nothing twice. */
  compare(rows) {
    const found = new Map()
    const ids = new Set()
    for (const { id, write } of rows) {
      assert.ok(!ids.has(id), `row ${id} is there twice`)
      ids.add(id)
      found.set(Number(write), (found.get(Number(write)) ?? 0) + 1)
    }
    for (const [write, count] of found) {
      assert.equal(count, ROWS, `write ${write} is there in part`)
      assert.ok(this.acknowledged.has(write) || this.unknown.has(write), `write ${write} was refused, and is there`)
    }
    const lost = [...this.acknowledged].filter((write) => !found.has(write))
    assert.deepEqual(lost, [], 'acknowledged writes that are not there')
  }
}

/** Runs in the page. */
async function insert([write, rows, inTransaction]) {
  const { db } = globalThis
  const ids = Array.from({ length: rows }, (_, row) => write * rows + row)
  try {
    if (inTransaction) {
      await db.transaction(async (tx) => {
        for (const id of ids) {
          await tx.query('INSERT INTO ledger VALUES ($1, $2)', [id, write])
        }
      })
    } else {
      const values = ids.map((id) => `(${id}, ${write})`)
      await db.exec(`INSERT INTO ledger VALUES ${values.join(', ')}`)
    }
    return 'ok'
  } catch (error) {
    return error.code ?? String(error)
  }
}
