/** The page, from the moment at which the store is open. */

import { useCallback, useEffect, useRef, useState } from 'react'
import { History } from '../editor/history.js'
import { type Tab, TabKeeper } from '../editor/tabs.js'
import { FirnDBError } from 'firndb'
import { OWNER, Store } from '../engine/store.js'
import { whenAsked } from '../engine/windows.js'
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

type State = { readonly opened: Opened } | { readonly failure: unknown; readonly what: string } | { readonly step: string }

/** `opening` is the store as the page is loaded; whoever asks again after a failure opens another. */
export function App({ opening }: { readonly opening: Promise<Store> }) {
  const [state, setState] = useState<State>({ step: 'Starting the engine …' })

  /** Opens a store; `what` did not work if it fails. */
  const open = useCallback((step: string, what: string, how: () => Promise<Store>) => {
    setState({ step })
    how()
      .then(prepare)
      .then(
        (opened) => setState({ opened }),
        (failure: unknown) => setState({ failure, what }),
      )
  }, [])
  const start = useCallback((how = Store.open) => open('Starting the engine …', 'The store could not be opened', how), [open])

  useEffect(() => start(() => opening), [start, opening])

  const store = 'opened' in state ? state.opened.store : undefined
  /** A window that was opened since others were asked to leave has nothing to come back to. */
  const hasLeft = useRef(false)
  useEffect(
    () =>
      whenAsked(
        () => {
          hasLeft.current = true
          setState({ step: 'Another window deletes the store, or puts another in its place …' })
          void store?.close()
        },
        () => {
          if (hasLeft.current) {
            hasLeft.current = false
            start()
          }
        },
      ),
    [store, start],
  )

  if ('opened' in state) {
    const { opened } = state
    return (
      <Workbench
        // Another store is another page.
        key={generation(opened)}
        opened={opened}
        onReplace={(archive) =>
          open('Reading the archive …', 'The archive did not take the place of the store', () => Store.replace(opened.store, archive))
        }
        onReset={() => open('Deleting everything …', 'Not everything was deleted', () => Store.reset(opened.store))}
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
        <Failure what={state.what} failure={state.failure} onAgain={() => start()} />
      )}
    </main>
  )
}

async function prepare(store: Store): Promise<Opened> {
  try {
    const keeper = new TabKeeper(store.owner, store.settled)
    const history = new History(store.owner)
    // What the first query needs comes first, and at once.
    store.databaseOf(OWNER, 'left').catch(() => undefined)
    const tabs = await keeper.read()
    return { store, keeper, history, tabs }
  } catch (error) {
    await store.close()
    throw error
  }
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
  return (
    <div role="alert" className="opening-failure">
      <p>{what}:</p>
      <pre>
        {code !== undefined && `${code}: `}
        {message}
      </pre>
      <p>
        {code === 'Locked'
          ? 'Another tab has it open: close the other tabs of this page.'
          : 'The page keeps its data in this browser (IndexedDB and OPFS), which needs https or localhost.'}
      </p>
      <button type="button" className="primary" onClick={onAgain}>
        Open the store
      </button>
    </div>
  )
}
