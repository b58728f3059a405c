/** Long work that is under way: how far, how fast, and a button to end it. */

import { useEffect, useSyncExternalStore } from 'react'
import type { Activities, Activity } from '../engine/activities.js'
import { PassingButton } from '../style/focus.js'
import { bytes, count } from '../style/numbers.js'

interface Properties {
  readonly activities: Activities
  /** Moves the focus on from a button that goes. */
  goOn(): void
}

export function ActivityList({ activities, goOn }: Properties) {
  const list = useSyncExternalStore(activities.subscribe, activities.snapshot)
  return (
    <section className="activities" aria-label="Work under way">
      {list.map((activity) => (
        <Card key={activity.id} activity={activity} activities={activities} goOn={goOn} />
      ))}
      {/* There before it has a text, or it would not be read out; what failed is an alert. */}
      <div role="status" aria-atomic={false} className="unseen">
        {list
          .filter(({ state }) => state === 'done' || state === 'cancelled')
          .map(({ id, title, message }) => (
            <p key={id}>
              {title}: {message ?? DONE}
            </p>
          ))}
      </div>
    </section>
  )
}

const DONE = 'Done.'

/** How long work that is done, and of which there is no more to say, stays. */
const GLANCE_MS = 3_000

function Card({ activity, activities, goOn }: Properties & { readonly activity: Activity }) {
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
        <p role={state === 'failed' ? 'alert' : undefined} className="activity-message">
          {message ?? DONE}
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
      {/* One button, which keeps the focus from the beginning to the end. */}
      <PassingButton
        goOn={goOn}
        className={over ? 'icon' : undefined}
        aria-disabled={state === 'cancelling'}
        aria-label={`${over ? 'Dismiss' : 'Cancel'}: ${title}`}
        onClick={() => (over ? activities.dismiss(id) : activities.cancel(id))}
      >
        {over ? '×' : state === 'cancelling' ? 'Cancelling …' : 'Cancel'}
      </PassingButton>
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
