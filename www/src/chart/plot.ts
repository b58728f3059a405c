/** A drawing as a picture, by Observable Plot. */

import * as Plot from '@observablehq/plot'
import type { Column } from '../engine/result.js'
import type { Chart } from './defaults.js'
import { pathOf, shapesOf } from './dots.js'
import { type Drawing, OTHERS, type Place, type Point } from './drawing.js'
import { numberText, placeText, summaryOf, titleOf } from './summary.js'

/** Points that are marked on a line; more would hide it. */
const MOST_MARKED = 60
/** Characters of a label at a standing bar or at the end of a line, and at a lying bar. */
const SHORT = 12
const LONG = 24
/** Pixels of a character, and bars of which not each needs a label. */
const CHARACTER = 7
const MANY_BARS = 12
const COLOURS = Array.from({ length: 9 }, (_, at) => `var(--chart-${at + 1})`)
const ONE_COLOUR = 'var(--chart-1)'

/** What the axes and the colours are called, and what is on them. */
interface Names {
  readonly x: string
  readonly y: string
  readonly colour: string
  readonly series: readonly string[]
  readonly places: readonly Place[]
}

/** The picture, `width` pixels wide. */
export function pictureOf(drawing: Drawing, columns: readonly Column[], width: number): SVGSVGElement | HTMLElement {
  const { chart, points } = drawing
  const names = namesOf(drawing, columns)
  const picture = Plot.plot({
    width,
    ...measuresOf(chart, names, width),
    ariaLabel: titleOf(chart, columns),
    ariaDescription: summaryOf(drawing, columns),
    style: { background: 'transparent', color: 'var(--text)', fontFamily: 'inherit', fontSize: '12px', overflow: 'visible' },
    ...axesOf(chart, names, points),
    ...seriesOf(chart, names),
    marks: marksOf(drawing, names, width),
  })
  const image = picture instanceof SVGSVGElement ? picture : picture.querySelector(':scope > svg')
  image?.setAttribute('role', 'img')
  // An image has one name; parts of it have none.
  for (const part of image?.querySelectorAll('[aria-label]') ?? []) {
    part.removeAttribute('aria-label')
  }
  return picture
}

function namesOf({ chart, points }: Drawing, columns: readonly Column[]): Names {
  const name = (at: number | undefined) => (at === undefined ? 'rows' : (columns[at]?.name ?? ''))
  return {
    x: name(chart.x),
    y: chart.mark === 'histogram' ? 'rows' : name(chart.y),
    colour: name(chart.colour),
    series: [...new Set(points.flatMap(({ colour }) => (colour === undefined ? [] : [colour])))],
    places: typeof points[0]?.x === 'string' ? [...new Set(points.map(({ x }) => x))] : [],
  }
}

function measuresOf({ mark }: Chart, { series, places }: Names, width: number): Plot.PlotOptions {
  const margins = { marginTop: 32, marginBottom: 44, marginRight: mark === 'line' && series.length > 0 ? 84 : 24 }
  if (mark !== 'row') {
    return { ...margins, height: Math.round(Math.min(420, Math.max(240, width * 0.5))), marginLeft: 56 }
  }
  const longest = Math.max(4, ...places.map((place) => Math.min(String(place).length, LONG)))
  return { ...margins, height: 76 + places.length * 22, marginLeft: 20 + longest * 7 }
}

function axesOf({ mark }: Chart, { x, y, places }: Names, points: readonly Point[]): Plot.PlotOptions {
  // Neither types nor domains need be found out from all values of all marks.
  const sample = points[0]?.x
  const drawsPoints = mark === 'line' || mark === 'dot'
  const measure = {
    type: 'linear',
    label: y,
    grid: true,
    nice: true,
    ...(drawsPoints && { domain: extentOf(points, (point) => point.y) }),
  } as const
  if (typeof sample === 'string') {
    const band = { type: drawsPoints ? 'point' : 'band', label: x, domain: places } as const
    return mark === 'row' ? { x: measure, y: band } : { x: band, y: measure }
  }
  const domain = drawsPoints ? { domain: extentOf(points, (point) => Number(point.x)) } : {}
  return { x: { type: sample instanceof Date ? 'utc' : 'linear', label: x, ...domain }, y: measure }
}

function extentOf(points: readonly Point[], number: (point: Point) => number): [number, number] {
  let [low, high] = [Infinity, -Infinity]
  for (const point of points) {
    low = Math.min(low, number(point))
    high = Math.max(high, number(point))
  }
  return [low, high]
}

