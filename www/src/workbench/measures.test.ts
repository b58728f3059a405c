import { expect, test } from 'vitest'
import { measureWithin } from './measures.js'

test.each([
  [20, 5, 40, 20],
  [2, 5, 40, 5],
  [50, 5, 40, 40],
  [20, 5, 3, 5],
  [20.123, 5, 40, 20.1],
])('%d within %d and %d is %d', (wanted, least, most, bounded) => expect(measureWithin(wanted, least, most)).toBe(bounded))
