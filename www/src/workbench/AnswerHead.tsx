/** Above an answer, where that is not plain: of which text it is, and where in that text its error is. */

import { Text } from '@codemirror/state'
import { flushSync } from 'react-dom'
import { placeIn } from '../editor/mistakes.js'
import type { Outcome } from '../engine/run.js'
import { type TabList, useTabs } from './tabs.js'

/** What was run: a text, as it was then. */
export interface Asked {
  readonly tab: string
  readonly title: string
  readonly text: string
}

interface Properties {
  readonly asked: Asked
  readonly outcome: Outcome
  readonly tabs: TabList
  /** Puts the cursor at a place of the text that is shown. */
  onPlace(at: number): void
}

export function AnswerHead({ asked, outcome, tabs, onPlace }: Properties) {
  const { all, active } = useTabs(tabs)
  const tab = all.find(({ id }) => id === asked.tab)
  const isElsewhere = active.id !== asked.tab
  const place =
    outcome.kind === 'failed' ? placeIn(Text.of(asked.text.split('\n')), outcome.error, outcome.offset) : undefined
  if (!isElsewhere && !place) {
    return null
  }
  const where = place && `line ${place.line}, column ${place.column} of the text`
  const goTo = (at: number) => {
    // The text has to be shown before the cursor can be in it.
    flushSync(() => tabs.choose(asked.tab))
    onPlace(at)
  }
  return (
    <div className="pane-answer">
      {isElsewhere && (
        <p>
          Answer of{' '}
          {tab ? (
            <button type="button" onClick={() => tabs.choose(asked.tab)}>
              {tab.title}
            </button>
          ) : (
            <b>{asked.title}, which is closed</b>
          )}
        </p>
      )}
      {place && tab && (
        <button type="button" onClick={() => goTo(place.at)}>
          At {where}
        </button>
      )}
    </div>
  )
}