/** The colours and shapes of series, with a legend of them. */
function seriesOf({ mark }: Chart, { series }: Names): Plot.PlotOptions {
  if (series.length === 0) {
    return {}
  }
  const range = series.map((name, at) => (name === OTHERS ? 'var(--muted)' : (COLOURS[at % COLOURS.length] ?? ONE_COLOUR)))
  const color = { type: 'ordinal', domain: series, range } as const
  return mark === 'dot'
    ? { color, symbol: { domain: series, range: shapesOf(series.length), legend: true } }
    : { color: { ...color, legend: true } }
}

function marksOf(drawing: Drawing, names: Names, width: number): Plot.Markish[] {
  const { chart, points } = drawing
  const inColours = names.series.length > 0
  const fill = inColours ? 'colour' : ONE_COLOUR
  switch (chart.mark) {
    case 'line':
      return [
        Plot.lineY(points, {
          x: 'x',
          y: 'y',
          stroke: fill,
          strokeWidth: 1.5,
          ...(inColours && { z: 'colour' }),
          marker: points.length <= MOST_MARKED ? 'circle' : 'none',
        }),
        // Lines are told apart by their names as well.
        ...(inColours ? [endsOf(points)] : []),
        tipOf(points, names, Plot.pointerX),
      ]
    case 'dot':
      return [dotsOf(points, names, fill), tipOf(points, names, Plot.pointer)]
    case 'histogram':
      return [
        Plot.rectY(points, { x1: 'x', x2: 'until', y: 'y', fill, insetLeft: 0.5, insetRight: 0.5, title: titleOfBar }),
        Plot.ruleY([0]),
      ]
    case 'row':
      return [
        Plot.barX(points, { x: 'y', y: 'x', fill, title: titleOfBar }),
        Plot.ruleX([0]),
        Plot.axisY({ label: null, tickFormat: (text: unknown) => shortened(String(text), LONG) }),
      ]
    case 'bar':
      return [
        Plot.barY(points, { x: 'x', y: 'y', fill, title: titleOfBar }),
        Plot.ruleY([0]),
        Plot.axisX({ ticks: roomy(names.places, width), tickFormat: (text: unknown) => shortened(String(text), SHORT) }),
      ]
  }
}

/** As many of `places`, at equal distances, as have room for their labels beneath bars. */
function roomy(places: readonly Place[], width: number): Place[] {
  const longest = Math.max(1, ...places.map((place) => Math.min(String(place).length, SHORT)))
  const every = Math.ceil((places.length * (longest + 1) * CHARACTER) / width)
  // Labels of few bars are of things that have no order to guess the others by.
  return places.length > MANY_BARS ? places.filter((_, at) => at % every === 0) : [...places]
}

function endsOf(points: readonly Point[]): Plot.Markish {
  const last = new Map(points.map((point) => [point.colour, point]))
  const text = ({ colour }: Point) => shortened(colour ?? '', SHORT)
  return Plot.text([...last.values()], { x: 'x', y: 'y', fill: 'var(--text)', text, textAnchor: 'start', dx: 6 })
}

function dotsOf(points: readonly Point[], { series }: Names, stroke: string): Plot.Markish {
  return Plot.dot(points, {
    x: 'x',
    y: 'y',
    stroke,
    ...(series.length > 0 && { symbol: 'colour' }),
    render: (index, _scales, values) => {
      const group = document.createElementNS('http://www.w3.org/2000/svg', 'g')
      const groups = new Map<string | undefined, number[]>()
      for (const at of index) {
        const { colour } = points[at] ?? {}
        const of = groups.get(colour) ?? []
        groups.set(colour, of)
        of.push(at)
      }
      for (const [colour, of] of groups) {
        const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
        const at = colour === undefined ? 0 : series.indexOf(colour)
        path.setAttribute('d', pathOf(at, of.map((each) => [Number(values.x?.[each]), Number(values.y?.[each])] as const)))
        path.setAttribute('fill', 'none')
        path.setAttribute('stroke', String(of[0] === undefined ? stroke : (values.stroke?.[of[0]] ?? stroke)))
        path.setAttribute('stroke-width', '1.25')
        group.append(path)
      }
      return group
    },
  })
}

/** The values of the point that is nearest to the pointer. */
function tipOf(points: readonly Point[], { colour, series }: Names, pointer: typeof Plot.pointer): Plot.Markish {
  const channels = series.length > 0 ? { channels: { series: { value: 'colour', label: colour } } } : {}
  const at = { x: 'x', y: 'y', fill: 'var(--raised)', stroke: 'var(--line)', ariaHidden: 'true', ...channels } as const
  return Plot.tip(points, pointer(at))
}

function titleOfBar({ x, until, y, colour }: Point): string {
  const place = until === undefined ? placeText(x) : `${placeText(x)} – ${placeText(until)}`
  return `${colour === undefined ? '' : `${colour}\n`}${place}\n${numberText(y)}`
}

function shortened(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > length ? `${line.slice(0, length - 1)}…` : line
}
