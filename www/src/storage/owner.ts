/** Whose a scope is, by the name of its directory: `shared`, `u-` and a plain id, or `x-` and any id in base32hex. */

const DIGITS = '0123456789abcdefghijklmnopqrstuv'

/** The user; `undefined` where all share the scope. Of an id over 64 bytes there is only a hash, which stays as it is. */
export function ownerOf(scope: string): string | undefined {
  if (scope === 'shared') {
    return undefined
  }
  return scope.startsWith('u-') ? scope.slice(2) : scope.startsWith('x-') ? (decoded(scope.slice(2)) ?? scope) : scope
}

/** Whether whoever works as `user` has to do with the scope. */
export function isFor(user: string, scope: string): boolean {
  const owner = ownerOf(scope)
  return owner === undefined || owner === user
}

function decoded(text: string): string | undefined {
  const bytes: number[] = []
  let bits = 0
  let value = 0
  for (const digit of text) {
    const found = DIGITS.indexOf(digit)
    if (found < 0) {
      return undefined
    }
    value = ((value << 5) | found) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((value >> bits) & 0xff)
    }
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes))
  } catch {
    return undefined
  }
}
