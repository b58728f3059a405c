/** The samples as cards, each with what is there of it. */

import { useId, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import type { Activities, Activity } from '../engine/activities.js'
import { calledBy } from '../engine/names.js'
import { useReading } from '../engine/reading.js'
import type { Store } from '../engine/store.js'
import { PassingButton } from '../style/focus.js'
import { bytes, count, counted } from '../style/numbers.js'
import { ConfirmDialog } from '../transfer/Dialog.js'
import { SAMPLES } from './catalogue.js'
import { type Found, among, foundTables } from './ownership.js'
import type { Sample } from './sample.js'
import './samples.css'

interface Props {
  readonly store: Store
  readonly activities: Activities
  /** Called once a sample is there as a whole. */
  readonly onLoaded: (sample: Sample) => void
  readonly open: boolean
  readonly onClose: () => void
}

/** What to load, to load again, or to remove. */
export function SamplesDialog({ store, activities, onLoaded, open, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const title = useId()
  const there = useFound(store, open)
  const running = useSyncExternalStore(activities.subscribe, activities.snapshot)

  // In a layout effect: to close it in a later one puts two costly updates into one task.
  useLayoutEffect(() => {
    if (open) {
      dialog.current?.showModal()
    } else {
      dialog.current?.close()
    }
  }, [open])

  /** What is asked about before it is loaded. */
  const [asked, setAsked] = useState<Sample>()

  const load = async (sample: Sample, replaces = false) => {
    if (await activities.run(titleOf(sample), 'rows', (progress) => sample.load(store, progress, replaces))) {
      onLoaded(sample)
    }
  }
  /** Those of somebody's own that have the names of a sample's. */
  const othersOf = ({ tables }: Sample) => among(there ?? new Map(), tables).filter(({ isOwn }) => !isOwn)
  const remove = (sample: Sample) =>
    activities.run(`Remove ${sample.title}`, 'rows', async () => {
      await sample.remove(store)
      return undefined
    })

  return (
    <>
      <dialog ref={dialog} className="samples" aria-labelledby={title} onClose={onClose}>
        <header className="samples-header">
          <h2 id={title}>Samples</h2>
          <button type="button" className="samples-button" onClick={onClose}>
            Close
          </button>
        </header>
        <ul className="samples-cards">
          {SAMPLES.map((sample) => (
            <Card
              key={sample.id}
              sample={sample}
              own={among(there ?? new Map(), sample.tables).filter(({ isOwn }) => isOwn)}
              others={othersOf(sample)}
              activity={running.findLast(({ title }) => title === titleOf(sample))}
              onLoad={() => (othersOf(sample).length > 0 ? setAsked(sample) : void load(sample))}
              onRemove={() => void remove(sample)}
              onCancel={(id) => activities.cancel(id)}
            />
          ))}
        </ul>
      </dialog>
      <ConfirmDialog
        title={`Load ${asked?.title ?? ''}, and drop what is there?`}
        open={asked !== undefined}
        verb="Drop and load"
        onNo={() => setAsked(undefined)}
        onYes={() => {
          setAsked(undefined)
          if (asked) {
            void load(asked, true)
          }
        }}
      >
        {asked && (
          <p>
            <strong>This cannot be undone.</strong> {listed(othersOf(asked))} already, which this sample did not make.
            All rows are lost, of all users.
          </p>
        )}
      </ConfirmDialog>
    </>
  )
}

function listed(tables: readonly Found[]): string {
  const names = tables.map(calledBy).join(', ')
  return tables.length === 1 ? `There is a table ${names}` : `There are tables ${names}`
}

interface CardProps {
  readonly sample: Sample
  /** Of its tables those that are there. */
  readonly own: readonly Found[]
  /** Somebody's own that have their names. */
  readonly others: readonly Found[]
  readonly activity: Activity | undefined
  readonly onLoad: () => void
  readonly onRemove: () => void
  readonly onCancel: (id: number) => void
}

function Card({ sample, own, others, activity, onLoad, onRemove, onCancel }: CardProps) {
  const name = useId()
  const card = useRef<HTMLLIElement>(null)
  const goOn = () => card.current?.focus()
  const isLoaded = own.length === sample.tables.length
  const isBusy = activity?.state === 'running' || activity?.state === 'cancelling'
  return (
    <li ref={card} className="samples-card" aria-labelledby={name} tabIndex={-1}>
      <h3 id={name}>{sample.title}</h3>
      <p className="samples-facts">
        {sizeOf(sample)}
        {isLoaded && !isBusy && <span className="samples-there">✓ Loaded</span>}
      </p>
      <p>{sample.description}</p>
      <p className="samples-tables">{sample.tables.map(calledBy).join(', ')}</p>
      {isBusy ? (
        <Running activity={activity} onCancel={onCancel} goOn={goOn} />
      ) : (
        <>
          {activity?.state === 'failed' && (
            <p className="samples-failed" role="alert">
              {activity.message}
            </p>
          )}
          <div className="samples-buttons">
            <PassingButton goOn={goOn} className="samples-button samples-main" aria-describedby={name} onClick={onLoad}>
              {own.length > 0 ? 'Load again' : 'Load'}
            </PassingButton>
            {own.length > 0 && (
              <>
                <PassingButton goOn={goOn} className="samples-button" aria-describedby={name} onClick={onRemove}>
                  Remove
                </PassingButton>
                <span className="samples-note">Both drop what is in {own.length > 1 ? 'its tables' : own.map(calledBy)}.</span>
              </>
            )}
            {others.length > 0 && (
              <span className="samples-note">
                {listed(others)} of your own: you are asked before {others.length === 1 ? 'it is' : 'they are'} dropped.
              </span>
            )}
          </div>
        </>
      )}
    </li>
  )
}

interface RunningProps {
  readonly activity: Activity
  readonly onCancel: (id: number) => void
  /** Moves the focus on from the button. */
  readonly goOn: () => void
}

function Running({ activity, onCancel, goOn }: RunningProps) {
  const { id, title, done, total, rate, step, state } = activity
  const rows = done > 0 ? counted(done, 'row') : ''
  const speed = done > 0 && rate !== undefined && rate > 0 ? `${count(Math.round(rate))} rows/s` : ''
  return (
    <div className="samples-running">
      <progress aria-label={title} {...(done > 0 && total !== undefined ? { value: done, max: total } : {})} />
      <span className="samples-step">{[rows, speed, step].filter(Boolean).join(' · ')}</span>
      <PassingButton goOn={goOn} className="samples-button" aria-disabled={state === 'cancelling'} onClick={() => onCancel(id)}>
        {state === 'cancelling' ? 'Cancelling …' : 'Cancel'}
      </PassingButton>
    </div>
  )
}

/** The tables that there are, read when the dialog is opened and whenever something may have changed. */
function useFound(store: Store, open: boolean): ReadonlyMap<string, Found> | undefined {
  const read = useMemo(() => {
    /** What tabs have left that ended while they loaded something goes first. */
    let tidied: Promise<unknown> | undefined
    return async () => {
      tidied ??= Promise.allSettled(SAMPLES.map((sample) => sample.tidy(store)))
      await tidied
      return foundTables(store.owner)
    }
    // Each time that it is opened somebody may have left something.
  }, [store, open])
  return useReading(store, open ? read : undefined).value
}

function titleOf({ title }: Sample): string {
  return `Load ${title}`
}

function sizeOf({ rows, downloadBytes }: Sample): string {
  const size = downloadBytes > 0 ? `${bytes(downloadBytes)} to download` : 'made in the browser'
  return `${counted(rows, 'row')}, ${size}`
}
