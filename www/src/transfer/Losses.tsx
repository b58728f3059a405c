/** Questions before the store is replaced or emptied, which say what would be lost. */

import { useEffect, useState } from 'react'
import type { Store } from '../engine/store.js'
import { ConfirmDialog } from './Dialog.js'

interface Props {
  readonly store: Store
  readonly open: boolean
  readonly onClose: () => void
}

/** Asks before `archive` takes the place of the store. */
export function ReplaceDialog({
  store,
  archive,
  onClose,
  onReplace,
}: Omit<Props, 'open'> & { readonly archive: File | undefined; readonly onReplace: (archive: Blob) => void }) {
  return (
    <ConfirmDialog
      title={`Replace everything by ${archive?.name ?? ''}?`}
      open={archive !== undefined}
      verb="Replace everything"
      onNo={onClose}
      onYes={() => {
        if (archive) {
          onReplace(archive)
        }
        onClose()
      }}
    >
      <Losses store={store} />
      <p>What is in the archive takes its place.</p>
    </ConfirmDialog>
  )
}

/** Asks before the store is emptied. */
export function ResetDialog({ store, open, onClose, onReset }: Props & { readonly onReset: () => void }) {
  return (
    <ConfirmDialog
      title="Delete everything?"
      open={open}
      verb="Delete everything"
      onNo={onClose}
      onYes={() => {
        onReset()
        onClose()
      }}
    >
      <Losses store={store} />
    </ConfirmDialog>
  )
}

function Losses({ store }: { readonly store: Store }) {
  const [found, setFound] = useState<{ tables: readonly string[]; users: number }>()
  useEffect(() => {
    const look = async () => {
      // Those of the page itself are the texts and the history.
      const tables = await store.owner.query<{ name: string }>(
        "SELECT CASE WHEN namespace = 'main' THEN name ELSE namespace || '.' || name END AS name FROM system.tables WHERE namespace <> 'playground' ORDER BY 1",
      )
      const users = await store.owner.query<{ count: bigint }>(
        "SELECT count(*) AS count FROM system.users WHERE dropped_at IS NULL AND id <> 'root'",
      )
      setFound({ tables: tables.rows.map(({ name }) => name), users: Number(users.rows[0]?.count ?? 0) })
    }
    look().catch(() => undefined)
  }, [store])
  const most = 12
  const tables = found?.tables ?? []
  const more = tables.length - most
  return (
    <>
      <p>
        <strong>This cannot be undone.</strong> Lost are all tables with all rows of all users, the users, and the texts and the
        history of the editor, in every tab. To keep them, export the whole store first, in the menu “More”.
      </p>
      {found && (
        <p className="transfer-lost">
          {tables.length === 0
            ? 'There are no tables.'
            : `${tables.length} ${tables.length === 1 ? 'table' : 'tables'}: ${tables.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}.`}
          {found.users > 0 && ` ${found.users} ${found.users === 1 ? 'user' : 'users'} beside root.`}
        </p>
      )}
    </>
  )
}
