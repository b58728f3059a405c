/** An engine of WebAssembly that breaks down: its callers are told, and nobody else notices. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FirnDB } from '../../../bindings/npm/dist/node.js'
import { capped } from '../harness/capped.js'
import { startAfter } from '../harness/process.js'

const MIB = 1024 * 1024

/** More than there is, in values none of which is large, and less than `resultBytes`. */
const TOO_MUCH = "SELECT value, repeat('x', 8000) AS x FROM range(20000)"

test('memory that runs out ends the engine and not the process', { timeout: 60_000 }, async () => {
  const wasm = await WebAssembly.compile(await capped(96 * MIB))
  const [db, other] = await Promise.all([FirnDB.open('memory://', { addon: false, wasm }), FirnDB.open('memory://', { addon: false })])
  for (const each of [db, other]) {
    await each.exec('CREATE TABLE t (id BIGINT PRIMARY KEY); INSERT INTO t SELECT value FROM range(1000)')
  }
  const slow = db.query('SELECT count(*) FROM t a, t b, t c WHERE a.id + b.id + c.id = -1')
  const flying = [slow, db.query(TOO_MUCH), db.transaction((tx) => tx.query(TOO_MUCH))]
  const told = { name: 'FirnDBError', code: 'LimitExceeded', message: /memory of WebAssembly was used up/ }
  await Promise.all(flying.map((each) => assert.rejects(each, told)))
  const gone = { name: 'FirnDBError', code: 'Unavailable', message: /broke down, and the store in memory is gone/ }
  await assert.rejects(db.query('SELECT 1'), gone)
  await assert.rejects(db.transaction((tx) => tx.query('SELECT 1')), gone)
  await db.close()

  assert.deepEqual((await other.query('SELECT count(*) AS n FROM t')).rows, [{ n: 1000n }])
  assert.equal((await other.query(TOO_MUCH)).rows.length, 20_000)
  await other.close()
  const again = await FirnDB.open('memory://', { addon: false, wasm })
  assert.deepEqual((await again.query('SELECT 1 AS one')).rows, [{ one: 1n }])
  await again.close()
})

test('memory that does not do for a store is an error of open and load', { timeout: 60_000 }, async () => {
  const whole = await FirnDB.open('memory://', { addon: false })
  const archive = await whole.dump()
  await whole.close()
  const options = { addon: false, wasm: await WebAssembly.compile(await capped(0)) }
  const told = { name: 'FirnDBError', code: 'LimitExceeded', message: /memory of WebAssembly was used up/ }
  await assert.rejects(FirnDB.open('memory://', options), told)
  await assert.rejects(FirnDB.load('memory://', archive, options), told)
})

test('the message of a panic reaches the caller, and the process goes on', { timeout: 60_000 }, async () => {
  const child = startAfter('no-luck.js', 'panicking.js')
  const lines = []
  child.lines.on('line', (line) => lines.push(line))
  assert.equal(await child.end(), 0, `the process ended after ${lines.join(', ')}`)
  const [first, later] = lines.slice(0, 2).map((line) => JSON.parse(line))
  assert.equal(first.code, 'Internal')
  assert.match(first.message, /panicked at .*\.rs:\d+/)
  assert.equal(later.code, 'Unavailable')
  assert.ok(later.message.includes(first.message), later.message)
  assert.equal(lines[2], 'closed')
})
