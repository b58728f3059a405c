/** The page, from the moment at which the store is open. */

import { useCallback, useEffect, useState } from 'react'
import { History } from '../editor/history.js'
import { type Tab, TabKeeper } from '../editor/tabs.js'
import { FirnDB } from 'firndb'
import { STORE, Store } from '../engine/store.js'
import { Workbench } from './Workbench.js'
import { Mark } from './Mark.js'
import './app.css'

/** An open store, and what the page keeps in it. */
export interface Opened {
  readonly store: Store
  readonly keeper: TabKeeper
  readonly history: History
  readonly tabs: readonly Tab[]
}

type State = { readonly opened: Opened } | { readonly failure: unknown } | { readonly step: string }

export function App() {
  const [state, setState] = useState<State>({ step: 'Starting the engine …' })

  const open = useCallback((step: string, how: () => Promise<Store>) => {
    setState({ step })
    how()
      .then(prepare)
      .then(
        (opened) => setState({ opened }),
        (failure: unknown) => setState({ failure }),
      )
  }, [])

  useEffect(() => open('Starting the engine …', () => Store.open()), [open])

  if ('opened' in state) {
    const { opened } = state
    return (
      <Workbench
        // Another store is another page.
        key={generation(opened)}
        opened={opened}
        onReplace={(archive) => open('Reading the archive …', () => Store.replace(opened.store, archive))}
        onReset={() =>
          open('Deleting everything …', async () => {
            await opened.store.close()
            await FirnDB.delete(STORE)
            return Store.open()
          })
        }
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
        <Failure failure={state.failure} onAgain={() => open('Starting the engine …', () => Store.open())} />
      )}
    </main>
  )
}

async function prepare(store: Store): Promise<Opened> {
  const keeper = new TabKeeper(store.owner)
  const history = new History(store.owner)
  const tabs = await keeper.read()
  await history.open()
  return { store, keeper, history, tabs }
}

const generations = new WeakMap<Opened, number>()
let last = 0

function generation(opened: Opened): number {
  const known = generations.get(opened) ?? ++last
  generations.set(opened, known)
  return known
}

function Failure({ failure, onAgain }: { readonly failure: unknown; onAgain(): void }) {
  const message = failure instanceof Error ? failure.message : String(failure)
  return (
    <div role="alert" className="opening-failure">
      <p>The store could not be opened:</p>
      <pre>{message}</pre>
      <p>
        The page keeps its data in this browser (IndexedDB and OPFS), which needs https or localhost. Another tab with another version
        of the page has to be reloaded first.
      </p>
      <button type="button" className="primary" onClick={onAgain}>
        Try again
      </button>
    </div>
  )
}
