import assert from 'node:assert/strict'
import { test } from 'node:test'
import { same } from '../src/same.js'

test('values are the same by what is in them', () => {
  const make = () => [1n, 0.5, Number.NaN, 'a', null, undefined, new Date(7), Uint8Array.of(1, 2), { a: [{ b: 1 }] }]
  assert.ok(same(make(), make()))
  make().forEach((_, at) => {
    const other = make()
    other[at] = 'another'
    assert.ok(!same(make(), other), `value ${at}`)
  })
})

test('what only looks alike is not the same', () => {
  const pairs: [unknown, unknown][] = [
    [1, 1n],
    [1, '1'],
    [null, undefined],
    [0, -0],
    [[1], [1, 2]],
    [[], {}],
    [{ a: undefined }, { b: undefined }],
    [new Date(1), new Date(2)],
    [Uint8Array.of(1), [1]],
    [{ a: 1 }, { a: 1, b: 2 }],
  ]
  for (const [a, b] of pairs) {
    assert.ok(!same(a, b) && !same(b, a), `${String(a)} and ${String(b)}`)
  }
})
