/** Both tiers of one scope: hot rows as a heap of flakes, and beneath it each file as a bar over its range of keys. */

import { type KeyboardEvent, useCallback, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { bytes, count, counted } from '../style/numbers.js'
import { FileBar } from './FileBar.js'
import { FileDetails } from './FileDetails.js'
import { pileOf } from './flakes.js'
import { HotPile } from './HotPile.js'
import { BARE_HEIGHT, HEAP_HEIGHT, heap, roomFor } from './heap.js'
import { type Axis, type AxisKind, keyAxis, timeAxis } from './keyaxis.js'
import { type Bar, lanesOf, NAME_WIDTH } from './lanes.js'
import { useMeasure } from './measure.js'
import { Moving } from './Moving.js'
import { type Picture, useLingering, useMotion } from './motion.js'
import { labelOf, type Outcomes } from './outcomes.js'
import { isLive, type KeyColumn, type ScopeStorage } from './snapshot.js'
import { fileName } from './wording.js'
import './chart.css'
import './motion.css'
import './details.css'

/** Between the heap and the lanes, in which the axis is. */
const AXIS_HEIGHT = 1.375
const BELOW = 0.25

export interface ScopeChartProps {
  readonly label: string
  readonly scope: ScopeStorage
  readonly keyColumn: KeyColumn | undefined
  readonly axisKind: AxisKind
  readonly outcomes: Outcomes | undefined
}

export function ScopeChart({ label, scope, keyColumn, axisKind, outcomes }: ScopeChartProps) {
  const { ref, measure } = useMeasure<HTMLDivElement>()
  const group = useRef<SVGGElement>(null)
  const [selected, setSelected] = useState<number>()
  const [hovered, setHovered] = useState<Bar>()
  const width = measure?.width
  // The ground of what froze stays until it has fallen.
  const tall = useLingering(scope.hot.versions > 0)
  const drawn = useMemo(
    () => (width === undefined ? undefined : drawingOf(scope, keyColumn, axisKind, width, tall)),
    [scope, keyColumn, axisKind, width, tall],
  )
  const motion = useMotion(drawn?.picture)
  const file = scope.files.find((each) => each.number === selected)
  const bars = drawn?.picture.bars ?? NO_BARS
  const first = bars.find((bar) => bar.file.number === selected) ?? bars[0]

  const select = useCallback((number: number) => setSelected((old) => (old === number ? undefined : number)), [])
  const focusFile = useCallback(
    (number: number) => group.current?.querySelector<SVGGElement>(`[data-number="${number}"]`)?.focus(),
    [],
  )
  const order = useRef(bars)
  useLayoutEffect(() => {
    order.current = bars
  }, [bars])
  const move = useCallback((event: KeyboardEvent<SVGGElement>, from: number) => {
    const bars = order.current
    const at = bars.findIndex((bar) => bar.file.number === from)
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: bars.length - 1 }[event.key]
    if (to !== undefined) {
      event.preventDefault()
      const next = bars[Math.max(0, Math.min(bars.length - 1, to))]
      if (next) {
        setSelected(next.file.number)
        focusFile(next.file.number)
      }
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault()
      setSelected(from)
    } else if (event.key === 'Escape') {
      setSelected(undefined)
    }
  }, [focusFile])

  return (
    <div className={drawn ? 'storage-chart' : 'storage-chart storage-chart-away'} ref={ref}>
      {measure && drawn && (
        <div className="storage-canvas">
          <svg width={measure.width * measure.rem} height={drawn.height * measure.rem} role="group" aria-label={label}>
            <g aria-hidden="true">
              <Ground drawn={drawn} width={measure.width} rem={measure.rem} />
            </g>
            {bars.length > 0 && (
              <g role="listbox" aria-label={`Files of ${label}`} ref={group}>
                {bars.map((bar) => (
                  <FileBar
                    key={bar.file.number}
                    bar={bar}
                    density={drawn.density}
                    width={measure.width}
                    rem={measure.rem}
                    outcome={outcomes?.get(bar.file.number)}
                    arrival={
                      motion?.frozen.has(bar.file.number) ? 'frozen' : motion?.merged.has(bar.file.number) ? 'merged' : undefined
                    }
                    selected={bar.file.number === selected}
                    reachable={bar === first}
                    onSelect={select}
                    onHover={setHovered}
                    onKeyDown={move}
                  />
                ))}
              </g>
            )}
          </svg>
          <HotPile places={drawn.picture.flakes} kinds={drawn.kinds} />
          {motion && <Moving key={motion.id} motion={motion} bars={bars} />}
          {hovered && <Tip bar={hovered} width={measure.width} height={drawn.height} outcomes={outcomes} />}
        </div>
      )}
      {drawn && drawn.more > 0 && <p className="storage-note">and {counted(drawn.more, 'more file')} that there is no room for</p>}
      {file && (
        <FileDetails
          file={file}
          keyColumn={keyColumn}
          outcome={outcomes?.get(file.number)}
          onClose={() => setSelected(undefined)}
          goOn={() => focusFile(file.number)}
        />
      )}
    </div>
  )
}

