/** The tabs of a pane's editor. */

import { type KeyboardEvent, useRef, useState } from 'react'
import type { Tab } from '../editor/tabs.js'
import type { Tabs } from './tabs.js'

export function TabStrip({ tabs }: { readonly tabs: Tabs }) {
  const list = useRef<HTMLDivElement>(null)
  const [renaming, setRenaming] = useState<string>()
  const { all, active } = tabs

  const go = (to: number) => {
    const tab = all[(to + all.length) % all.length]
    if (tab) {
      tabs.choose(tab.id)
      list.current?.querySelector<HTMLElement>(`[data-tab="${tab.id}"]`)?.focus()
    }
  }
  const press = (event: KeyboardEvent, tab: Tab, at: number) => {
    const steps: Record<string, number> = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }
    const to = steps[event.key]
    if (to !== undefined) {
      event.preventDefault()
      go(to)
    } else if (event.key === 'F2') {
      setRenaming(tab.id)
    } else if (event.key === 'Delete') {
      event.preventDefault()
      tabs.close(tab.id)
    }
  }

  return (
    <div className="tabs">
      <div className="tabs-list" role="tablist" aria-label="Texts" ref={list}>
        {all.map((tab, at) =>
          tab.id === renaming ? (
            <Title key={tab.id} tab={tab} onDone={(title) => {
              setRenaming(undefined)
              if (title !== undefined) {
                tabs.rename(tab.id, title)
              }
            }} />
          ) : (
            <button
              key={tab.id}
              type="button"
              role="tab"
              data-tab={tab.id}
              aria-selected={tab === active}
              tabIndex={tab === active ? 0 : -1}
              title="F2 renames, Delete closes"
              onClick={() => tabs.choose(tab.id)}
              onDoubleClick={() => setRenaming(tab.id)}
              onKeyDown={(event) => press(event, tab, at)}
            >
              {tab.title}
            </button>
          ),
        )}
      </div>
      {active && all.length > 1 && (
        <button type="button" className="icon" aria-label={`Close ${active.title}`} onClick={() => tabs.close(active.id)}>
          ×
        </button>
      )}
      <button type="button" className="icon" aria-label="New text" onClick={() => tabs.open()}>
        +
      </button>
    </div>
  )
}

/** The title of `tab` while it is typed. */
function Title({ tab, onDone }: { readonly tab: Tab; onDone(title?: string): void }) {
  const [title, setTitle] = useState(tab.title)
  return (
    <input
      className="tabs-title"
      aria-label="Title"
      autoFocus
      value={title}
      onChange={(event) => setTitle(event.target.value)}
      onBlur={() => onDone(title.trim() || undefined)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') {
          onDone(title.trim() || undefined)
        } else if (event.key === 'Escape') {
          onDone()
        }
      }}
    />
  )
}
