/** Measures of parts of the page. */

/** `wanted`, but between `least` and `most`; where there is no room for both sides, `least`. To a tenth. */
export function measureWithin(wanted: number, least: number, most: number): number {
  return Math.round(Math.max(least, Math.min(wanted, most)) * 10) / 10
}
