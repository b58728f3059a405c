/** What the name of a store means in Node.js. */

import { fileURLToPath } from 'node:url'
import { FirnDBError } from './errors.js'
import { isMemory } from './protocol.js'

/** Where a store is. */
export type Location = { kind: 'memory' } | { kind: 'directory'; path: string }

/** Two letters at least: one is a drive of Windows. */
const SCHEME = /^[a-z][a-z0-9+.-]+:\/\//i

/** The place that `name` says: `memory://`, a `file:` URL, or the path of a directory. */
export function locate(name: unknown): Location {
  const text = name instanceof URL ? name.href : name
  if (typeof text !== 'string' || text === '') {
    throw expected(String(name))
  }
  if (isMemory(text)) {
    return { kind: 'memory' }
  }
  if (!/^file:/i.test(text)) {
    if (SCHEME.test(text)) {
      throw expected(text)
    }
    return { kind: 'directory', path: text }
  }
  try {
    return { kind: 'directory', path: fileURLToPath(text) }
  } catch (cause) {
    throw expected(text, cause)
  }
}

function expected(found: string, cause?: unknown): FirnDBError {
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  const forms = 'the path of a directory, a URL such as file:///data/notes, or memory://'
  const hint = SCHEME.test(found) && why === '' ? '; the cold tier alone can be elsewhere, by the option blobs' : ''
  return new FirnDBError('InvalidInput', `expected ${forms}, found "${found}"${why}${hint}`, { cause })
}
