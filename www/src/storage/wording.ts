/** Times and names as text. */

/** The time of day, in the user's own zone; with milliseconds if `exact`. */
export function clock(unixMs: number, exact = false): string {
  const at = new Date(unixMs)
  const two = (n: number) => String(n).padStart(2, '0')
  const text = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return exact ? `${text}.${String(at.getMilliseconds()).padStart(3, '0')}` : text
}

/** The day and the time of day, in the user's own zone. */
export function moment(unixMs: number): string {
  const at = new Date(unixMs)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(unixMs, true)}`
}

/** How a file is called: by its number, as in its path. */
export function fileName(number: number): string {
  return `batch-${number}`
}