interface Drawing {
  readonly picture: Picture
  readonly kinds: ReturnType<typeof pileOf>['flakes']
  readonly each: number
  readonly density: ReturnType<typeof lanesOf>['density']
  readonly axis: Axis
  /** Where the axis and the lanes begin, and where what was replaced does. */
  readonly axisTop: number
  readonly lanesTop: number
  readonly liveBottom: number
  readonly replacedTop: number | undefined
  readonly left: number
  readonly height: number
  readonly more: number
}

function drawingOf(scope: ScopeStorage, key: KeyColumn | undefined, axisKind: AxisKind, width: number, tall: boolean): Drawing {
  const { each, flakes } = pileOf(scope.hot, Math.min(roomFor(width), MOST_FLAKES))
  const axis = axisKind === 'time' ? timeAxis(scope.files) : keyAxis(scope.files, key)
  const lanes = lanesOf(scope.files, axis, width)
  const hasFiles = scope.files.length > 0
  const axisTop = tall ? HEAP_HEIGHT : BARE_HEIGHT
  const lanesTop = axisTop + (hasFiles ? AXIS_HEIGHT : 0)
  const liveBottom = lanesTop + (lanes.replacedFrom ?? lanes.height)
  return {
    picture: {
      scope,
      flakes: heap(flakes.length, width),
      bars: lanes.bars.map((bar) => ({ ...bar, y: bar.y + lanesTop })),
    },
    kinds: flakes,
    each,
    density: lanes.density,
    axis,
    axisTop,
    lanesTop,
    liveBottom,
    replacedTop: lanes.replacedFrom === undefined ? undefined : lanesTop + lanes.replacedFrom,
    left: lanes.density === 'named' ? NAME_WIDTH : 0,
    height: lanesTop + lanes.height + BELOW,
    more: lanes.more,
  }
}

const NO_BARS: readonly Bar[] = []
const MOST_FLAKES = 120

/** What lies behind the flakes and the bars: the ground of either tier, and the axis. */
function Ground({ drawn, width, rem }: { drawn: Drawing; width: number; rem: number }) {
  const { axis, axisTop, lanesTop, liveBottom, replacedTop, left, picture, each } = drawn
  const x = (at: number) => (left + at * (width - left)) * rem
  const isEmpty = picture.flakes.length === 0
  const hasFiles = picture.bars.length > 0
  return (
    <>
      <rect className="storage-hot-ground" width={width * rem} height={axisTop * rem} rx={0.25 * rem} />
      <text className="storage-ground-text" x={0.375 * rem} y={0.875 * rem}>
        {isEmpty ? (
          'nothing hot'
        ) : (
          <>
            <tspan className="storage-hot-ink">●</tspan>
            {each === 1 ? ' = 1 version' : ` ≈ ${count(each)} versions`}
          </>
        )}
      </text>
      {hasFiles && (
        <>
          <rect
            className="storage-cold-ground"
            y={(axisTop + 0.125) * rem}
            width={width * rem}
            height={(liveBottom - axisTop) * rem}
            rx={0.25 * rem}
          />
          <text className="storage-ground-text" x={(width - 0.375) * rem} y={0.875 * rem} textAnchor="end">
            ↔ {axis.title}
          </text>
          {axis.ticks.map((tick) => (
            <g key={tick.at} className="storage-tick">
              <line x1={x(tick.at)} x2={x(tick.at)} y1={(axisTop + 1.125) * rem} y2={liveBottom * rem} />
              <text x={x(tick.at)} y={(axisTop + 0.9) * rem} textAnchor={tick.at < 0.08 ? 'start' : tick.at > 0.92 ? 'end' : 'middle'}>
                {tick.label}
              </text>
            </g>
          ))}
          <line className="storage-axis" x1={x(0)} x2={x(1)} y1={(lanesTop - 0.25) * rem} y2={(lanesTop - 0.25) * rem} />
        </>
      )}
      {replacedTop !== undefined && (
        <text className="storage-ground-text" x={0} y={(replacedTop + 0.75) * rem}>
          replaced: garbage until collected
        </text>
      )}
    </>
  )
}

/** A few words beside the bar under the pointer. */
function Tip({ bar, width, height, outcomes }: { bar: Bar; width: number; height: number; outcomes: Outcomes | undefined }) {
  const { file } = bar
  const outcome = isLive(file) ? outcomes?.get(file.number) : undefined
  const isRight = bar.x + bar.width / 2 > width / 2
  // Beneath the bar, or above it where there is no room beneath.
  const place = bar.y + bar.height / 2 > height / 2 ? { bottom: `calc(100% - ${bar.y - 0.375}rem)` } : { top: `${bar.y + bar.height + 0.375}rem` }
  return (
    <div
      className="storage-tip"
      aria-hidden="true"
      style={isRight ? { ...place, right: `${Math.max(0, width - bar.x - bar.width)}rem` } : { ...place, left: `${bar.x}rem` }}
    >
      <strong>{fileName(file.number)}</strong> {counted(file.rows, 'row')}, {bytes(file.bytes)}
      {file.deadRows > 0 && `, ${count(file.deadRows)} hidden`}
      {file.minKey !== undefined && file.maxKey !== undefined && (
        <div className="storage-tip-range">
          {file.minKey} … {file.maxKey}
        </div>
      )}
      {outcome && <div>{labelOf(outcome)}</div>}
      {!isLive(file) && <div>replaced</div>}
    </div>
  )
}
