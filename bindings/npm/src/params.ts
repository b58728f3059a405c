/**
 * Values of SQL parameters: what both engines take, and that as the addon takes it. WebAssembly reads JavaScript values
 * itself, by the same rules.
 */

import { FirnDBError } from './errors.js'
import type { Param } from './types.js'

/**
 * `params` with arrays and plain objects as JSON, which is how a parameter is given to a column of type JSON, and to one
 * that is an array.
 */
export function withJson(params: readonly Param[]): Param[] {
  return Array.from(params, (value) => (Array.isArray(value) || isPlain(value) ? json(value) : value))
}

/** Whether a value is an object without a class of its own. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) {
    return false
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** A value as JSON; a bigint is a number with all its digits. */
function json(value: unknown): string | undefined {
  if (typeof value === 'bigint') {
    return String(value)
  }
  if (Array.isArray(value)) {
    return `[${Array.from(value, (element) => json(element) ?? 'null').join(',')}]`
  }
  if (isPlain(value) && typeof value.toJSON !== 'function') {
    const members = Object.entries(value).map(([name, member]) => [name, json(member)] as const)
    const there = members.filter(([, member]) => member !== undefined)
    return `{${there.map(([name, member]) => `${JSON.stringify(name)}:${member}`).join(',')}}`
  }
  return JSON.stringify(value)
}

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
  throw noValue(number, value)
}

/** The refusal of the first of `params` that cannot be sent to another thread, by whatever `cause`: it is no value of SQL. */
export function unsendable(params: readonly unknown[], cause: unknown): FirnDBError {
  const at = params.findIndex((value) => {
    try {
      structuredClone(value)
      return false
    } catch {
      return true
    }
  })
  const why = cause instanceof Error ? cause.message : String(cause)
  return at < 0 ? new FirnDBError('InvalidInput', `what was asked cannot be sent to the engine: ${why}`) : noValue(at + 1, params[at])
}

const HALF_OF_A_PAIR = /\p{Surrogate}/u

function refused(number: number, why: string): FirnDBError {
  return new FirnDBError('InvalidInput', `parameter $${number}: ${why}`)
}

function noValue(number: number, value: unknown): FirnDBError {
  const expected = 'expected null, a boolean, number, bigint, string, Uint8Array or Date'
  return refused(number, `${expected}, found ${described(value)}`)
}

function described(value: unknown): string {
  if (Array.isArray(value)) {
    return 'an array'
  }
  return typeof value === 'object' && value instanceof Object ? value.constructor.name : typeof value
}
