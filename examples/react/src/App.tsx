import { type FormEvent, useCallback, useEffect, useState } from 'react'
import { Card } from './Card'
import * as store from './store'

export function App() {
  const [notes, setNotes] = useState<store.Note[]>()
  const [draft, setDraft] = useState('')
  const [problem, setProblem] = useState<string>()

  const attempt = useCallback(async (work?: Promise<void>) => {
    try {
      await work
      setNotes(await store.list())
      setProblem(undefined)
      return true
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
      return false
    }
  }, [])

  useEffect(() => {
    void attempt()
    return store.watch(() => void attempt())
  }, [attempt])

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
        <span className="count">{notes && (notes.length === 1 ? '1 note' : `${notes.length} notes`)}</span>
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
      {!notes && !problem && <p className="quiet">Opening the store…</p>}
      {notes?.length === 0 && <p className="quiet">No notes yet. They stay in this browser.</p>}
      <ul>
        {notes?.map((note) => (
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
