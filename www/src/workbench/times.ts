/** Times of the past, for people. */

/** The time of day of `at`, with the date where that is not the one of `now`, and the year where it is another. */
export function timeOf(at: Date, now: Date): string {
  const time = at.toLocaleTimeString('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
  if (at.toDateString() === now.toDateString()) {
    return time
  }
  const year = at.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' as const }
  return `${at.toLocaleDateString('en', { month: 'short', day: 'numeric', ...year })}, ${time}`
}
