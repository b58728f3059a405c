/** What colours and patterns stand for, and how much of the files the last statement read. */

import type { Trace } from '../engine/trace.js'
import { DEAD_PATTERN, patternOf } from './FilePatterns.js'
import { type Outcome, OUTCOMES, sentenceOf } from './outcomes.js'

export interface LegendProps {
  readonly trace: Trace | undefined
}

export function Legend({ trace }: LegendProps) {
  const sentence = trace && sentenceOf(trace.scans)
  const met = new Set<Outcome>(trace?.scans.flatMap((scan) => scan.files.map((file) => file.outcome)))
  return (
    <div className="storage-legend">
      {/* There before it has a text, or it would not be read out. */}
      <div role="status">{sentence && <p className="storage-read">{sentence}</p>}</div>
      <ul aria-label="Legend">
        <li>
          <svg className="storage-swatch" aria-hidden="true">
            <circle className="storage-swatch-hot" cx="50%" cy="50%" r="3.5" />
          </svg>
          hot
        </li>
        <Entry label="cold file" outcome={undefined} pattern={undefined} />
        {met.size > 0 &&
          OUTCOMES.filter(({ outcome }) => met.has(outcome) || !isRare(outcome)).map(({ outcome, label }) => (
            <Entry key={outcome} label={label} outcome={outcome} pattern={patternOf(outcome)} />
          ))}
        <Entry label="hidden rows" outcome={undefined} pattern={DEAD_PATTERN} />
      </ul>
    </div>
  )
}

function Entry({ label, outcome, pattern }: { label: string; outcome: Outcome | undefined; pattern: string | undefined }) {
  return (
    <li>
      <svg className="storage-swatch" aria-hidden="true" data-outcome={outcome}>
        <rect className="storage-file-body" width="100%" height="100%" rx="2" />
        {pattern && <rect width="100%" height="100%" rx="2" fill={pattern} />}
      </svg>
      {label}
    </li>
  )
}

/** Whether an outcome is told of only where it was met. */
function isRare(outcome: Outcome): boolean {
  return outcome === 'kept' || outcome === 'not_needed'
}
