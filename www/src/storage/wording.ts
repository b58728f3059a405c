/** Numbers as text: counts, bytes, times. Units are not broken off their numbers. */

const COUNT = new Intl.NumberFormat('en')
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

/** `13,033`. */
export function count(n: number): string {
  return COUNT.format(n)
}

/** `13K`, where there is no room for more. */
export function shortCount(n: number): string {
  return n < 10_000 ? COUNT.format(n) : SHORT.format(n)
}

/** `1 row`, `13,033 rows`. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

/** `2.1 MB`, in powers of ten. */
export function bytes(n: number): string {
  if (n < 1000) {
    return `${n}\u00a0B`
  }
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = n / 1000
  let at = 0
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000
    at += 1
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)}\u00a0${units[at]}`
}

/** `1.25 ms`, `320 ms`, `1.2 s`. */
export function duration(ms: number): string {
  if (ms < 0.01) {
    return ms > 0 ? '<\u00a00.01\u00a0ms' : '0\u00a0ms'
  }
  if (ms >= 1000) {
    return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)}\u00a0s`
  }
  return `${ms < 10 ? ms.toFixed(2) : Math.round(ms)}\u00a0ms`
}

/** `3 %` of a share between 0 and 1; what is little is not nothing. */
export function share(part: number): string {
  if (part > 0 && part < 0.01) {
    return '<\u00a01\u00a0%'
  }
  return `${part < 1 ? Math.min(99, Math.round(part * 100)) : 100}\u00a0%`
}

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
