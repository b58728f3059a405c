import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toAddonParams, withJson } from '../src/params.js'

test('each value has the property that says its type', () => {
  const bytes = new Uint8Array([1, 2])
  const values = [null, undefined, false, 0, -0, 2 ** 53 - 1, 2 ** 53, 0.5, Number.NaN, -(2n ** 63n), '☃', bytes, new Date(5)]
  const encoded = toAddonParams(values)
  assert.deepEqual(encoded, [
    {},
    {},
    { boolean: false },
    { integer: 0n },
    { double: -0 },
    { integer: 2n ** 53n - 1n },
    { double: 2 ** 53 },
    { double: 0.5 },
    { double: Number.NaN },
    { integer: -(2n ** 63n) },
    { text: '☃' },
    { bytes: Buffer.from([1, 2]) },
    { dateMs: 5 },
  ])
  bytes.fill(9)
  assert.deepEqual(encoded[11], { bytes: Buffer.from([1, 2]) })
})

test('arrays and plain objects become JSON, and nothing else does', () => {
  const at = new Date(5)
  const bytes = new Uint8Array([1])
  const nested = { a: [1, 2n ** 60n, null, undefined, 'q"'], b: undefined, c: { d: at }, e: Object.create(null) }
  assert.deepEqual(withJson([nested, [], {}, at, bytes, 1n, 'x', null, undefined]), [
    '{"a":[1,1152921504606846976,null,null,"q\\""],"c":{"d":"1970-01-01T00:00:00.005Z"},"e":{}}',
    '[]',
    '{}',
    at,
    bytes,
    1n,
    'x',
    null,
    undefined,
  ])
})

test('a hole in the array is NULL, and numbers of parameters go on after it', () => {
  assert.deepEqual(toAddonParams([, 1]), [{}, { integer: 1n }])
  assert.throws(() => toAddonParams([, /x/]), { code: 'InvalidInput', message: /^parameter \$2: .*found RegExp$/ })
})

test('only whole pairs of surrogates are text', () => {
  assert.deepEqual(toAddonParams(['\u{1f600}']), [{ text: '\u{1f600}' }])
  for (const text of ['\ud83d', '\ude00\ud83d', 'a\udc00']) {
    assert.throws(() => toAddonParams([text]), { code: 'InvalidInput', message: /^parameter \$1: the text holds half/ })
  }
})
