import { type FormEvent, useState } from 'react'
import type { Note } from './store'

interface Props {
  note: Note
  /** Whether it was saved. */
  onSave: (body: string) => Promise<boolean>
  onDelete: () => void
}

const time = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export function Card({ note, onSave, onDelete }: Props) {
  const [body, setBody] = useState<string>()

  if (body === undefined) {
    return (
      <li>
        <p className="body">{note.body}</p>
        <footer>
          <time dateTime={note.changed.toISOString()}>{time.format(note.changed)}</time>
          <button type="button" className="plain" onClick={() => setBody(note.body)}>
            Edit
          </button>
          <button type="button" className="plain danger" onClick={onDelete}>
            Delete
          </button>
        </footer>
      </li>
    )
  }

  const save = async (event: FormEvent) => {
    event.preventDefault()
    if (body.trim() && (await onSave(body.trim()))) {
      setBody(undefined)
    }
  }
  return (
    <li>
      <form onSubmit={(event) => void save(event)}>
        <textarea aria-label="Note" rows={3} autoFocus value={body} onChange={(event) => setBody(event.target.value)} />
        <footer>
          <button type="button" className="plain" onClick={() => setBody(undefined)}>
            Cancel
          </button>
          <button type="submit" disabled={!body.trim()}>
            Save
          </button>
        </footer>
      </form>
    </li>
  )
}
