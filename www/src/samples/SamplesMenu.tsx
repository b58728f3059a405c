/** The samples as cards, each with what is there of it. */

import { useCallback, useEffect, useId, useRef, useState, useSyncExternalStore } from 'react'
import type { Activities, Activity } from '../engine/activities.js'
import type { Store } from '../engine/store.js'
import { SAMPLES } from './catalogue.js'
import { tablesOf } from './load.js'
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
  const there = useTables(store, open)
  const running = useSyncExternalStore(activities.subscribe, activities.snapshot)

  useEffect(() => {
    if (open) {
      dialog.current?.showModal()
    } else {
      dialog.current?.close()
    }
  }, [open])

  const load = async (sample: Sample) => {
    if (await activities.run(titleOf(sample), 'rows', (progress) => sample.load(store, progress))) {
      onLoaded(sample)
    }
  }
  const remove = (sample: Sample) =>
    activities.run(`Remove ${sample.title}`, 'rows', async () => {
      await sample.remove(store)
      return undefined
    })

  return (
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
            isLoaded={there !== undefined && sample.tables.every((table) => there.has(table))}
            inTheWay={sample.tables.filter((table) => there?.has(table))}
            activity={running.findLast(({ title }) => title === titleOf(sample))}
            onLoad={() => void load(sample)}
            onRemove={() => void remove(sample)}
            onCancel={(id) => activities.cancel(id)}
          />
        ))}
      </ul>
    </dialog>
  )
}

interface CardProps {
  readonly sample: Sample
  readonly isLoaded: boolean
  /** Tables that loading replaces. */
  readonly inTheWay: readonly string[]
  readonly activity: Activity | undefined
  readonly onLoad: () => void
  readonly onRemove: () => void
  readonly onCancel: (id: number) => void
}

function Card({ sample, isLoaded, inTheWay, activity, onLoad, onRemove, onCancel }: CardProps) {
  const name = useId()
  const isBusy = activity?.state === 'running' || activity?.state === 'cancelling'
  return (
    <li className="samples-card" aria-labelledby={name}>
      <h3 id={name}>{sample.title}</h3>
      <p className="samples-facts">
        {sizeOf(sample)}
        {isLoaded && !isBusy && <span className="samples-there">✓ Loaded</span>}
      </p>
      <p>{sample.description}</p>
      <p className="samples-tables">{sample.tables.join(', ')}</p>
      {isBusy ? (
        <Running activity={activity} onCancel={onCancel} />
      ) : (
        <>
          {activity?.state === 'failed' && (
            <p className="samples-failed" role="alert">
              {activity.message}
            </p>
          )}
          <div className="samples-buttons">
            <button type="button" className="samples-button samples-main" aria-describedby={name} onClick={onLoad}>
              {inTheWay.length > 0 ? 'Load again' : 'Load'}
            </button>
            {inTheWay.length > 0 && (
              <>
                <button type="button" className="samples-button" aria-describedby={name} onClick={onRemove}>
                  Remove
                </button>
                <span className="samples-note">Both drop what is in {inTheWay.length > 1 ? 'its tables' : inTheWay[0]}.</span>
              </>
            )}
          </div>
        </>
      )}
    </li>
  )
}

function Running({ activity, onCancel }: { readonly activity: Activity; readonly onCancel: (id: number) => void }) {
  const { id, title, done, total, rate, step, state } = activity
  const count = done > 0 ? `${done.toLocaleString()} rows` : ''
  const speed = done > 0 && rate !== undefined && rate > 0 ? `${Math.round(rate).toLocaleString()} rows/s` : ''
  return (
    <div className="samples-running">
      <progress aria-label={title} {...(done > 0 && total !== undefined ? { value: done, max: total } : {})} />
      <span className="samples-step">{[count, speed, step].filter(Boolean).join(' · ')}</span>
      <button type="button" className="samples-button" disabled={state === 'cancelling'} onClick={() => onCancel(id)}>
        {state === 'cancelling' ? 'Cancelling …' : 'Cancel'}
      </button>
    </div>
  )
}

/** The tables that there are, read when the dialog is opened and whenever something may have changed. */
function useTables(store: Store, open: boolean): ReadonlySet<string> | undefined {
  const [tables, setTables] = useState<ReadonlySet<string>>()
  const look = useCallback(() => tablesOf(store.owner).then(setTables, () => undefined), [store])
  useEffect(() => {
    if (!open) {
      return
    }
    void Promise.allSettled(SAMPLES.map((sample) => sample.tidy(store))).then(look)
    return store.subscribe(look)
  }, [store, open, look])
  return tables
}

function titleOf({ title }: Sample): string {
  return `Load ${title}`
}

function sizeOf({ rows, downloadBytes }: Sample): string {
  const size = downloadBytes > 0 ? `${(downloadBytes / 1e6).toFixed(1)} MB to download` : 'made in the browser'
  return `${rows.toLocaleString()} rows, ${size}`
}
