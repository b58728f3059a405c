/** The views beside the panes; on a narrow page, where one thing is shown at a time, the way to all of them. */

import { type KeyboardEvent, type ReactNode, useRef, useState } from 'react'

/** A view of the dock. */
export type DockView = 'storage' | 'plan' | 'tables' | 'audit' | 'history'

const VIEWS: readonly { readonly id: DockView; readonly title: string }[] = [
  { id: 'storage', title: 'Storage' },
  { id: 'plan', title: 'Plan' },
  { id: 'tables', title: 'Tables' },
  { id: 'audit', title: 'Audit' },
  { id: 'history', title: 'History' },
]

interface Properties {
  /** The view that a narrow page shows in the place of the panes, if it does. */
  readonly view: DockView | undefined
  onView(view: DockView | 'query'): void
  /** A view, and whether it is shown: one that was looked at stays as it is while others are. */
  readonly children: (view: DockView, isShown: boolean) => ReactNode
}

/** Moves the focus to `view` as a whole. */
export function focusView(view: DockView): void {
  document.getElementById(`dock-view-${view}`)?.focus()
}

export function Dock({ view, onView, children }: Properties) {
  const [last, setLast] = useState<DockView>('storage')
  const shown = view ?? last
  const seen = useRef(new Set<DockView>())
  seen.current.add(shown)
  const choose = (to: DockView | 'query') => {
    if (to !== 'query') {
      setLast(to)
    }
    onView(to)
  }
  const press = (event: KeyboardEvent<HTMLElement>) => {
    const at = VIEWS.findIndex(({ id }) => id === shown)
    const steps: Record<string, number> = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: VIEWS.length - 1 }
    const to = steps[event.key]
    const next = to === undefined ? undefined : VIEWS[(to + VIEWS.length) % VIEWS.length]
    if (next) {
      event.preventDefault()
      choose(next.id)
      document.getElementById(`dock-tab-${next.id}`)?.focus()
    }
  }
  return (
    <>
      <aside className="dock" aria-label="What is stored, and how it was read">
        <div className="dock-tabs" role="tablist" aria-label="Views">
          {VIEWS.map(({ id, title }) => (
            <button
              key={id}
              id={`dock-tab-${id}`}
              type="button"
              role="tab"
              aria-selected={id === shown}
              aria-controls={`dock-view-${id}`}
              tabIndex={id === shown ? 0 : -1}
              onClick={() => choose(id)}
              onKeyDown={press}
            >
              {title}
            </button>
          ))}
        </div>
        {VIEWS.map(({ id }) => (
          <div
            key={id}
            id={`dock-view-${id}`}
            className="dock-view"
            role="tabpanel"
            aria-labelledby={`dock-tab-${id}`}
            tabIndex={0}
            hidden={id !== shown}
          >
            {seen.current.has(id) && children(id, id === shown)}
          </div>
        ))}
      </aside>
      <nav className="narrow-nav" aria-label="Parts of the page">
        {[{ id: 'query' as const, title: 'Query' }, ...VIEWS].map(({ id, title }) => (
          <button key={id} type="button" aria-current={id === (view ?? 'query') ? 'page' : undefined} onClick={() => choose(id)}>
            {title}
          </button>
        ))}
      </nav>
    </>
  )
}
