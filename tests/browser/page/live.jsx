/** A list of words that stays as it is in the store, with the hook of the package. */

import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { useLiveQuery } from 'firndb/react'
import { FirnDB } from './firndb/browser.js'

/** How often a query was begun. */
globalThis.begun = 0

function Words({ db, user, like }) {
  // The array is another each time.
  const { rows, error, loading } = useLiveQuery(db, 'SELECT word FROM words WHERE word LIKE $1 ORDER BY word', [like])
  return (
    <p id={user}>
      {loading ? '(loading)' : error ? `(${error.code})` : rows.length === 0 ? '(none)' : rows.map(({ word }) => word).join(' ')}
    </p>
  )
}

function App() {
  const [stores, setStores] = useState({})
  const [like, setLike] = useState('%')
  const [times, setTimes] = useState(0)
  const [shown, setShown] = useState(true)
  Object.assign(globalThis, { setStores, setLike, setTimes, setShown })
  return (
    <>
      <h1>{times}</h1>
      {shown && ['alice', 'bob'].map((user) => <Words key={user} user={user} db={stores[user]} like={like} />)}
    </>
  )
}

/** Counts the queries that are begun on `db`. */
function counted(db) {
  return {
    live: {
      query(...asked) {
        globalThis.begun += 1
        return db.live.query(...asked)
      },
    },
  }
}

/** Gives the components their stores. */
globalThis.show = (db) => globalThis.setStores({ alice: counted(db.as('alice')), bob: counted(db.as('bob')) })
globalThis.FirnDB = FirnDB
const main = document.createElement('main')
document.body.append(main)
createRoot(main).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
