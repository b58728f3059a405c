/** What the worker does to its files between statements: merging them, removing old ones, and making what is lost again. */

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { beginToWrite, filesOf } from '../harness/files.js'
import { stage } from '../harness/stage.js'
import { newTab, open, openIn, query, rows } from '../harness/tab.js'

const on = stage()

/** Files go as soon as no reader of the engine needs them. */
const HASTE = { 'compaction.grace_ms': 0, 'compaction.kept_manifests': 1, 'compaction.sweep_numbers': 8 }
const ROUNDS = 24
const ROWS = 500
const TRIES = 10

const batches = async (tab, name) => (await filesOf(tab, name)).filter((path) => path.endsWith('.parquet'))

/** Waits until `condition` holds. */
async function until(condition, what) {
  for (let tries = 0; !(await condition()); tries++) {
    assert.ok(tries < 300, what)
    await sleep(100)
  }
}

/** Rounds of writes with a flush each: rows, a change of some, a deletion of others. */
async function fill(tab, rounds = ROUNDS) {
  await query(tab, 'CREATE TABLE t (id BIGINT PRIMARY KEY, round BIGINT, v TEXT)')
  for (let round = 0; round < rounds; round++) {
    const first = round * ROWS
    await tab.evaluate(
      (script) => globalThis.db.exec(script),
      `INSERT INTO t SELECT value, ${round}, repeat('x', 100) FROM range(${first}, ${first + ROWS});
       UPDATE t SET v = 'changed in ${round}' WHERE id % 50 = ${round};
       DELETE FROM t WHERE id % 50 = ${round} AND id < ${first};
       STORAGE FLUSH TABLE t`,
    )
  }
}

/** What `fill` leaves, computed here. */
function expected(rounds = ROUNDS) {
  const left = new Map()
  for (let round = 0; round < rounds; round++) {
    for (let id = round * ROWS; id < (round + 1) * ROWS; id++) {
      left.set(id, round)
    }
    for (const id of left.keys()) {
      if (id % 50 === round && id < round * ROWS) {
        left.delete(id)
      }
    }
  }
  let sum = 0
  for (const [id, round] of left) {
    sum += id * 31 + round
  }
  return [{ n: BigInt(left.size), sum: BigInt(sum) }]
}

const summed = (tab) => rows(tab, 'SELECT count(*) AS n, sum(id * 31 + round) AS sum FROM t')

test('files are merged between statements, and old ones removed', { timeout: 240_000 }, async (t) => {
  const tab = await open(on.browser, on.server, 'merged', { settings: HASTE })
  await fill(tab)
  // Three of each size, at most: what nobody asked for was done.
  await until(async () => (await batches(tab, 'merged')).length <= 6, 'many batch files are left')
  t.diagnostic(`${ROUNDS} flushes left ${(await batches(tab, 'merged')).length} batch files`)
  assert.deepEqual(await summed(tab), expected())
  const [{ value: compactions }] = await rows(tab, "SELECT value FROM system.counters WHERE name = 'compactions'")
  // How many it took depends on how far the flushes were ahead.
  assert.ok(compactions >= 1n, 'no compaction is counted')
  assert.deepEqual(await rows(tab, 'STORAGE CHECK'), [])

  // By command, to the end.
  await query(tab, 'STORAGE COMPACT TABLE t')
  await until(async () => (await batches(tab, 'merged')).length === 1, 'more than one batch file is left')
  assert.deepEqual(await rows(tab, "SELECT status, dead_rows FROM system.batches WHERE table_name = 't'"), [
    { status: 'active', dead_rows: 0n },
  ])
  await tab.reload()
  await tab.waitForFunction(() => globalThis.FirnDB !== undefined)
  await openIn(tab, 'merged', { settings: HASTE })
  assert.deepEqual(await summed(tab), expected())
  assert.deepEqual(await rows(tab, 'STORAGE CHECK'), [])
  await tab.close()
})

test('statements are answered in the midst of a compaction', { timeout: 240_000 }, async (t) => {
  const settings = { ...HASTE, 'compaction.automatic': false }
  const tab = await open(on.browser, on.server, 'sliced', { settings })
  await fill(tab)
  const other = await newTab(on.browser, on.server)
  await openIn(other, 'sliced', { settings })
  await tab.evaluate(() => {
    globalThis.running = true
    globalThis.compacting = globalThis.db.query('STORAGE COMPACT TABLE t').finally(() => (globalThis.running = false))
  })
  let [answers, longest] = [0, 0]
  for (; await tab.evaluate(() => globalThis.running); answers++) {
    const start = performance.now()
    assert.deepEqual(await rows(other, 'SELECT round FROM t WHERE id = 7777'), [{ round: 15n }])
    longest = Math.max(longest, performance.now() - start)
  }
  await tab.evaluate(() => globalThis.compacting)
  t.diagnostic(`${answers} answers, the longest after ${longest.toFixed(0)} ms`)
  assert.ok(answers >= 3, `${answers} answers`)
  assert.deepEqual(await summed(other), expected())
  await other.close()
  await tab.close()
})

