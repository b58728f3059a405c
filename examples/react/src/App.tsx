import type { FirnDB } from 'firndb'
import { useLiveQuery } from 'firndb/react'
import { type FormEvent, useEffect, useState } from 'react'
import { Card } from './Card'
import * as store from './store'

export function App() {
  const [db, setDb] = useState<FirnDB>()
  const [draft, setDraft] = useState('')
  const [failure, setFailure] = useState<string>()
  // Whatever is written, here or in another tab, is shown by this.
  const { rows: notes, error, loading } = useLiveQuery<store.Note>(db, store.LIST)
  const problem = failure ?? error?.message

  const attempt = async (work: Promise<unknown>) => {
    try {
      await work
      setFailure(undefined)
      return true
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
      return false
    }
  }

  useEffect(() => {
    void attempt(store.opening.then(setDb))
  }, [])

  const add = async (event: FormEvent) => {
    event.preventDefault()
    const body = draft.trim()
    if (body && (await attempt(store.add(body)))) {
      setDraft('')
    }
  }

  return (
    <main>
      <header>
        <h1>Notes</h1>
        <span className="count">{!loading && (notes.length === 1 ? '1 note' : `${notes.length} notes`)}</span>
      </header>
      <form className="new" onSubmit={(event) => void add(event)}>
        <input
          aria-label="New note"
          placeholder="Write a note"
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
        />
        <button type="submit" disabled={!draft.trim()}>
          Add
        </button>
      </form>
      {problem && <p role="alert">{problem}</p>}
      {loading && !problem && <p className="quiet">Opening the store…</p>}
      {!loading && notes.length === 0 && <p className="quiet">No notes yet. They stay in this browser.</p>}
      <ul>
        {notes.map((note) => (
          <Card
            key={String(note.id)}
            note={note}
            onSave={(body) => attempt(store.edit(note.id, body))}
            onDelete={() => attempt(store.remove(note.id))}
          />
        ))}
      </ul>
    </main>
  )
}
