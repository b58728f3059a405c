/** Names of tables and columns, from whatever a file calls them. */

import { DEFAULT_NAMESPACE, calledBy } from '../engine/names.js'

const MOST_BYTES = 255
const SYSTEM = ['_seq', '_deleted']

/** A name for the table of a file that is called `file`, which none of `taken` has, as {@link calledBy} says them. */
export function tableName(file: string, taken: ReadonlySet<string>): string {
  const stem = file.replace(/\.[^.]*$/, '').normalize('NFC').toLowerCase()
  const plain = stem.replace(/[^\p{L}\p{N}]+/gu, '_').replace(/^_+|_+$/g, '').slice(0, 60)
  const name = plain === '' ? 'imported' : /^\d/.test(plain) ? `t_${plain}` : plain
  return free(name, (each) => taken.has(calledBy({ namespace: DEFAULT_NAMESPACE, name: each })))
}

/** Names for columns: those that they have, but never none, never one twice, and none of the system's. */
export function columnNames(given: readonly string[]): string[] {
  const names: string[] = []
  for (const [at, each] of given.entries()) {
    const name = each.normalize('NFC').trim()
    const wanted = name === '' ? `column_${at + 1}` : SYSTEM.includes(name.toLowerCase()) ? name.replace(/^_/, '') : name
    const taken = new Set(names.map((other) => other.toLowerCase()))
    names.push(free(wanted, (other) => taken.has(other.toLowerCase())))
  }
  return names
}

/** What is wrong with a name, as far as that can be told without the engine. */
export function nameProblem(name: string): string | undefined {
  if (name.trim() === '') {
    return 'a name is missing'
  }
  if (new TextEncoder().encode(name).length > MOST_BYTES) {
    return `${name.slice(0, 30)}… is too long: a name has at most ${MOST_BYTES} bytes`
  }
  return SYSTEM.includes(name.toLowerCase()) ? `${name} is a column that every table has already` : undefined
}

function free(name: string, isTaken: (name: string) => boolean): string {
  for (let number = 1; ; number++) {
    const each = number === 1 ? name : `${name}_${number}`
    if (!isTaken(each)) {
      return each
    }
  }
}
