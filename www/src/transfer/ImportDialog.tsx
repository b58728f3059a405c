/** Files on their way into tables: what was found in each, and what is chosen for it. */

import { useCallback, useEffect, useRef, useState } from 'react'
import type { Activities } from '../engine/activities.js'
import { type TableName, calledBy, tableCalled, tablesOf } from '../engine/names.js'
import type { Store } from '../engine/store.js'
import { Dialog } from './Dialog.js'
import { FileChooser } from './FileChooser.js'
import { FileForm } from './FileForm.js'
import { ReplaceDialog } from './Losses.js'
import { problemsOf } from './draft.js'
import { type Hints, formatOf } from './head.js'
import { importFile } from './import-file.js'
import { archiveProblem } from './look.js'
import { type Item, asSaid, isLookedAt, itemOf, looked, seenAgain } from './items.js'

interface Props {
  readonly store: Store
  readonly activities: Activities
  readonly open: boolean
  readonly onClose: () => void
  /** Files that were dropped or chosen already; another list is another drop. */
  readonly files?: readonly File[]
  /** Called with each table once it is there as a whole. */
  readonly onImported: (table: TableName) => void
  /** Called when an archive is to take the place of the store, which was asked for already. */
  readonly onReplace: (archive: Blob) => void
}

/** What to import. */
export function ImportDialog({ store, activities, open, onClose, files, onImported, onReplace }: Props) {
  const [items, setItems] = useState<readonly Item[]>([])
  const [archive, setArchive] = useState<File>()
  const [taken, setTaken] = useState<ReadonlySet<string>>(new Set())
  const [users, setUsers] = useState<readonly string[]>([])

  /** Aborted when the dialog is closed: what was being done for it is for nobody then. */
  const visit = useRef(new AbortController())

  const change = useCallback((file: File, how: (item: Item) => Item) => {
    setItems((all) => all.map((each) => (each.file === file ? how(each) : each)))
  }, [])

  const add = useCallback(
    async (chosen: readonly File[]) => {
      const { signal } = visit.current
      const tables = await tablesOf(store.owner).catch(() => new Set<string>())
      if (signal.aborted) {
        return
      }
      setTaken(tables)
      const used = new Set(tables)
      const archives: File[] = []
      for (const file of chosen) {
        if (formatOf(file.name) === 'archive' && (await archiveProblem(file)) === undefined) {
          archives.push(file)
        }
      }
      if (signal.aborted) {
        return
      }
      setArchive(archives[0])
      const others = chosen.filter((file) => !archives.includes(file))
      const keys = new Set(others.map(keyOf))
      setItems((all) => [...all.filter(({ file }) => !keys.has(keyOf(file))), ...others.map((file): Item => ({ state: 'reading', file }))])
      for (const file of others) {
        const item = itemOf(await looked(file), used)
        if (signal.aborted) {
          return
        }
        if (item.state === 'ready') {
          used.add(nameOf(item.draft.table))
        }
        change(file, () => item)
      }
    },
    [store, change],
  )

  /** Has `item` looked at again, as somebody says that it is. */
  const lookAgain = (item: Item, said: Hints) => {
    if (item.state === 'ready') {
      const asked = asSaid(item, said)
      change(item.file, () => asked)
      void looked(item.file, asked.hints).then((seen) => change(item.file, (now) => seenAgain(now, asked.hints, seen)))
    }
  }

  const seen = useRef<readonly File[]>(undefined)
  useEffect(() => {
    if (open && files && files !== seen.current) {
      seen.current = files
      void add(files)
    }
  }, [open, files, add])

  useEffect(() => {
    if (open) {
      store.owner
        .query<{ id: string }>("SELECT id FROM system.users WHERE dropped_at IS NULL ORDER BY id")
        .then(({ rows }) => setUsers(rows.map(({ id }) => id)))
        .catch(() => undefined)
    }
  }, [store, open])

  // However it was closed, it begins with nothing the next time.
  useEffect(() => {
    if (!open) {
      visit.current.abort()
      visit.current = new AbortController()
      setItems([])
    }
  }, [open])

  const start = () => {
    for (const item of items) {
      if (item.state === 'ready') {
        const { file, head, draft } = item
        void activities
          .run(`Import ${file.name}`, 'bytes', (progress) => importFile(store, file, head, draft, progress))
          .then((done) => {
            const table = tableCalled(draft.table)
            if (done && table) {
              onImported(table)
            }
          })
      }
    }
    onClose()
  }

  const ready = items.filter((item) => item.state === 'ready')
  const others = (item: Item) =>
    new Set([...taken, ...ready.flatMap((each) => (each.file === item.file ? [] : [nameOf(each.draft.table)]))])
  const problems = ready.flatMap((item) => problemsOf(item.draft, others(item)))
  return (
    <>
      <Dialog
        title="Import"
        open={open}
        onClose={onClose}
        actions={
          <>
            <button type="button" className="transfer-button" onClick={onClose}>
              Cancel
            </button>
            <button
              type="button"
              className="transfer-button transfer-main"
              disabled={ready.length === 0 || problems.length > 0 || items.some(isLookedAt)}
              onClick={start}
            >
              {ready.length > 1 ? `Import ${ready.length} tables` : 'Import'}
            </button>
          </>
        }
      >
        <p className="transfer-hint">
          Parquet, CSV, TSV, or JSON, as an array of objects or an object a line. Or a whole store, as <code>.tar</code>.
        </p>
        <FileChooser label={items.length === 0 ? 'Choose files …' : 'Choose more files …'} onFiles={(chosen) => void add(chosen)} />
        {/* There before it has a text, or it would not be read out. */}
        <p role="status" className="unseen">
          {items.some(({ state }) => state === 'reading') && 'Reading the beginning …'}
        </p>
        {items.map((item) => (
          <FileForm
            key={keyOf(item.file)}
            item={item}
            taken={others(item)}
            users={users}
            onDraft={(draft) => change(item.file, (now) => (now.state === 'ready' ? { ...now, draft } : now))}
            onHints={(hints) => lookAgain(item, hints)}
            onRemove={() => setItems((all) => all.filter((each) => each.file !== item.file))}
          />
        ))}
      </Dialog>
      <ReplaceDialog
        store={store}
        archive={archive}
        onClose={() => setArchive(undefined)}
        onReplace={(blob) => {
          onClose()
          onReplace(blob)
        }}
      />
    </>
  )
}

/** The table that is typed as `text`, as others are called. */
function nameOf(text: string): string {
  const table = tableCalled(text)
  return table ? calledBy(table) : text
}

/** What tells files from each other; the same may be chosen twice. */
function keyOf({ name, size, lastModified }: File): string {
  return `${name} ${size} ${lastModified}`
}
