/** Statements in a user's name, and sessions of users. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

/** Users, and a table in which each has its own rows. */
const SCRIPT = `
  CREATE USER alice; CREATE USER bob; CREATE USER desk ROLE service;
  CREATE USER TABLE letters (id BIGINT PRIMARY KEY, body TEXT);
  CREATE SHARED TABLE notices (id BIGINT PRIMARY KEY, body TEXT)`

const bodies = async (db) => (await db.query('SELECT body FROM letters ORDER BY id')).rows.map(({ body }) => body)

export function acting(on) {
  test('each user has its own rows, whichever way they are written and read', async () => {
    const { db } = on
    await db.exec(SCRIPT)
    const [alice, bob] = [db.as('alice'), db.as('bob')]
    await alice.sql`INSERT INTO letters VALUES (${1}, ${'to alice'})`
    const statement = await alice.prepare('INSERT INTO letters VALUES ($1, $2)')
    await statement.query([2, 'prepared'])
    await bob.exec(`INSERT INTO letters VALUES (1, 'to bob'); UPDATE letters SET body = 'to Bob'`)
    await bob.copyFrom('letters', '3,copied\n', { format: 'csv' })
    await alice.transaction(async (tx) => {
      await tx.query("INSERT INTO letters VALUES (3, 'in a transaction')")
      // Beside it others do theirs.
      assert.deepEqual(await bodies(db), [])
      assert.deepEqual(await bodies(bob), ['to Bob', 'copied'])
      assert.deepEqual(await bodies(tx), ['to alice', 'prepared', 'in a transaction'])
    })
    assert.deepEqual(await bodies(alice), ['to alice', 'prepared', 'in a transaction'])
    assert.deepEqual(await bodies(db), [])
    const streamed = []
    for await (const rows of bob.stream('SELECT id, CURRENT_USER() AS me FROM letters ORDER BY id')) {
      streamed.push(...rows)
    }
    assert.deepEqual(streamed, [{ id: 1n, me: 'bob' }, { id: 3n, me: 'bob' }])
    assert.equal(await new Response(bob.copyTo('SELECT id FROM letters ORDER BY id', { format: 'csv' })).text(), '1\n3\n')
    assert.deepEqual((await bob.query('SELECT count(*) AS n FROM notices')).rows, [{ n: 0n }])
  })

  test('what was done is in the audit log, by whom and for whom', async () => {
    const { rows } = await on.db.query(
      `SELECT DISTINCT actor, subject, outcome FROM system.audit_log WHERE outcome = 'written' ORDER BY subject`,
    )
    assert.deepEqual(rows, [
      { actor: 'root', subject: 'alice', outcome: 'written' },
      { actor: 'root', subject: 'bob', outcome: 'written' },
    ])
  })

  test('what fails, is refused or taken back leaves nothing to the next statement', async () => {
    const { db } = on
    const alice = db.as('alice')
    const controller = new AbortController()
    const long = alice.query('SELECT count(*) FROM range(100000000) a, range(100000) b', [], { signal: controller.signal })
    const me = async (of) => (await of.query('SELECT CURRENT_USER() AS me')).rows[0].me
    const all = [
      assert.rejects(alice.query('SELECT 1 / 0'), { code: 'InvalidInput' }),
      assert.rejects(alice.query('CREATE TABLE mine (id BIGINT PRIMARY KEY)'), { code: 'Unsupported' }),
      assert.rejects(alice.query('STORAGE FLUSH ALL'), { code: 'Unsupported' }),
      assert.rejects(alice.query('SELECT * FROM letters; SELECT 1'), { code: 'InvalidInput' }),
      assert.rejects(alice.query("EXECUTE AS USER 'bob' (SELECT 1)"), { code: 'Unsupported', message: /does not nest/ }),
      assert.rejects(alice.query("INSERT INTO notices VALUES (1, 'x')"), {
        code: 'PermissionDenied',
        message: /AS USER clause not supported for Shared tables/,
      }),
      assert.rejects(db.as('nobody').query('SELECT 1'), {
        code: 'PermissionDenied',
        message: /Invalid user_id for AS USER operation/,
      }),
      assert.rejects(db.as('').query('SELECT 1'), { code: 'PermissionDenied' }),
      assert.rejects(alice.transaction((tx) => tx.query('SELECT * FROM nowhere')), { code: 'NotFound' }),
    ]
    for (let round = 0; round < 5; round++) {
      assert.deepEqual(await Promise.all([me(db), me(alice), me(db.as('bob')), me(db)]), ['root', 'alice', 'bob', 'root'])
    }
    controller.abort()
    await assert.rejects(long, { name: 'AbortError' })
    await Promise.all(all)
    assert.equal(await me(db), 'root')
    await db.query('CREATE TABLE of_root (id BIGINT PRIMARY KEY)')
  })

  test('a store is opened as a user, with what the store lets it do', async () => {
    const archive = await on.db.dump()
    const alice = await on.load(archive, { user: 'alice' })
    assert.deepEqual(await bodies(alice), ['to alice', 'prepared', 'in a transaction'])
    await assert.rejects(alice.query('DROP TABLE letters'), { code: 'PermissionDenied' })
    await assert.rejects(alice.as('bob').query('SELECT 1'), {
      code: 'PermissionDenied',
      message: /AS USER requires service\/admin role/,
    })
    await alice.transaction(async (tx) => assert.equal((await bodies(tx)).length, 3))
    await alice.close()
    const desk = await on.load(archive, { user: 'desk' })
    assert.deepEqual(await bodies(desk.as('bob')), ['to Bob', 'copied'])
    assert.deepEqual(await bodies(desk), [])
    await desk.close()
    const lowered = await on.load(archive, { role: 'user' })
    await assert.rejects(lowered.query('DROP TABLE letters'), { code: 'PermissionDenied' })
    await lowered.close()
    // What the store says is not raised.
    const raised = await on.load(archive, { user: 'alice', role: 'system' })
    await assert.rejects(raised.query('DROP TABLE letters'), { code: 'PermissionDenied' })
    await raised.close()
    await assert.rejects(on.load(archive, { user: 'nobody' }), {
      name: 'FirnDBError',
      code: 'PermissionDenied',
      message: /there is no user nobody in this store/,
    })
    await assert.rejects(on.load(archive, { user: '' }), { code: 'PermissionDenied' })
    await assert.rejects(on.open({ user: 7 }), { code: 'InvalidInput' })
    await assert.rejects(on.open({ role: 'admin' }), { code: 'InvalidInput' })
  })
}
