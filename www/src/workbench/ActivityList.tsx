/** Long work that is under way: how far, how fast, and a button to end it. */

import { useEffect, useSyncExternalStore } from 'react'
import type { Activities, Activity } from '../engine/activities.js'
import { bytes, count } from '../style/numbers.js'

export function ActivityList({ activities }: { readonly activities: Activities }) {
  const list = useSyncExternalStore(activities.subscribe, activities.snapshot)
  return (
    <section className="activities" aria-label="Work under way">
      {list.map((activity) => (
        <Card key={activity.id} activity={activity} activities={activities} />
      ))}
    </section>
  )
}

/** How long work that is done, and of which there is no more to say, stays. */
const GLANCE_MS = 3_000

function Card({ activity, activities }: { readonly activity: Activity; readonly activities: Activities }) {
  const { id, title, state, done, total, message, step } = activity
  useEffect(() => {
    if (state !== 'done' || message !== undefined) {
      return
    }
    const timer = setTimeout(() => activities.dismiss(id), GLANCE_MS)
    return () => clearTimeout(timer)
  }, [activities, id, state, message])
  const over = state !== 'running' && state !== 'cancelling'
  return (
    <article className="activity" data-state={state} aria-label={title}>
      <p className="activity-title">{title}</p>
      {over ? (
        <p role={state === 'failed' ? 'alert' : 'status'} className="activity-message">
          {message ?? 'Done.'}
        </p>
      ) : (
        <>
          {total === undefined ? (
            <progress aria-label={title} />
          ) : (
            <progress aria-label={title} value={done} max={Math.max(total, 1)} />
          )}
          <p className="activity-numbers">
            {amounts(activity)}
            {step !== undefined && <span className="activity-step">{step}</span>}
          </p>
        </>
      )}
      {over ? (
        <button type="button" className="icon" aria-label={`Dismiss: ${title}`} onClick={() => activities.dismiss(id)}>
          ×
        </button>
      ) : (
        <button type="button" disabled={state === 'cancelling'} aria-label={`Cancel: ${title}`} onClick={() => activities.cancel(id)}>
          {state === 'cancelling' ? 'Cancelling …' : 'Cancel'}
        </button>
      )}
    </article>
  )
}

function amounts({ done, total, unit, rate }: Activity): string {
  const whole = total === undefined ? amount(done, unit) : `${amount(done, unit)} of ${amount(total, unit)}`
  return rate === undefined || rate <= 0 ? whole : `${whole}, ${amount(rate, unit)}/s`
}

function amount(done: number, unit: string): string {
  return unit === 'bytes' ? bytes(Math.round(done)) : `${count(Math.round(done))} ${unit}`
}
