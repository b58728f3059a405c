import assert from 'node:assert/strict'
import { test } from 'node:test'
import { locate } from '../src/location.js'

test('a name is a directory, unless it says otherwise', { skip: process.platform === 'win32' }, () => {
  const directories: [string | URL, string][] = [
    ['notes', 'notes'],
    ['./a b', './a b'],
    ['file:///data/a%20b', '/data/a b'],
    ['FILE:///data', '/data'],
    [new URL('file:///data/'), '/data/'],
    ['c://x', 'c://x'],
  ]
  for (const [name, path] of directories) {
    assert.deepEqual(locate(name), { kind: 'directory', path })
  }
  assert.deepEqual(locate('memory://'), { kind: 'memory' })
  for (const name of ['', 'https://example.org/x', 's3://bucket', 'file://host/x', new URL('https://example.org'), 7, null]) {
    assert.throws(() => locate(name), { code: 'InvalidInput', message: /^expected the path of a directory/ })
  }
})
