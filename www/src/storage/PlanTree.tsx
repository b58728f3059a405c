/** How the last statement was run: its operators as a tree, and what it read of each table. */

import { type CSSProperties, type KeyboardEvent, useMemo, useRef, useState } from 'react'
import type { Trace } from '../engine/trace.js'
import { count, counted, duration, share } from '../style/numbers.js'
import { ownerOf } from './owner.js'
import { countsOf, linesOf, metricOf, type PlanLine, seen } from './plan.js'
import './plan.css'
import { sentenceOf } from './outcomes.js'

export interface PlanTreeProps {
  readonly trace: Trace
}

export function PlanTree({ trace }: PlanTreeProps) {
  const whole = [
    ...(trace.rows === undefined ? [] : [counted(trace.rows, 'row')]),
    ...(trace.elapsed_ms === undefined ? [] : [duration(trace.elapsed_ms)]),
  ].join(' in ')
  return (
    <div className="plan-view">
      <div className="plan-summary">
        {whole !== '' && <p>{whole}</p>}
        <p>{sentenceOf(trace.scans) ?? 'Read no table'}</p>
      </div>
      {/* Another statement is another tree. */}
      <Tree key={trace.sql} trace={trace} />
      {trace.scans.length > 0 && <Scans trace={trace} />}
    </div>
  )
}

function Tree({ trace }: { trace: Trace }) {
  const tree = useRef<HTMLDivElement>(null)
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set())
  const [told, setTold] = useState<ReadonlySet<string>>(new Set())
  const [current, setCurrent] = useState('0')
  const lines = useMemo(() => linesOf(trace.plan), [trace.plan])
  const visible = seen(lines, closed)
  // What is current may have been folded away.
  const reachable = visible.some(({ path }) => path === current) ? current : '0'

  const go = (line: PlanLine | undefined) => {
    if (line) {
      setCurrent(line.path)
      tree.current?.querySelector<HTMLElement>(`[data-path="${line.path}"]`)?.focus()
    }
  }
  const press = (event: KeyboardEvent<HTMLDivElement>, line: PlanLine) => {
    if (event.target !== event.currentTarget) {
      return
    }
    const at = visible.indexOf(line)
    const isOpen = line.node.children.length > 0 && !closed.has(line.path)
    const keys: Record<string, () => void> = {
      ArrowDown: () => go(visible[at + 1]),
      ArrowUp: () => go(visible[at - 1]),
      Home: () => go(visible[0]),
      End: () => go(visible.at(-1)),
      ArrowRight: () => (isOpen ? go(visible[at + 1]) : setClosed(without(closed, line.path))),
      ArrowLeft: () =>
        isOpen ? setClosed(new Set(closed).add(line.path)) : go(visible.find(({ path }) => path === line.parent)),
      Enter: () => setTold(toggled(told, line.path)),
      ' ': () => setTold(toggled(told, line.path)),
    }
    const act = keys[event.key]
    if (act) {
      event.preventDefault()
      act()
    }
  }

  return (
    <div className="plan-tree" role="tree" aria-label="Plan" ref={tree}>
      {visible.map((line) => {
        const { path, node, depth } = line
        const isParent = node.children.length > 0
        return (
          <div
            key={path}
            className="plan-item"
            role="treeitem"
            aria-level={depth}
            aria-selected={told.has(path)}
            {...(isParent ? { 'aria-expanded': !closed.has(path) } : {})}
            tabIndex={path === reachable ? 0 : -1}
            data-path={path}
            style={indented(depth)}
            onFocus={() => setCurrent(path)}
            onKeyDown={(event) => press(event, line)}
          >
            <Step
              line={line}
              isOpen={!closed.has(path)}
              onFold={() => setClosed(toggled(closed, path))}
              onTell={() => setTold(toggled(told, path))}
            />
            {told.has(path) && <Metrics line={line} />}
          </div>
        )
      })}
    </div>
  )
}

/** From which depth on steps are not moved to the right any more. */
const DEEPEST = 12

function indented(depth: number): CSSProperties & Record<'--deep', number> {
  return { '--deep': Math.min(depth - 1, DEEPEST) }
}

interface StepProps {
  readonly line: PlanLine
  readonly isOpen: boolean
  onFold(): void
  onTell(): void
}

/** A step in one line. The keyboard goes by the tree, so that what is clicked here is no stop of its own. */
function Step({ line, isOpen, onFold, onTell }: StepProps) {
  const { node, name } = line
  return (
    <div className="plan-step" onClick={onTell}>
      <span
        className="plan-fold"
        data-open={isOpen}
        aria-hidden="true"
        onClick={(event) => {
          if (node.children.length > 0) {
            event.stopPropagation()
            onFold()
          }
        }}
      >
        {node.children.length > 0 ? '▸' : '·'}
      </span>
      <span className="plan-name">{name}</span>{' '}
      <span className="plan-rows">{node.rows !== undefined && counted(node.rows, 'row')}</span>{' '}
      <span className="plan-time">
        {node.elapsed_ms !== undefined && duration(node.elapsed_ms)}
        <span className="plan-bar" aria-hidden="true">
          <span style={{ width: `${(line.share ?? 0) * 100}%` }} />
        </span>
      </span>
    </div>
  )
}

function Metrics({ line: { node, share: part } }: { line: PlanLine }) {
  const metrics = Object.entries(node.metrics ?? {})
  return (
    <div className="plan-details">
      <code>{node.operator}</code>
      {node.detail !== '' && node.detail !== node.operator && <code>{node.detail}</code>}
      {part !== undefined && <p>{share(part)} of the time of all steps</p>}
      {metrics.length > 0 && (
        <dl>
          {metrics.map(([name, value]) => (
            <div key={name}>
              <dt>{name.replace(/_ms$/, '').replaceAll('_', ' ')}</dt>
              <dd>{metricOf(name, value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  )
}

function Scans({ trace }: { trace: Trace }) {
  return (
    <table className="plan-scans">
      <caption>What was read of each table</caption>
      <tbody>
        {trace.scans.map((scan, at) => (
          // A table may be read twice.
          <tr key={`${at} ${scan.table}`}>
            <th scope="row">
              {scan.table}
              {scan.scope !== '' && ownerOf(scan.scope) !== undefined && <small> of {ownerOf(scan.scope)}</small>}
            </th>
            <td>
              <ul>
                {countsOf(scan).map(({ name, count: n }) => (
                  <li key={name} data-zero={n === 0}>
                    <b>{count(n)}</b> {name}
                  </li>
                ))}
              </ul>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function toggled(set: ReadonlySet<string>, path: string): ReadonlySet<string> {
  return set.has(path) ? without(set, path) : new Set(set).add(path)
}

function without(set: ReadonlySet<string>, path: string): ReadonlySet<string> {
  return new Set([...set].filter((each) => each !== path))
}
