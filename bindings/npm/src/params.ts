/** Values of SQL parameters as the addon takes them. WebAssembly reads JavaScript values itself, by the same rules. */

import { FirnDBError } from './errors.js'

/** One value: the property that is there says its type; none is NULL. */
export interface AddonParam {
  boolean?: boolean
  /** A BIGINT. */
  integer?: bigint
  double?: number
  text?: string
  bytes?: Buffer
  /** A TIMESTAMP: milliseconds since 1970. */
  dateMs?: number
}

/**
 * The values of `params`, in order: the first is `$1`. What is in them is copied, so they may change afterwards.
 *
 * Throws `InvalidInput` naming the parameter that is no value of SQL.
 */
export function toAddonParams(params: readonly unknown[]): AddonParam[] {
  return Array.from(params, (value, at) => encode(value, at + 1))
}

function encode(value: unknown, number: number): AddonParam {
  switch (typeof value) {
    case 'undefined':
      return {}
    case 'boolean':
      return { boolean: value }
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? { integer: BigInt(value) } : { double: value }
    case 'bigint':
      if (BigInt.asIntN(64, value) !== value) {
        throw refused(number, `${value} does not fit the 64 bits of BIGINT`)
      }
      return { integer: value }
    case 'string':
      if (HALF_OF_A_PAIR.test(value)) {
        throw refused(number, 'the text holds half of a surrogate pair, so it is not Unicode')
      }
      return { text: value }
  }
  if (value === null) {
    return {}
  }
  if (value instanceof Uint8Array) {
    return { bytes: Buffer.from(value) }
  }
  if (value instanceof Date) {
    const dateMs = value.getTime()
    if (Number.isNaN(dateMs)) {
      throw refused(number, 'the Date is invalid')
    }
    return { dateMs }
  }
  const expected = 'expected null, a boolean, number, bigint, string, Uint8Array or Date'
  throw refused(number, `${expected}, found ${described(value)}`)
}

const HALF_OF_A_PAIR = /\p{Surrogate}/u

function refused(number: number, why: string): FirnDBError {
  return new FirnDBError('InvalidInput', `parameter $${number}: ${why}`)
}

function described(value: unknown): string {
  if (Array.isArray(value)) {
    return 'an array'
  }
  return typeof value === 'object' && value instanceof Object ? value.constructor.name : typeof value
}
