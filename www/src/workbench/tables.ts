/** The tables of the store, read again whenever they may be others. */

import { useEffect, useState } from 'react'
import { readTables, type TableInfo } from '../editor/schema.js'
import type { Store } from '../engine/store.js'

/** `undefined` until they are known. */
export function useTables(store: Store): readonly TableInfo[] | undefined {
  const [tables, setTables] = useState<readonly TableInfo[]>()
  useEffect(() => {
    let gone = false
    const read = () =>
      readTables(store.owner).then(
        (found) => {
          if (!gone) {
            // The same tables are the same object, so that editors need not learn them again.
            setTables((old) => (JSON.stringify(old) === JSON.stringify(found) ? old : found))
          }
        },
        (error: unknown) => console.warn('the tables cannot be read:', error),
      )
    void read()
    const stop = store.subscribe(() => void read())
    return () => {
      gone = true
      stop()
    }
  }, [store])
  return tables
}
