/** What a statement came to, in a line. */

import type { Outcome } from '../engine/run.js'
import { counted, duration } from '../style/numbers.js'

/** The outcome in words, without how long it took. */
export function headline(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'rows': {
      const { length } = outcome.rows
      return outcome.truncated ? `First ${counted(length, 'row')}, there are more` : counted(length, 'row')
    }
    case 'affected':
      return outcome.affected > 0 || writesRows(outcome.sql)
        ? `${counted(outcome.affected, 'row')} affected`
        : 'Done'
    case 'failed':
      return 'Failed'
    case 'cancelled':
      return 'Cancelled'
  }
}

/** The outcome in words. */
export function sentence(outcome: Outcome): string {
  return outcome.kind === 'cancelled'
    ? `${headline(outcome)} after ${duration(outcome.ms)}`
    : `${headline(outcome)}, ${duration(outcome.ms)}`
}

/** The lines of an error's message, without the hint, which is shown by itself. */
export function messageOf(message: string, hint: string | undefined): string {
  if (hint === undefined) {
    return message
  }
  const end = message.lastIndexOf(`\nhint: ${hint}`)
  return end < 0 ? message : message.slice(0, end)
}

/** What the rows of `sql` are called, for a screen reader. */
export function labelOf(sql: string, length: number): string {
  const line = sql.replace(/\s+/g, ' ').trim()
  return `${counted(length, 'row')} of ${line.length > 80 ? `${line.slice(0, 80)}…` : line}`
}

/** Whether `sql` is of those statements that say how many rows they changed, also where those are none. */
function writesRows(sql: string): boolean {
  const bare = sql.replace(/^(\s|--[^\n]*(\n|$)|\/\*[^]*?\*\/)+/, '')
  return /^(INSERT|UPDATE|DELETE|MERGE|COPY|WITH)\b/i.test(bare)
}
