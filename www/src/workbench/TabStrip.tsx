/** The tabs of a pane's editor. */

import { type KeyboardEvent, useLayoutEffect, useRef, useState } from 'react'
import type { Tab } from '../editor/tabs.js'
import { type TabList, useTabs } from './tabs.js'

export function TabStrip({ tabs }: { readonly tabs: TabList }) {
  const list = useRef<HTMLDivElement>(null)
  const [renaming, setRenaming] = useState<string>()
  /** Set where the focus was on what is gone with the next rendering. */
  const [refocus, setRefocus] = useState(0)
  const { all, active } = useTabs(tabs)

  const shown = () => list.current?.querySelector<HTMLElement>('[role=tab][aria-selected=true]')
  useLayoutEffect(() => {
    shown()?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [active.id, all.length])
  useLayoutEffect(() => {
    if (refocus > 0) {
      shown()?.focus()
    }
  }, [refocus])
  const keepFocus = () => setRefocus((count) => count + 1)

  const close = (id: string) => {
    tabs.close(id)
    keepFocus()
  }
  const go = (to: number) => {
    const tab = all[(to + all.length) % all.length]
    if (tab) {
      tabs.choose(tab.id)
      keepFocus()
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
      close(tab.id)
    } else if (event.key === 'z' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      tabs.reopen()
      keepFocus()
    }
  }

  return (
    <div className="tabs">
      <div className="tabs-list" role="tablist" aria-label="Texts" ref={list}>
        {all.map((tab, at) =>
          tab.id === renaming ? (
            <Title
              key={tab.id}
              tab={tab}
              onDone={(title, byKey) => {
                setRenaming(undefined)
                if (title !== undefined && title !== tab.title) {
                  tabs.rename(tab.id, title)
                }
                if (byKey) {
                  keepFocus()
                }
              }}
            />
          ) : (
            <button
              key={tab.id}
              type="button"
              role="tab"
              aria-selected={tab.id === active.id}
              tabIndex={tab.id === active.id ? 0 : -1}
              title={`${tab.title} (F2 renames, Delete closes)`}
              onClick={() => tabs.choose(tab.id)}
              onDoubleClick={() => setRenaming(tab.id)}
              onKeyDown={(event) => press(event, tab, at)}
            >
              {tab.title}
            </button>
          ),
        )}
      </div>
      {all.length > 1 && (
        <button type="button" className="icon" aria-label={`Close ${active.title}`} onClick={() => close(active.id)}>
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
function Title({ tab, onDone }: { readonly tab: Tab; onDone(title: string | undefined, byKey: boolean): void }) {
  const [title, setTitle] = useState(tab.title)
  return (
    <input
      className="tabs-title"
      aria-label="Title"
      autoFocus
      onFocus={(event) => event.target.select()}
      value={title}
      onChange={(event) => setTitle(event.target.value)}
      onBlur={() => onDone(title.trim() || undefined, false)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') {
          onDone(title.trim() || undefined, true)
        } else if (event.key === 'Escape') {
          onDone(undefined, true)
        }
      }}
    />
  )
}
