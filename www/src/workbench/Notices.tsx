/** What the page has to say beside its work: a text that was closed and can be had again, and texts that are not kept. */

import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import type { TabKeeper } from '../editor/tabs.js'
import { PassingButton } from '../style/focus.js'
import { type TabList, useTabs } from './tabs.js'

interface ClosedProperties {
  readonly tabs: TabList
  /** Moves the focus on from a button that goes. */
  goOn(): void
}

export function ClosedNotice({ tabs, goOn }: ClosedProperties) {
  const { closed } = useTabs(tabs)
  return (
    <div role="status">
      {closed && (
        <p className="notice">
          <span className="notice-text">Closed “{closed.tab.title}”.</span>
          <PassingButton goOn={goOn} onClick={() => tabs.reopen()}>
            Undo
          </PassingButton>
        </p>
      )}
    </div>
  )
}

interface TroubleProperties {
  readonly keeper: TabKeeper
  /** Moves the focus on from a button that goes. */
  goOn(): void
}

export function TroubleNotice({ keeper, goOn }: TroubleProperties) {
  const trouble = useSyncExternalStore(keeper.subscribe, keeper.trouble)
  const [dismissed, setDismissed] = useState<string>()
  const last = useRef(trouble)
  useEffect(() => {
    // The same trouble, once it was over, is told again.
    if (trouble !== last.current) {
      last.current = trouble
      setDismissed(undefined)
    }
  }, [trouble])
  return (
    <div role="alert">
      {trouble !== undefined && trouble !== dismissed && (
        <p className="notice" data-state="failed">
          <span className="notice-text">What is typed is not kept for the next visit: {trouble}</span>
          <PassingButton goOn={goOn} className="icon" aria-label="Dismiss: texts are not kept" onClick={() => setDismissed(trouble)}>
            ×
          </PassingButton>
        </p>
      )}
    </div>
  )
}
