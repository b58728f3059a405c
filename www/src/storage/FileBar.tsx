/** A file in a chart: a bar over its range of keys, coloured by what the last statement did with it. */

import { type KeyboardEvent, memo } from 'react'
import { bytes, count, counted, share, shortCount } from '../style/numbers.js'
import { DEAD_PATTERN, patternOf } from './FilePatterns.js'
import { type Bar, type Density, NAME_WIDTH } from './lanes.js'
import { labelOf, type Outcome } from './outcomes.js'
import { type BatchFile, isLive } from './snapshot.js'
import { fileName } from './wording.js'

/** The least that is seen of a hatching. */
const DEAD_AT_LEAST = 0.1875

export interface FileBarProps {
  readonly bar: Bar
  readonly density: Density
  /** The width of the chart, in `rem`. */
  readonly width: number
  readonly rem: number
  readonly outcome: Outcome | undefined
  /** How it came to be, while that is shown. */
  readonly arrival: 'frozen' | 'merged' | undefined
  readonly selected: boolean
  /** Whether the keyboard gets to it first. */
  readonly reachable: boolean
  onSelect(number: number): void
  onHover(bar: Bar | undefined): void
  onKeyDown(event: KeyboardEvent<SVGGElement>, number: number): void
}

/** Drawn again only when it is other: there may be hundreds. */
export const FileBar = memo(function FileBar(props: FileBarProps) {
  const { bar, density, width, rem, outcome, arrival, selected, reachable, onSelect, onHover, onKeyDown } = props
  const { file } = bar
  const live = isLive(file)
  const pattern = outcome === undefined ? undefined : patternOf(outcome)
  const w = bar.width * rem
  const h = bar.height * rem
  const radius = Math.min(h / 2, rem / 5)
  // Thin bars have their ring around themselves.
  const roomy = density === 'told' || density === 'named'
  const dead = file.rows > 0 ? file.deadRows / file.rows : 0
  const hidden = dead > 0 ? Math.max(Math.min(DEAD_AT_LEAST * rem, h / 3), dead * h) : 0
  // The words are beside what has a name, not in it: they say what the name says already.
  return (
    <g
      role="presentation"
      onPointerEnter={() => onHover(bar)}
      onPointerLeave={() => onHover(undefined)}
      onClick={() => onSelect(file.number)}
    >
      <g
        className={roomy ? 'storage-file' : 'storage-file storage-file-thin'}
        role="option"
        aria-label={spoken(file, outcome)}
        aria-selected={selected}
        tabIndex={reachable ? 0 : -1}
        data-number={file.number}
        data-status={live ? 'live' : 'replaced'}
        data-outcome={live ? outcome : undefined}
        data-arrival={arrival}
        onKeyDown={(event) => onKeyDown(event, file.number)}
      >
        <g className="storage-file-shape" style={{ transform: `translate(${bar.x * rem}px, ${bar.y * rem}px)` }}>
          {roomy && <rect className="storage-file-target" x={-2} y={-2} width={w + 4} height={h + 4} />}
          <rect className={`storage-file-body${bar.unknown ? ' storage-file-unknown' : ''}`} width={w} height={h} rx={radius} />
          {live && pattern && <rect width={w} height={h} rx={radius} fill={pattern} />}
          {live && hidden > 0 && (
            <rect y={h - hidden} width={w} height={hidden} rx={Math.min(radius, hidden / 2)} fill={DEAD_PATTERN} />
          )}
          {roomy && <rect className="storage-file-ring" x={-2} y={-2} width={w + 4} height={h + 4} rx={radius + 2} />}
        </g>
      </g>
      {live && roomy && (
        <g className="storage-file-words" aria-hidden="true" style={{ transform: `translateY(${bar.y * rem}px)` }}>
          {density === 'told' ? (
            <Told bar={bar} width={width} rem={rem} outcome={outcome} />
          ) : (
            <text className="storage-file-name" x={(NAME_WIDTH - 0.4) * rem} y={h / 2} dy="0.35em" textAnchor="end">
              {fileName(file.number)}
            </text>
          )}
        </g>
      )}
    </g>
  )
}, isSame)

/** Whether nothing that is drawn is other: bars are made anew with each snapshot. */
function isSame({ bar: old, ...before }: FileBarProps, { bar, ...after }: FileBarProps): boolean {
  return isShallowSame(before, after) && isShallowSame({ ...old, file: 0 }, { ...bar, file: 0 }) && isShallowSame(old.file, bar.file)
}

function isShallowSame<T extends object>(a: T, b: T): boolean {
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))]
  return left.length === right.size && left.every(([name, value]) => Object.is(value, right.get(name)))
}

/** The line beneath a bar. */
function Told({ bar, width, rem, outcome }: { bar: Bar; width: number; rem: number; outcome: Outcome | undefined }) {
  const { file } = bar
  const narrow = width < 27
  const n = narrow ? shortCount : count
  const y = bar.height * rem + (0.875 - bar.height) * rem * 0.5 + 0.75 * rem
  return (
    <>
      <text className="storage-file-line" y={y}>
        <tspan className="storage-file-strong">{fileName(file.number)}</tspan>
        {`  ${n(file.rows)} ${file.rows === 1 ? 'row' : 'rows'} · ${bytes(file.bytes)}`}
        {file.deadRows > 0 && ` · ${n(file.deadRows)} hidden`}
        {bar.unknown && !narrow && ' · range not known'}
      </text>
      {outcome && (
        <text className="storage-file-line storage-file-outcome" x={width * rem} y={y} textAnchor="end">
          {narrow ? labelOf(outcome).replace(' filter', '') : labelOf(outcome)}
        </text>
      )}
    </>
  )
}

function spoken(file: BatchFile, outcome: Outcome | undefined): string {
  const range = file.minKey === undefined || file.maxKey === undefined ? '' : `, keys ${file.minKey} to ${file.maxKey}`
  const hidden = file.deadRows > 0 ? `, ${counted(file.deadRows, 'row')} hidden (${share(file.deadRows / file.rows)})` : ''
  const what = isLive(file) ? (outcome ? `, ${labelOf(outcome)}` : '') : ', replaced'
  return `${fileName(file.number)}, ${counted(file.rows, 'row')}, ${bytes(file.bytes)}${hidden}${range}${what}`
}
