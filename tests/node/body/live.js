/** Queries that stay, and changes as they come. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

/** Far more than anything takes here. */
const PATIENCE_MS = 20_000

/** Waits until `holds`. */
async function until(holds, what) {
  const end = Date.now() + PATIENCE_MS
  while (!holds()) {
    assert.ok(Date.now() < end, `${what} did not come`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export function live(on) {
  test('a live query calls back with all rows whenever they are others', { timeout: 60_000 }, async () => {
    const { db } = on
    await db.exec(`
      CREATE TABLE board (id BIGINT PRIMARY KEY, body TEXT, tags JSON);
      INSERT INTO board VALUES (1, 'one', '{"a": 1}'), (20, 'not shown', NULL)`)
    const told = []
    const { initialRows, unsubscribe } = await db.live.query(
      'SELECT id, body, tags FROM board WHERE id < $1 ORDER BY id',
      [10],
      (rows) => told.push(rows),
    )
    const one = { id: 1n, body: 'one', tags: { a: 1 } }
    assert.deepEqual(initialRows, [one])
    // Each is waited for, since states in between are passed over.
    const expecting = async (work, rows) => {
      const calls = told.length
      await work()
      await until(() => told.length > calls, JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)))
      assert.deepEqual(told.at(-1), rows)
      assert.equal(told.length, calls + 1)
    }
    const two = { id: 2n, body: 'two', tags: null }
    await expecting(() => db.query("INSERT INTO board VALUES (2, 'two', NULL)"), [one, two])
    // None of these changes what is shown.
    await db.query("UPDATE board SET body = 'still not' WHERE id = 20")
    await db.query('UPDATE board SET body = body')
    await db.flush('board')
    const rolledBack = db.transaction(async (tx) => {
      await tx.query('DELETE FROM board')
      throw new Error('never mind')
    })
    await assert.rejects(rolledBack, /never mind/)
    await expecting(
      () =>
        db.transaction(async (tx) => {
          await tx.query('DELETE FROM board WHERE id = 1')
          await tx.query("UPDATE board SET body = 'TWO' WHERE id = 2")
        }),
      [{ ...two, body: 'TWO' }],
    )
    await expecting(() => db.query('DELETE FROM board'), [])
    unsubscribe()
    const calls = told.length
    await db.query("INSERT INTO board VALUES (3, 'three', NULL)")
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(told.length, calls)
  })

  test('live queries that wait hold up nobody, and end at once', { timeout: 60_000 }, async () => {
    const { db } = on
    await db.query('CREATE TABLE many_live (id BIGINT PRIMARY KEY)')
    let calls = 0
    const asked = Array.from({ length: 40 }, () => db.live.query('SELECT id FROM many_live', [], () => (calls += 1)))
    const lives = await Promise.all(asked)
    const since = performance.now()
    await db.query('INSERT INTO many_live VALUES (1)')
    await db.transaction((tx) => tx.query('SELECT count(*) FROM many_live'))
    assert.ok(performance.now() - since < PATIENCE_MS)
    await until(() => calls === lives.length, 'a call of each')
    for (const { unsubscribe } of lives) {
      unsubscribe()
    }
    await db.query('INSERT INTO many_live VALUES (2)')
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.equal(calls, lives.length)
  })

  test('what is wrong with a live query is said at once, what ends it later to onError', { timeout: 60_000 }, async () => {
    const { db } = on
    await assert.rejects(db.live.query('SELECT * FROM nowhere'), { name: 'FirnDBError', code: 'NotFound' })
    await assert.rejects(db.live.query('CREATE TABLE t (id BIGINT PRIMARY KEY)'), { code: 'InvalidInput' })
    await db.query('CREATE TABLE short_lived (id BIGINT PRIMARY KEY)')
    const errors = []
    const onError = (error) => errors.push(error)
    let calls = 0
    await db.live.query('SELECT * FROM short_lived', [], () => (calls += 1), { onError })
    await db.query('DROP TABLE short_lived')
    await until(() => errors.length === 1, 'the end')
    assert.equal(errors[0].code, 'NotFound')
    assert.equal(calls, 0)
  })

  test('a live query in the name of a user shows that one alone', { timeout: 60_000 }, async () => {
    const { db } = on
    await db.exec(`
      CREATE USER ann; CREATE USER ben;
      CREATE USER TABLE inbox (id BIGINT PRIMARY KEY)`)
    const [ann, ben] = [db.as('ann'), db.as('ben')]
    const told = { ann: [], ben: [] }
    const sql = 'SELECT id, CURRENT_USER() AS me FROM inbox'
    const lives = [
      await ann.live.query(sql, [], (rows) => told.ann.push(rows)),
      await ben.live.query(sql, [], (rows) => told.ben.push(rows)),
    ]
    await ann.query('INSERT INTO inbox VALUES (1)')
    await until(() => told.ann.length === 1, 'the row of ann')
    await ben.query('INSERT INTO inbox VALUES (2)')
    await until(() => told.ben.length === 1, 'the row of ben')
    assert.deepEqual(told, { ann: [[{ id: 1n, me: 'ann' }]], ben: [[{ id: 2n, me: 'ben' }]] })
    for (const { unsubscribe } of lives) {
      unsubscribe()
    }
    const changes = ben.changes('inbox')
    assert.deepEqual((await changes.next()).value.row, { id: 2n })
    await changes.return()
  })

  test('changes come from the beginning, as they are made, and from where one was', { timeout: 60_000 }, async () => {
    const { db } = on
    await db.exec(`
      CREATE NAMESPACE feed;
      CREATE TABLE feed.news (id BIGINT PRIMARY KEY, body TEXT);
      INSERT INTO feed.news VALUES (1, 'one'), (2, 'two')`)
    await db.flush('feed.news')
    const seen = []
    for await (const change of db.changes('feed.news')) {
      seen.push(change)
      if (seen.length === 2) {
        await db.query("UPDATE feed.news SET body = 'ONE' WHERE id = 1")
      } else if (seen.length === 3) {
        await db.query('DELETE FROM feed.news WHERE id = 2')
      } else if (seen.length === 4) {
        break
      }
    }
    assert.deepEqual(
      seen.map(({ row, deleted }) => [row, deleted]),
      [
        [{ id: 1n, body: 'one' }, false],
        [{ id: 2n, body: 'two' }, false],
        [{ id: 1n, body: 'ONE' }, false],
        [{ id: 2n, body: null }, true],
      ],
    )
    const seqs = seen.map(({ seq }) => seq)
    assert.deepEqual(seqs, seqs.toSorted((a, b) => (a < b ? -1 : 1)))
    assert.equal(new Set(seqs).size, 4)
    await db.query('USE feed')
    const later = db.changes('news', { since: seqs[2] })
    assert.deepEqual((await later.next()).value, seen[3])
    await db.query('USE main')
    const next = later.next()
    await db.query("INSERT INTO feed.news VALUES (3, 'three')")
    assert.deepEqual((await next).value.row, { id: 3n, body: 'three' })
    await later.return()
  })

  test('waiting for changes ends by a signal, and by an error', { timeout: 60_000 }, async () => {
    const { db } = on
    await assert.rejects(db.changes('nowhere').next(), { name: 'FirnDBError', code: 'NotFound' })
    await db.query('CREATE TABLE quiet (id BIGINT PRIMARY KEY)')
    const controller = new AbortController()
    const waiting = db.changes('quiet', { signal: controller.signal }).next()
    const other = assert.rejects(db.changes('quiet').next(), { code: 'NotFound' })
    await new Promise((resolve) => setTimeout(resolve, 50))
    controller.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
    await db.query('DROP TABLE quiet')
    await other
  })

  test('where deletions are not known any more it says to read everything again', { timeout: 60_000 }, async () => {
    const settings = { 'feed.deleted_retention_hours': 0, 'feed.expiry_interval_seconds': 1 }
    const db = await on.open({ settings })
    await db.exec('CREATE TABLE forgetful (id BIGINT PRIMARY KEY); INSERT INTO forgetful VALUES (1), (2)')
    const first = async (since) => {
      const changes = db.changes('forgetful', { since })
      try {
        return (await changes.next()).value
      } finally {
        await changes.return()
      }
    }
    const { seq } = await first(0n)
    await db.query('DELETE FROM forgetful WHERE id = 1')
    await db.flush('forgetful')
    let refusal
    const end = Date.now() + PATIENCE_MS
    while (!refusal) {
      assert.ok(Date.now() < end, 'it is still known')
      await first(seq).catch((error) => (refusal = error))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    assert.equal(refusal.name, 'FirnDBError')
    assert.equal(refusal.code, 'InvalidInput')
    assert.deepEqual((await first(0n)).row, { id: 2n })
    await db.close()
  })

  test('closing ends what stays, and waits for none of it', { timeout: 60_000 }, async () => {
    const db = await on.open()
    await db.query('CREATE TABLE last (id BIGINT PRIMARY KEY)')
    const errors = []
    let calls = 0
    await db.live.query('SELECT * FROM last', [], () => (calls += 1), { onError: (error) => errors.push(error) })
    const waiting = db.changes('last').next()
    await new Promise((resolve) => setTimeout(resolve, 50))
    await db.close()
    assert.deepEqual(await waiting, { done: true, value: undefined })
    assert.deepEqual([errors, calls], [[], 0])
    await assert.rejects(db.live.query('SELECT 1'), { code: 'Unavailable' })
  })
}
