/** What views read of the store, again whenever something in it may be other than it was. */

import { useEffect, useState } from 'react'
import type { Store } from './store.js'

/** What was read last. */
export interface Reading<T> {
  /** `undefined` until it is known. */
  readonly value: T | undefined
  /** Why the last look failed; `value` is of the one before then. */
  readonly failure: string | undefined
}

/** What `read` gives, which is to be the same function as long as it reads the same; nothing is read while there is none. */
export function useReading<T>(store: Store, read: (() => Promise<T>) | undefined): Reading<T> {
  const [reading, setReading] = useState<Reading<T>>({ value: undefined, failure: undefined })
  useEffect(() => {
    if (!read) {
      return
    }
    let latest = 0
    const look = async () => {
      const mine = ++latest
      const found = await read().then(
        (value) => ({ value, failure: undefined }),
        (error: unknown) => ({ failure: error instanceof Error ? error.message : String(error) }),
      )
      // Of two looks the later one counts, whichever is answered first.
      if (mine === latest) {
        setReading((old) => ({ ...old, ...found }))
      }
    }
    void look()
    const stop = store.subscribe(() => void look())
    return () => {
      latest = Number.POSITIVE_INFINITY
      stop()
    }
  }, [store, read])
  return reading
}
