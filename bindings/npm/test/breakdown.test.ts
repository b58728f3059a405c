import assert from 'node:assert/strict'
import { test } from 'node:test'
import { breakdownOf, isTrap } from '../src/breakdown.js'

const THROWN: [unknown, string, RegExp][] = [
  [new WebAssembly.RuntimeError('unreachable'), 'LimitExceeded', /memory of WebAssembly was used up/],
  [new RangeError('WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory'), 'LimitExceeded', /used up/],
  [new RangeError('Array buffer allocation failed'), 'LimitExceeded', /used up/],
  [new WebAssembly.RuntimeError('Unreachable code should not be executed'), 'LimitExceeded', /used up/],
  [new WebAssembly.RuntimeError('memory access out of bounds'), 'Internal', /^RuntimeError: memory access out of bounds$/],
  [new RangeError('Maximum call stack size exceeded'), 'Internal', /^RangeError: Maximum call stack size exceeded$/],
  [new Error('the sky fell'), 'Internal', /^Error: the sky fell$/],
  ['text', 'Internal', /text/],
]

for (const [thrown, code, message] of THROWN) {
  test(`${String(thrown)} is ${code}`, () => {
    const found = breakdownOf(thrown)
    assert.equal(found.code, code)
    assert.match(found.message, message)
  })
}

test('an error of the engine is no trap', () => {
  assert.ok(isTrap(new WebAssembly.RuntimeError('unreachable')))
  assert.ok(!isTrap(Object.assign(new Error('no such table'), { code: 'NotFound' })))
})
