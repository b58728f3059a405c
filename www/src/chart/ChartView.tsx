/** A result as a chart, and what it is drawn of. */

import { type ReactNode, type RefObject, useEffect, useId, useMemo, useRef, useState } from 'react'
import type { Rows } from '../engine/result.js'
import { turn } from '../results/slices.js'
import { type Chart, defaultChart, isTold, type Mark, MARKS, roleOf } from './defaults.js'
import { type Drawing, drawingOf, evenly } from './drawing.js'
import { pictureOf } from './plot.js'
import { summaryOf, titleOf } from './summary.js'
import './chart.css'

/** Rows that are looked at to choose a chart. */
const SAMPLE = 200

const LABELS: Readonly<Record<Mark, string>> = {
  line: 'Line',
  bar: 'Bars',
  row: 'Horizontal bars',
  dot: 'Dots',
  histogram: 'Histogram',
}

export interface ChartViewProps {
  readonly rows: Rows
}

export function ChartView({ rows }: ChartViewProps) {
  const first = useMemo(() => {
    const isRead = rows.columns.map(isTold)
    const sample = evenly(rows.length, SAMPLE).map((row) => isRead.map((reads, column) => (reads ? rows.value(row, column) : null)))
    return defaultChart(rows.columns, sample)
  }, [rows])
  return first && rows.length > 0 ? (
    <ChosenChart key={JSON.stringify(first)} rows={rows} first={first} />
  ) : (
    <p className="chart-nothing">There is nothing to draw: a chart needs rows with numbers, times or texts.</p>
  )
}

function ChosenChart({ rows, first }: { readonly rows: Rows; readonly first: Chart }) {
  const [chart, setChart] = useState(first)
  const [drawing, setDrawing] = useState<Drawing>()
  const [failure, setFailure] = useState('')
  const host = useRef<HTMLDivElement>(null)
  const width = useWidth(host)
  const { columns } = rows

  useEffect(() => {
    const controller = new AbortController()
    setFailure('')
    drawingOf(rows, chart, controller.signal).then(setDrawing, (error: unknown) => {
      if (!controller.signal.aborted) {
        setFailure(error instanceof Error ? error.message : String(error))
      }
    })
    return () => controller.abort()
  }, [rows, chart])

  useEffect(() => {
    if (!host.current || !drawing || width === 0) {
      return
    }
    const into = host.current
    let over = false
    // React had the thread until here; drawing takes as long again.
    void turn().then(() => {
      if (over) {
        return
      }
      try {
        into.replaceChildren(...(drawing.points.length > 0 ? [pictureOf(drawing, columns, width)] : []))
      } catch (error) {
        into.replaceChildren()
        setFailure(error instanceof Error ? error.message : String(error))
      }
    })
    return () => {
      over = true
    }
  }, [drawing, columns, width])

  const busy = drawing?.chart !== chart && failure === ''
  const numbers = columns.flatMap((column, at) => (roleOf(column) === 'number' ? [at] : []))
  const measured = columns.flatMap((column, at) => (roleOf(column) === 'number' || roleOf(column) === 'time' ? [at] : []))
  const groups = columns.flatMap((column, at) => (roleOf(column) === undefined ? [] : [at]))
  const byMark = chart.mark === 'histogram' ? measured : groups
  const drawsPoints = chart.mark === 'line' || chart.mark === 'dot'
  const markTo = (mark: Mark) => setChart(fitted(chart, mark, measured, numbers))

  return (
    <div className="chart">
      <div className="chart-controls">
        <Choice
          label="Mark"
          value={chart.mark}
          onChange={(value) => markTo(MARKS.find((mark) => mark === value) ?? chart.mark)}
        >
          {MARKS.filter((mark) => isPossible(mark, measured, numbers)).map((mark) => (
            <option key={mark} value={mark}>
              {LABELS[mark]}
            </option>
          ))}
        </Choice>
        <Choice label={chart.mark === 'row' ? 'Bars for' : 'x'} value={chart.x} onChange={(value) => setChart({ ...chart, x: Number(value) })}>
          <Columns rows={rows} of={byMark} />
        </Choice>
        {chart.mark !== 'histogram' && (
          <Choice
            label={chart.mark === 'row' ? 'Length' : 'y'}
            value={chart.y ?? ''}
            onChange={(value) => setChart(withOr(chart, 'y', value))}
          >
            {!drawsPoints && <option value="">number of rows</option>}
            <Columns rows={rows} of={numbers} />
          </Choice>
        )}
        {chart.mark !== 'histogram' && (
          <Choice label="Colour" value={chart.colour ?? ''} onChange={(value) => setChart(withOr(chart, 'colour', value))}>
            <option value="">none</option>
            <Columns rows={rows} of={groups} />
          </Choice>
        )}
      </div>
      <figure className="chart-figure" aria-busy={busy}>
        <div ref={host} className="chart-host" />
        <figcaption>
          <p className="chart-summary">{drawing ? summaryOf(drawing, columns) : titleOf(chart, columns)}</p>
          <p role="status">{busy ? 'Drawing …' : drawing && noteOf(drawing)}</p>
          {failure !== '' && <p role="alert">It could not be drawn: {failure}</p>}
        </figcaption>
      </figure>
    </div>
  )
}

function noteOf({ points, notes }: Drawing): string {
  return points.length === 0 ? 'No row has values to draw.' : notes.join(' ')
}

interface ChoiceProps {
  readonly label: string
  readonly value: string | number
  readonly onChange: (value: string) => void
  readonly children: ReactNode
}

function Choice({ label, value, onChange, children }: ChoiceProps) {
  const id = useId()
  return (
    <div className="chart-choice">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={({ target }) => onChange(target.value)}>
        {children}
      </select>
    </div>
  )
}

function Columns({ rows, of }: { readonly rows: Rows; readonly of: readonly number[] }) {
  return of.map((at) => (
    <option key={at} value={at}>
      {rows.columns[at]?.name}
    </option>
  ))
}

function isPossible(mark: Mark, measured: readonly number[], numbers: readonly number[]): boolean {
  switch (mark) {
    case 'line':
    case 'dot':
      return numbers.length > 0
    case 'histogram':
      return measured.length > 0
    default:
      return true
  }
}

/** `chart` with another mark, and what that needs. */
function fitted(chart: Chart, mark: Mark, measured: readonly number[], numbers: readonly number[]): Chart {
  const [number] = numbers
  if (mark === 'histogram') {
    return { mark, x: measured.includes(chart.x) ? chart.x : (chart.y ?? measured[0] ?? chart.x) }
  }
  const needsY = (mark === 'line' || mark === 'dot') && chart.y === undefined
  return { ...chart, mark, ...(needsY && number !== undefined && { y: numbers.find((at) => at !== chart.x) ?? number }) }
}

function withOr(chart: Chart, key: 'y' | 'colour', value: string): Chart {
  const { [key]: _, ...rest } = chart
  return value === '' ? rest : { ...rest, [key]: Number(value) }
}

/** How wide `element` is, in pixels; 0 until it is known. */
function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0)
  useEffect(() => {
    if (!element.current) {
      return
    }
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)))
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [element])
  return width
}
