/** A chart in words, for who does not see it. */

import type { Column } from '../engine/result.js'
import { counted } from '../style/numbers.js'
import type { Chart, Mark } from './defaults.js'
import type { Drawing, Place } from './drawing.js'

const NAMES: Readonly<Record<Mark, string>> = {
  line: 'Line chart',
  bar: 'Bar chart',
  row: 'Bar chart',
  dot: 'Dot plot',
  histogram: 'Histogram',
}

/** What the chart is of. */
export function titleOf({ mark, x, y, colour }: Chart, columns: readonly Column[]): string {
  const name = (at: number) => columns[at]?.name ?? ''
  if (mark === 'histogram') {
    return `Histogram of ${name(x)}`
  }
  const what = y === undefined ? 'rows' : name(y)
  return `${NAMES[mark]} of ${what} by ${name(x)}${colour === undefined ? '' : `, in colours by ${name(colour)}`}`
}

/** The title, and what the axes range over. */
export function summaryOf({ chart, points }: Drawing, columns: readonly Column[]): string {
  const title = titleOf(chart, columns)
  const [first] = points
  if (first === undefined) {
    return `${title}. Nothing to draw.`
  }
  let [low, high, highest] = [first.y, first.y, first]
  let [from, to]: [Place, Place] = [first.x, first.until ?? first.x]
  for (const point of points) {
    const { x, y, until = x } = point
    low = Math.min(low, y)
    highest = y > highest.y ? point : highest
    high = highest.y
    if (typeof x !== 'string') {
      from = x < from ? x : from
      to = until > to ? until : to
    }
  }
  const name = columns[chart.x]?.name ?? ''
  const places = new Set(points.map(({ x }) => x))
  const x = typeof first.x === 'string' ? `${counted(places.size, 'value')} of ${name}` : `${name} from ${placeText(from)} to ${placeText(to)}`
  const measure = chart.mark === 'histogram' || chart.y === undefined ? 'number of rows' : (columns[chart.y]?.name ?? '')
  return `${title}. ${x}. ${measure} from ${numberText(low)} to ${numberText(high)}, highest at ${placeText(highest.x)}.`
}

export function placeText(place: Place): string {
  if (place instanceof Date) {
    return place.toISOString().replace(/T00:00:00\.000Z$/, '').replace(/\.\d+Z$/, '')
  }
  return typeof place === 'number' ? numberText(place) : place
}

const NUMBERS = new Intl.NumberFormat('en', { maximumSignificantDigits: 6 })

export function numberText(number: number): string {
  return NUMBERS.format(number)
}
