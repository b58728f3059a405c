/** The tables of the store, read again whenever they may be others. */

import { useCallback, useRef } from 'react'
import { readTables, type TableInfo } from '../editor/schema.js'
import { useReading } from '../engine/reading.js'
import type { Store } from '../engine/store.js'

/** `undefined` until they are known; the same tables are the same object, so that editors need not learn them again. */
export function useTables(store: Store): readonly TableInfo[] | undefined {
  const { value } = useReading(store, useCallback(() => readTables(store.owner), [store]))
  const last = useRef(value)
  if (JSON.stringify(last.current) !== JSON.stringify(value)) {
    last.current = value
  }
  return last.current
}
