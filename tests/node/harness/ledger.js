/** What a writer was told, kept by the test's own process. */

import assert from 'node:assert/strict'

/** How many rows each write has. */
export const ROWS = 3

/** Makes the table of the writers. */
export const TABLE = 'CREATE TABLE IF NOT EXISTS ledger (id BIGINT PRIMARY KEY, write BIGINT NOT NULL)'

/** What was begun, and what was acknowledged. */
export class Ledger {
  begun = new Set()
  acknowledged = new Set()

  /** Takes a line that a writer printed. */
  take(line) {
    const [what, write] = line.split(' ')
    assert.ok(what in this, line)
    this[what].add(Number(write))
  }

  /** Compares with the rows of the table: all that was acknowledged is there, nothing in part, nothing unasked. */
  compare(rows) {
    const found = new Map()
    for (const { write } of rows) {
      found.set(Number(write), (found.get(Number(write)) ?? 0) + 1)
    }
    for (const [write, count] of found) {
      assert.equal(count, ROWS, `write ${write} is there in part, or twice`)
      assert.ok(this.begun.has(write), `write ${write} is there and was never begun`)
    }
    const lost = [...this.acknowledged].filter((write) => !found.has(write))
    assert.deepEqual(lost, [], 'acknowledged writes that are not there')
  }
}
