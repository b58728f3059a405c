/** The limits of one statement at their edge and one step past it: what fits is answered, what does not is refused. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

const REFUSED = { name: 'FirnDBError', code: 'LimitExceeded' }

/** Levels of parentheses and the like that every statement may have: the parser stops sooner than `levels` of chains. */
const LEAST_NESTED = 20
/** More than any engine answers. */
const MOST_NESTED = 300

/** Two rows. */
const TWO = 'generate_series(1, 2) two(a)'

const nested = (times, open, inner, close) => open.repeat(times) + inner + close.repeat(times)
const chained = (times, each, sign) => Array(times + 1).fill(each).join(sign)

/** Statements that nest `n` deep in ways of their own. */
const NESTED = {
  parentheses: (n) => `SELECT ${nested(n, '(', 'a', ')')} FROM ${TWO}`,
  signs: (n) => `SELECT ${nested(n, '- ', 'a', '')} FROM ${TWO}`,
  calls: (n) => `SELECT ${nested(n, 'abs(', 'a', ')')} FROM ${TWO}`,
  casts: (n) => `SELECT ${nested(n, 'CAST(', 'a', ' AS BIGINT)')} FROM ${TWO}`,
  subqueries: (n) => nested(n, 'SELECT * FROM (', `SELECT a FROM ${TWO}`, ') x'),
}

/** Lists behind IN of up to `most` items, with `items` in all. */
function lists(items, most) {
  const sizes = Array.from({ length: Math.ceil(items / most) }, (_, at) => Math.min(most, items - at * most))
  return `SELECT a FROM ${TWO} WHERE ${sizes.map((size) => `a IN (${Array(size).fill(1)})`).join(' OR ')}`
}

/** A statement of so many bytes. */
function textOf(bytes) {
  const [before, after] = ["SELECT length('", "') > 0 AS yes"]
  return `${before}${'x'.repeat(bytes - before.length - after.length)}${after}`
}

export function edges(on) {
  /** `fits` is answered, `over` refused, and the database goes on. */
  async function between(db, fits, over) {
    const { rows } = await db.query(fits)
    await assert.rejects(db.query(over), REFUSED)
    assert.deepEqual((await db.query('SELECT 1 AS one')).rows, [{ one: 1n }])
    return rows
  }

  test('rows of a result', async (t) => {
    for (const resultRows of [0, 1, 1_000]) {
      const db = await on.open({ limits: { resultRows } })
      t.after(() => db.close())
      const series = (n) => `SELECT * FROM generate_series(1, ${n})`
      await assert.rejects(db.query(series(resultRows + 1)), REFUSED)
      assert.equal((await db.query(series(resultRows))).rows.length, resultRows)
      let streamed = 0
      for await (const rows of db.stream(series(resultRows + 1))) {
        streamed += rows.length
      }
      assert.equal(streamed, resultRows + 1)
    }
  })

  test('bytes of a result', async (t) => {
    const db = await on.open({ limits: { resultBytes: 1_000_000 } })
    t.after(() => db.close())
    const series = (n) => `SELECT * FROM generate_series(1, ${n})`
    assert.equal((await between(db, series(125_000), series(125_001))).length, 125_000)
    // Where a text begins and where it ends take four bytes each.
    const text = (n) => `SELECT repeat('x', ${n}) AS x`
    assert.equal((await between(db, text(999_992), text(999_993)))[0].x.length, 999_992)
  })

  test('bytes of memory', { timeout: 60_000 }, async (t) => {
    const db = await on.open({ limits: { memoryBytes: 1_000_000 } })
    t.after(() => db.close())
    const series = (n) => `generate_series(1, ${n})`
    const joined = (n) => `SELECT count(*) AS n FROM ${series(n)} a(v) JOIN ${series(n)} b(v) ON a.v = b.v`
    // Where threads share the memory, what is too much is not the same each time.
    const [fits, over] = on.isWasm ? await edgeOf(db, joined, 1_000, 100_000) : [1_000, 100_000]
    assert.deepEqual(await between(db, joined(fits), joined(over)), [{ n: BigInt(fits) }])
  })

  test('items behind IN', async () => {
    assert.equal((await between(on.db, lists(50_000, 50_000), lists(50_001, 50_001))).length, 1)
  })

  test('words and signs of a statement', { timeout: 120_000 }, async () => {
    // Each item has a sign with it: in five lists, with what is around them, these are 499,999, and then 500,001.
    assert.equal((await between(on.db, lists(249_983, 50_000), lists(249_984, 50_000))).length, 1)
  })

  test('bytes of a text', { timeout: 60_000 }, async () => {
    assert.deepEqual(await between(on.db, textOf(16 << 20), textOf((16 << 20) + 1)), [{ yes: true }])
  })

  test('the number of a parameter', async () => {
    const statement = await on.db.prepare('SELECT $65535 AS last')
    assert.equal(statement.parameters, 65_535)
    assert.deepEqual((await statement.query(Array(65_535).fill(7))).rows, [{ last: 7n }])
    await assert.rejects(on.db.prepare('SELECT $65536'), REFUSED)
  })

  for (const [what, chain] of [
    ['AND', (n) => `SELECT a FROM ${TWO} WHERE ${chained(n, 'a = 1', ' AND ')}`],
    ['UNION ALL', (n) => chained(n, 'SELECT 1 AS a', ' UNION ALL ')],
  ]) {
    test(`levels of a chain of ${what}`, { timeout: 60_000 }, async () => {
      assert.ok((await between(on.db, chain(on.levels - 1), chain(on.levels))).length > 0)
    })
  }

  for (const [what, statement] of Object.entries(NESTED)) {
    test(`${what} that nest are answered up to a level, and refused from the next on`, { timeout: 60_000 }, async () => {
      const [fits, over] = await edgeOf(on.db, statement, LEAST_NESTED, MOST_NESTED)
      assert.equal((await between(on.db, statement(fits), statement(over))).length, 2)
    })
  }
}

/** Two sizes that follow each other, from `fits` on and up to `over`: that of a statement that is answered, and of one that is not. */
async function edgeOf(db, statement, fits, over) {
  while (over - fits > 1) {
    const size = (fits + over) >> 1
    const isAnswered = await db.query(statement(size)).then(
      () => true,
      (error) => {
        assert.equal(error.code, 'LimitExceeded', `${size}: ${error.message}`)
        return false
      },
    )
    ;[fits, over] = isAnswered ? [size, over] : [fits, size]
  }
  return [fits, over]
}
