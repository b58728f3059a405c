/** The tabs of one pane. */

import { useCallback, useMemo, useState } from 'react'
import type { Tab, TabKeeper } from '../editor/tabs.js'

/** The tabs of a pane, and what can be done with them. */
export interface Tabs {
  readonly all: readonly Tab[]
  readonly active: Tab | undefined
  choose(id: string): void
  /** Opens a new tab with `body`, and shows it. */
  open(title?: string, body?: string): void
  close(id: string): void
  rename(id: string, title: string): void
  edit(id: string, body: string): void
}

/** The tabs of `pane`, of which `kept` were there when the page was opened. */
export function useTabs(pane: number, kept: readonly Tab[], keeper: TabKeeper): Tabs {
  const [all, setAll] = useState<readonly Tab[]>(() => {
    const own = kept.filter((tab) => tab.pane === pane)
    return own.length > 0 ? own : [fresh(pane, 1)]
  })
  const [activeId, setActiveId] = useState(all[0]?.id)
  const active = all.find(({ id }) => id === activeId) ?? all[0]

  const change = useCallback(
    (id: string, of: Partial<Tab>) =>
      setAll((old) =>
        old.map((tab, place) => {
          if (tab.id !== id) {
            return tab
          }
          const changed = { ...tab, ...of }
          keeper.keep(changed, place)
          return changed
        }),
      ),
    [keeper],
  )

  return useMemo(
    () => ({
      all,
      active,
      choose: setActiveId,
      open(title, body) {
        const tab = { ...fresh(pane, firstFree(all)), ...(title === undefined ? {} : { title }), body: body ?? '' }
        setAll([...all, tab])
        setActiveId(tab.id)
        keeper.keep(tab, all.length)
      },
      close(id) {
        const at = all.findIndex((tab) => tab.id === id)
        const left = all.filter((tab) => tab.id !== id)
        const next = left.length > 0 ? left : [fresh(pane, 1)]
        setAll(next)
        setActiveId((old) => (old === id ? next[Math.max(0, at - 1)]?.id : old))
        keeper.forget(id)
      },
      rename: (id, title) => change(id, { title }),
      edit: (id, body) => change(id, { body }),
    }),
    [all, active, change, keeper, pane],
  )
}

function fresh(pane: number, number: number): Tab {
  return { id: crypto.randomUUID(), pane, title: `Query ${number}`, body: '' }
}

/** The smallest number that no tab has. */
function firstFree(tabs: readonly Tab[]): number {
  const taken = new Set(tabs.map(({ title }) => title))
  let number = 1
  while (taken.has(`Query ${number}`)) {
    number++
  }
  return number
}
