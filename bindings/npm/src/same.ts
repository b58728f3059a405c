/** Whether two values are the same, by what is in them. */

/** Whether `a` and `b`, values of rows or of parameters, are the same. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) {
    return true
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return false
  }
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) {
    return false
  }
  if (a instanceof Date) {
    return Object.is(a.getTime(), (b as Date).getTime())
  }
  if (Array.isArray(a) || a instanceof Uint8Array) {
    return sameElements(a, b as ArrayLike<unknown>)
  }
  const [names, others] = [Object.keys(a), Object.keys(b)]
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>]
  return names.length === others.length && names.every((name) => Object.hasOwn(b, name) && same(left[name], right[name]))
}

function sameElements(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) {
    return false
  }
  for (let at = 0; at < a.length; at++) {
    if (!same(a[at], b[at])) {
      return false
    }
  }
  return true
}
