/** Ways in for files: dropped anywhere on the page, or chosen. */

import { useEffect, useRef, useState } from 'react'
import './transfer.css'

/** Calls `onFiles` with what is dropped on the page; tells whether files are held over it. */
export function useFileDrop(onFiles: (files: readonly File[]) => void): boolean {
  const [isOver, setIsOver] = useState(false)
  const latest = useRef(onFiles)
  useEffect(() => {
    latest.current = onFiles
  }, [onFiles])

  useEffect(() => {
    // One enters a child before the parent is left.
    let depth = 0
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    const enter = (event: DragEvent) => {
      if (hasFiles(event)) {
        depth++
        setIsOver(true)
      }
    }
    const leave = (event: DragEvent) => {
      if (hasFiles(event)) {
        depth = Math.max(depth - 1, 0)
        setIsOver(depth > 0)
      }
    }
    const over = (event: DragEvent) => {
      if (hasFiles(event)) {
        // Otherwise the browser would open the file.
        event.preventDefault()
      }
    }
    const drop = (event: DragEvent) => {
      if (hasFiles(event)) {
        event.preventDefault()
        depth = 0
        setIsOver(false)
        const files = [...(event.dataTransfer?.files ?? [])]
        if (files.length > 0) {
          latest.current(files)
        }
      }
    }
    const stop = new AbortController()
    const { signal } = stop
    addEventListener('dragenter', enter, { signal })
    addEventListener('dragleave', leave, { signal })
    addEventListener('dragover', over, { signal })
    addEventListener('drop', drop, { signal })
    return () => stop.abort()
  }, [])
  return isOver
}

/** Shown over the page while files are held over it. */
export function DropHint({ isOver }: { readonly isOver: boolean }) {
  return isOver ? (
    <div className="transfer-drop" role="status">
      <p>Drop to import: Parquet, CSV, TSV, JSON, or an archive of a store</p>
    </div>
  ) : null
}
