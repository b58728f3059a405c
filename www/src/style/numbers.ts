/** Numbers as text: counts, bytes, shares, durations. Units are not broken off their numbers. */

// The page is in English, whatever the browser is.
const COUNT = new Intl.NumberFormat('en')
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

/** `13,033`. */
export function count(n: number | bigint): string {
  return COUNT.format(n)
}

/** `13K`, where there is no room for more. */
export function shortCount(n: number): string {
  return n < 10_000 ? COUNT.format(n) : SHORT.format(n)
}

/** `1 row`, `13,033 rows`. */
export function counted(n: number | bigint, one: string, many = `${one}s`): string {
  return `${count(n)} ${Number(n) === 1 ? one : many}`
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** `999 B`, `2.1 MB`, in powers of ten. */
export function bytes(n: number): string {
  let size = n
  let unit = 0
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1000
    unit += 1
  }
  return `${unit === 0 ? n : size < 9.95 ? size.toFixed(1) : Math.round(size)}\u00a0${UNITS[unit]}`
}

/** `0.25 ms`, `320 ms`, `1.25 s`, `61.0 s` as `1 min 1 s`. */
export function duration(ms: number): string {
  if (ms < 0.01) {
    return ms > 0 ? '<\u00a00.01\u00a0ms' : '0\u00a0ms'
  }
  if (ms < 999.5) {
    return `${ms < 9.995 ? ms.toFixed(2) : Math.round(ms)}\u00a0ms`
  }
  if (ms < 59_950) {
    return `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)}\u00a0s`
  }
  const seconds = Math.round(ms / 1000)
  return `${count(Math.floor(seconds / 60))}\u00a0min ${seconds % 60}\u00a0s`
}

/** `3 %` of a share between 0 and 1; what is little is not nothing, and what is not all is less. */
export function share(part: number): string {
  if (part > 0 && part < 0.01) {
    return '<\u00a01\u00a0%'
  }
  return `${part < 1 ? Math.min(99, Math.round(part * 100)) : 100}\u00a0%`
}
