/** The page, from the moment at which the store is open. */

import { FirnDBError } from 'firndb'
import { useSyncExternalStore } from 'react'
import { Store } from '../engine/store.js'
import type { Visit } from '../engine/visit.js'
import { adviceOf } from './advice.js'
import { Mark } from './Mark.js'
import type { Opened } from './opened.js'
import { Workbench } from './Workbench.js'
import './app.css'

export function App({ visit }: { readonly visit: Visit<Opened> }) {
  const state = useSyncExternalStore(visit.subscribe, visit.state)
  if ('opened' in state) {
    const { opened } = state
    const { store, keeper } = opened
    // What is not yet written waits elsewhere until the store is gone: where that fails, the next page has it.
    const discard = () => keeper.discard()
    return (
      <Workbench
        // Another store is another page.
        key={generation(opened)}
        opened={opened}
        onReplace={(archive) => {
          keeper.leave()
          visit.open('Reading the archive …', 'The archive did not take the place of the store', () =>
            Store.replace(store, archive, discard),
          )
        }}
        onReset={() => {
          keeper.leave()
          visit.open('Deleting everything …', 'Not everything was deleted', () => Store.reset(store, discard))
        }}
      />
    )
  }
  return (
    <main className="opening">
      <Mark />
      <h1>FirnDB</h1>
      {'step' in state ? (
        <p role="status">
          <span className="spinner" aria-hidden="true" /> {state.step}
        </p>
      ) : (
        <Failure what={state.what} failure={state.failure} onAgain={() => visit.start()} />
      )}
    </main>
  )
}

const generations = new WeakMap<Opened, number>()
let last = 0

function generation(opened: Opened): number {
  const known = generations.get(opened) ?? ++last
  generations.set(opened, known)
  return known
}

function Failure({ what, failure, onAgain }: { readonly what: string; readonly failure: unknown; onAgain(): void }) {
  const code = failure instanceof FirnDBError ? failure.code : undefined
  const message = failure instanceof Error ? failure.message : String(failure)
  const advice = adviceOf(failure)
  return (
    <div role="alert" className="opening-failure">
      <p>{what}:</p>
      <pre>
        {code !== undefined && `${code}: `}
        {message}
      </pre>
      {advice !== undefined && <p>{advice}</p>}
      <button type="button" className="primary" onClick={onAgain}>
        Open the store
      </button>
    </div>
  )
}
