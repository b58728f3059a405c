/** A drawing as a picture, by Observable Plot. */

import * as Plot from '@observablehq/plot'
import type { Column } from '../engine/result.js'
import { type Drawing, OTHERS, type Point } from './drawing.js'
import { placeText, summaryOf, titleOf } from './summary.js'

/** Points that are marked on a line; more would hide it. */
const MOST_MARKED = 60
const COLOURS = Array.from({ length: 9 }, (_, at) => `var(--chart-${at + 1})`)
const NO_SERIES = 'var(--chart-1)'

/** The picture, `width` pixels wide. */
export function pictureOf(drawing: Drawing, columns: readonly Column[], width: number): SVGSVGElement | HTMLElement {
  const { chart, points } = drawing
  const lying = chart.mark === 'row'
  const names = [...new Set(points.flatMap(({ colour }) => (colour === undefined ? [] : [colour])))]
  const places = new Set(points.map(({ x }) => x))
  const x = columns[chart.x]?.name ?? ''
  const y = chart.y === undefined || chart.mark === 'histogram' ? 'rows' : (columns[chart.y]?.name ?? '')
  const labels = lying ? Math.min(Math.max(...points.map((point) => String(point.x).length), 4), 24) : 0
  const band = typeof points[0]?.x === 'string'
  const picture = Plot.plot({
    width,
    height: lying ? 60 + places.size * 22 : Math.round(Math.min(420, Math.max(240, width * 0.5))),
    marginLeft: lying ? 20 + labels * 7 : 56,
    marginBottom: 44,
    marginRight: names.length > 0 && chart.mark === 'line' ? 80 : 24,
    ariaLabel: titleOf(chart, columns),
    ariaDescription: summaryOf(drawing, columns),
    style: { background: 'transparent', color: 'var(--text)', fontFamily: 'inherit', fontSize: '12px', overflow: 'visible' },
    x: lying ? { label: y, grid: true, nice: true } : { label: x, ...(band && { domain: [...places] }) },
    y: lying ? { label: x, domain: [...places] } : { label: y, grid: true, nice: true },
    ...(names.length > 0 && {
      color: { type: 'ordinal' as const, domain: names, range: names.map(colourOf), legend: true },
    }),
    marks: marksOf(drawing, names.length > 0),
  })
  const image = picture instanceof SVGSVGElement ? picture : picture.querySelector(':scope > svg')
  image?.setAttribute('role', 'img')
  return picture
}

function colourOf(name: string, at: number): string {
  return name === OTHERS ? 'var(--muted)' : (COLOURS[at % COLOURS.length] ?? NO_SERIES)
}

function marksOf({ chart, points }: Drawing, inColours: boolean): Plot.Markish[] {
  const paint = inColours ? 'colour' : NO_SERIES
  const label = (at: string | undefined, length: number) =>
    at !== undefined && at.length > length ? `${at.slice(0, length - 1)}…` : (at ?? '')
  switch (chart.mark) {
    case 'line':
      return [
        Plot.lineY(points, {
          x: 'x',
          y: 'y',
          stroke: paint,
          strokeWidth: 1.5,
          ...(inColours && { z: 'colour' }),
          marker: points.length <= MOST_MARKED ? 'circle' : 'none',
        }),
        // Lines are told apart by their names as well.
        ...(inColours
          ? [
              Plot.text(
                points,
                Plot.selectLast({ x: 'x', y: 'y', z: 'colour', fill: 'var(--text)', text: ({ colour }: Point) => label(colour, 12), textAnchor: 'start', dx: 6 }),
              ),
            ]
          : []),
        Plot.tip(points, Plot.pointerX({ x: 'x', y: 'y', fill: 'var(--raised)', stroke: 'var(--line)', title: tipOf })),
      ]
    case 'dot':
      return [
        Plot.dot(points, { x: 'x', y: 'y', stroke: paint, r: 3, strokeOpacity: 0.7, ...(inColours && { symbol: 'colour' }) }),
        Plot.tip(points, Plot.pointer({ x: 'x', y: 'y', fill: 'var(--raised)', stroke: 'var(--line)', title: tipOf })),
      ]
    case 'histogram':
      return [Plot.rectY(points, { x1: 'x', x2: 'until', y: 'y', fill: paint, insetLeft: 0.5, insetRight: 0.5, title: tipOf }), Plot.ruleY([0])]
    case 'row':
      return [
        Plot.barX(points, { x: 'y', y: 'x', fill: paint, title: tipOf }),
        Plot.ruleX([0]),
        Plot.axisY({ label: null, tickFormat: (text: string) => label(text, 24) }),
      ]
    case 'bar':
      return [
        Plot.barY(points, { x: 'x', y: 'y', fill: paint, title: tipOf }),
        Plot.ruleY([0]),
        Plot.axisX({ tickFormat: (text: string) => label(text, 12) }),
      ]
  }
}

function tipOf({ x, until, y, colour }: Point): string {
  const place = until === undefined ? placeText(x) : `${placeText(x)} – ${placeText(until)}`
  return `${colour === undefined ? '' : `${colour}\n`}${place}\n${y.toLocaleString('en-US')}`
}
