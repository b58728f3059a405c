/** One file of an import: its table, its columns, and its first rows. */

import { useId } from 'react'
import { bytes, counted } from '../style/numbers.js'
import { ColumnsForm } from './ColumnsForm.js'
import { type Draft, addedId, problemsOf } from './draft.js'
import type { Hints } from './head.js'
import type { Item, ReadyItem } from './items.js'

interface Props {
  readonly item: Item
  /** Names of tables that it cannot have. */
  readonly taken: ReadonlySet<string>
  readonly users: readonly string[]
  readonly onDraft: (draft: Draft) => void
  readonly onHints: (hints: Hints) => void
  readonly onRemove: () => void
}

export function FileForm({ item, taken, users, onDraft, onHints, onRemove }: Props) {
  const name = useId()
  return (
    <section className="transfer-file" aria-labelledby={name}>
      <header className="transfer-file-header">
        <h3 id={name}>{item.file.name}</h3>
        <span className="transfer-facts">{factsOf(item)}</span>
        <button type="button" className="transfer-button" aria-label={`Leave out ${item.file.name}`} onClick={onRemove}>
          Leave out
        </button>
      </header>
      {item.state === 'reading' && <p>Reading the beginning …</p>}
      {item.state === 'unreadable' && (
        <p className="transfer-problem" role="alert">
          {item.message}
        </p>
      )}
      {item.state === 'ready' && (
        <Ready item={item} taken={taken} users={users} onDraft={onDraft} onHints={onHints} />
      )}
    </section>
  )
}

interface ReadyProps extends Omit<Props, 'item' | 'onRemove'> {
  readonly item: ReadyItem
}

function Ready({ item, taken, users, onDraft, onHints }: ReadyProps) {
  const { head, draft, hints, problem } = item
  const problems = problemsOf(draft, taken)
  const change = (some: Partial<Draft>) => onDraft({ ...draft, ...some })
  return (
    <>
      <div className="transfer-fields">
        <label>
          Table
          <input value={draft.table} spellCheck={false} onChange={({ target }) => change({ table: target.value })} />
        </label>
        <label>
          Kind
          <select value={draft.kind} onChange={({ target }) => change({ kind: target.value === 'USER' ? 'USER' : 'SHARED' })}>
            <option value="SHARED">SHARED: everybody’s</option>
            <option value="USER">USER: each user’s own</option>
          </select>
        </label>
        {draft.kind === 'USER' && (
          <label>
            Rows of
            <select value={draft.user} onChange={({ target }) => change({ user: target.value })}>
              <option value="">root, whoever opened the page</option>
              {users
                .filter((user) => user !== 'root')
                .map((user) => (
                  <option key={user}>{user}</option>
                ))}
            </select>
          </label>
        )}
        <label>
          Primary key
          <select
            value={draft.key ?? 'added'}
            onChange={({ target }) => change({ key: target.value === 'added' ? undefined : Number(target.value) })}
          >
            <option value="added">a new column, {addedId(draft)}</option>
            {draft.columns.map((column, at) => (
              <option key={at} value={at}>
                {column.name}
                {head.columns[at]?.isUnique ? '' : ' (not unique)'}
              </option>
            ))}
          </select>
        </label>
        {head.format === 'csv' && <CsvFields said={{ ...head, ...hints }} onHints={onHints} />}
        <label className="transfer-check">
          <input
            type="checkbox"
            checked={draft.skipsBadRows}
            onChange={({ target }) => change({ skipsBadRows: target.checked })}
          />
          Leave out bad rows
        </label>
      </div>
      {problem !== undefined && (
        <p className="transfer-problem" role="alert">
          {problem}
        </p>
      )}
      {head.notes.map((note) => (
        <p key={note} className="transfer-note">
          {note}
        </p>
      ))}
      <ColumnsForm file={item.file.name} head={head} columns={draft.columns} onColumns={(columns) => change({ columns })} />
      {problems.length > 0 && (
        <ul className="transfer-problem" role="alert">
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
    </>
  )
}

const DELIMITERS = { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'bar' } as const

function CsvFields({ said, onHints }: { readonly said: Hints; readonly onHints: (hints: Hints) => void }) {
  return (
    <>
      <label>
        Separated by
        <select value={said.delimiter} onChange={({ target }) => onHints({ delimiter: target.value })}>
          {Object.entries(DELIMITERS).map(([sign, name]) => (
            <option key={sign} value={sign}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className="transfer-check">
        <input
          type="checkbox"
          checked={said.header === true}
          onChange={({ target }) => onHints({ header: target.checked })}
        />
        The first line has names
      </label>
    </>
  )
}

function factsOf(item: Item): string {
  const size = bytes(item.file.size)
  if (item.state !== 'ready') {
    return size
  }
  const { format, rows, isArray } = item.head
  const name = { csv: 'CSV', json: isArray ? 'JSON, an array' : 'JSON, an object a line', parquet: 'Parquet' }[format]
  return [name, size, rows === undefined ? '' : counted(rows, 'row')].filter(Boolean).join(' · ')
}
