import { expect, test } from 'vitest'
import { isFor, ownerOf } from './owner.js'

test.each([
  ['shared', undefined],
  ['u-alice', 'alice'],
  ['u-x-ray', 'x-ray'],
  // "Ann" and "é".
  ['x-85n6s', 'Ann'],
  ['x-oekg', 'é'],
  ['x-????', 'x-????'],
])('%s', (scope, owner) => expect(ownerOf(scope)).toBe(owner))

test('a user has to do with its own scopes and with shared ones', () => {
  expect(['shared', 'u-alice', 'u-bob', 'x-85n6s'].filter((scope) => isFor('alice', scope))).toEqual(['shared', 'u-alice'])
  expect(isFor('Ann', 'x-85n6s')).toBe(true)
})
