/** A way in for files for whoever does not drag them. */

import { useRef } from 'react'
import './transfer.css'

/** What can be imported, for choosers of files. */
const ACCEPTED = '.csv,.tsv,.tab,.txt,.json,.jsonl,.ndjson,.parquet,.pq,.tar'

/** A button that has files chosen. */
export function FileChooser({ label, onFiles }: { readonly label: string; readonly onFiles: (files: readonly File[]) => void }) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <button type="button" className="transfer-button" onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        accept={ACCEPTED}
        aria-label={label}
        onChange={({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])]
          // The same files may be chosen again.
          currentTarget.value = ''
          if (files.length > 0) {
            onFiles(files)
          }
        }}
      />
    </>
  )
}
