import { FirnDBError } from 'firndb'
import { expect, test } from 'vitest'
import { adviceOf } from './advice.js'

test.each([
  [new FirnDBError('Locked', 'the store "playground" is open, here or in another tab'), /close the other tabs/],
  [new FirnDBError('Locked', 'another tab has the store open with another version of the package firndb'), /reload the older tab/],
  [new FirnDBError('Unsupported', 'this browser has no IndexedDB'), /https or localhost/],
])('%s', (failure, advice) => expect(adviceOf(failure)).toMatch(advice))

test('of other failures there is no more to say than they do', () => {
  expect(adviceOf(new FirnDBError('Corrupt', 'the archive is not whole'))).toBeUndefined()
  expect(adviceOf(new TypeError('x'))).toBeUndefined()
})