test('a stream outlives a compaction of what it reads', { timeout: 240_000 }, async () => {
  const tab = await open(on.browser, on.server, 'streamed', {
    settings: { ...HASTE, 'compaction.automatic': false },
  })
  await fill(tab)
  const streamed = await tab.evaluate(async () => {
    const { db } = globalThis
    let [n, sum, compacted] = [0, 0, false]
    for await (const rows of db.stream('SELECT id, round FROM t')) {
      if (!compacted) {
        compacted = true
        await db.query('STORAGE COMPACT TABLE t')
      }
      for (const { id, round } of rows) {
        n += 1
        sum += Number(id) * 31 + Number(round)
      }
    }
    return [{ n: BigInt(n), sum: BigInt(sum) }]
  })
  assert.deepEqual(streamed, expected())
  // What it read goes after it.
  await query(tab, 'STORAGE COMPACT TABLE t')
  await until(async () => (await batches(tab, 'streamed')).length === 1, 'the files of the stream are left')
  await tab.close()
})

test('the browser is killed during a compaction', { timeout: 300_000 }, async (t) => {
  let met = false
  for (let tries = 0; !met; tries++) {
    assert.ok(tries < TRIES, `in ${TRIES} tries no compaction was cut short`)
    const name = `cut-${tries}`
    const settings = { ...HASTE, 'compaction.automatic': false }
    let tab = await open(on.browser, on.server, name, { settings })
    await fill(tab)
    const begun = await beginToWrite(tab, name, 'STORAGE COMPACT TABLE t')
    await on.browser.kill()
    tab = await open(await on.restart(), on.server, name, { settings })
    assert.deepEqual(await summed(tab), expected())
    assert.deepEqual(await rows(tab, 'STORAGE CHECK'), [])
    const [{ merged }] = await rows(tab, "SELECT count(*) AS merged FROM system.batches WHERE status = 'archived'")
    met = begun.length > 0 && merged === 0n
    t.diagnostic(`${begun.join(', ')} was begun; ${merged} files had been replaced`)
    // What it left is taken back, and the work done.
    await query(tab, 'STORAGE COMPACT TABLE t')
    await until(async () => (await batches(tab, name)).length === 1, 'files of the compaction that was cut short are left')
    assert.deepEqual(await summed(tab), expected())
    await tab.close()
  }
})

/** Removes files of a store that is not open. */
function remove(tab, name, pattern) {
  return tab.evaluate(
    async ([name, pattern]) => {
      let removed = 0
      const walk = async (directory) => {
        for await (const [part, handle] of directory.entries()) {
          if (handle.kind === 'directory') {
            await walk(handle)
          } else if (new RegExp(pattern).test(part)) {
            await directory.removeEntry(part)
            removed += 1
          }
        }
      }
      const all = await (await navigator.storage.getDirectory()).getDirectoryHandle('firndb')
      await walk(await all.getDirectoryHandle(name))
      return removed
    },
    [name, pattern],
  )
}

/** So long the names of files are in doubt after a flush; a later opening then takes them for certain. */
const SETTLED_MS = 61_000

test('a manifest that is lost is made again, or its rows are hot again', { timeout: 240_000 }, async (t) => {
  const settings = { 'manifest_cache.max_entries': 0, 'compaction.automatic': false }
  const close = () => tab.evaluate(() => globalThis.db.close())
  const tab = await open(on.browser, on.server, 'lost', { settings })
  await fill(tab, 3)
  await close()
  for (const settled of [true, false]) {
    if (settled) {
      await sleep(SETTLED_MS)
      await openIn(tab, 'lost', { settings })
      assert.deepEqual(await summed(tab), expected(3))
      await close()
    }
    assert.ok((await remove(tab, 'lost', '^manifest')) > 0)
    await openIn(tab, 'lost', { settings })
    assert.deepEqual(await summed(tab), expected(3), `settled ${settled}`)
    const states = () => rows(tab, "SELECT state FROM system.manifests WHERE table_name = 't'")
    if (settled) {
      await until(async () => (await states())[0]?.state === 'rebuilt', 'the manifest was not made again')
    } else {
      t.diagnostic(`before the names were certain: ${JSON.stringify(await states())}`)
    }
    await query(tab, "INSERT INTO t VALUES (1000000, 0, 'more')")
    await query(tab, 'STORAGE FLUSH TABLE t')
    await query(tab, 'DELETE FROM t WHERE id = 1000000')
    await query(tab, 'STORAGE FLUSH TABLE t')
    assert.deepEqual(await summed(tab), expected(3), `settled ${settled}, gone on with`)
    assert.deepEqual(await rows(tab, 'STORAGE CHECK'), [])
    await close()
  }
  await tab.close()
})

test('jobs are seen and outlive a tab', async () => {
  const tab = await open(on.browser, on.server, 'jobs')
  await fill(tab, 2)
  await query(tab, 'STORAGE COMPACT TABLE t')
  const jobs = () => rows(tab, "SELECT type, state, progress FROM system.jobs WHERE type = 'compact'")
  assert.deepEqual(await jobs(), [{ type: 'compact', state: 'done', progress: 1 }])
  await tab.reload()
  await tab.waitForFunction(() => globalThis.FirnDB !== undefined)
  await openIn(tab, 'jobs')
  assert.deepEqual(await jobs(), [{ type: 'compact', state: 'done', progress: 1 }])
  const fresh = await newTab(on.browser, on.server)
  await openIn(fresh, 'jobs')
  await assert.rejects(query(fresh, 'KILL JOB 1'), { code: 'InvalidInput' })
  await fresh.close()
  await tab.close()
})
