/** Files on their way into tables: what was found in each, and what is chosen for it. */

import { useCallback, useEffect, useRef, useState } from 'react'
import type { Activities } from '../engine/activities.js'
import { type TableName, tableCalled, tablesOf } from '../engine/names.js'
import type { Store } from '../engine/store.js'
import { Dialog } from './Dialog.js'
import { FileChooser } from './FileChooser.js'
import { FileForm } from './FileForm.js'
import { ReplaceDialog } from './Losses.js'
import { problemsOf } from './draft.js'
import { formatOf } from './head.js'
import { importFile } from './import-file.js'
import { archiveProblem } from './look.js'
import { type Item, draftOfItem, firstLook, lookAgain } from './items.js'

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

  const put = useCallback((item: Item) => {
    setItems((all) => all.map((each) => (each.file === item.file ? item : each)))
  }, [])

  const add = useCallback(
    async (chosen: readonly File[]) => {
      const tables = await tablesOf(store.owner).catch(() => new Set<string>())
      setTaken(tables)
      const used = new Set(tables)
      for (const file of chosen) {
        if (formatOf(file.name) === 'archive' && (await archiveProblem(file)) === undefined) {
          setArchive(file)
          continue
        }
        setItems((all) => [...all.filter((each) => keyOf(each.file) !== keyOf(file)), { state: 'reading', file }])
        const item = draftOfItem(await firstLook(file), used)
        if (item.state === 'ready') {
          used.add(item.draft.table)
        }
        put(item)
      }
    },
    [store, put],
  )

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

  const close = () => {
    setItems([])
    onClose()
  }
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
    close()
  }

  const ready = items.filter((item) => item.state === 'ready')
  const others = (item: Item) =>
    new Set([...taken, ...ready.flatMap((each) => (each.file === item.file ? [] : [each.draft.table]))])
  const problems = ready.flatMap((item) => problemsOf(item.draft, others(item)))
  return (
    <>
      <Dialog
        title="Import"
        open={open}
        onClose={close}
        actions={
          <>
            <button type="button" className="transfer-button" onClick={close}>
              Cancel
            </button>
            <button
              type="button"
              className="transfer-button transfer-main"
              disabled={ready.length === 0 || problems.length > 0 || items.some(({ state }) => state === 'reading')}
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
        {items.map((item) => (
          <FileForm
            key={keyOf(item.file)}
            item={item}
            taken={others(item)}
            users={users}
            onDraft={(draft) => item.state === 'ready' && put({ ...item, draft })}
            onHints={(hints) => {
              if (item.state === 'ready') {
                void lookAgain(item, hints).then((next) => put(draftOfItem(next, others(item))))
              }
            }}
            onRemove={() => setItems((all) => all.filter((each) => each.file !== item.file))}
          />
        ))}
      </Dialog>
      <ReplaceDialog
        store={store}
        archive={archive}
        onClose={() => setArchive(undefined)}
        onReplace={(blob) => {
          close()
          onReplace(blob)
        }}
      />
    </>
  )
}

/** What tells files from each other; the same may be chosen twice. */
function keyOf({ name, size, lastModified }: File): string {
  return `${name} ${size} ${lastModified}`
}
