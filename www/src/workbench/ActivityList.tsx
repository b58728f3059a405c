/** Long work that is under way: how far, how fast, and a button to end it. */

import { useSyncExternalStore } from 'react'
import type { Activities, Activity } from '../engine/activities.js'

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

function Card({ activity, activities }: { readonly activity: Activity; readonly activities: Activities }) {
  const { id, title, state, done, total, message, step } = activity
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

/** Bytes in thousands, anything else with its unit. */
function amount(count: number, unit: string): string {
  if (unit !== 'bytes') {
    return `${Math.round(count).toLocaleString('en')} ${unit}`
  }
  return count >= 1e6 ? `${(count / 1e6).toFixed(1)} MB` : `${Math.round(count / 1e3)} kB`
}
