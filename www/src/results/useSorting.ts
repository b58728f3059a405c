/** The sort of a grid, as state of the component. */

import { useCallback, useEffect, useRef, useState } from 'react'
import type { Rows } from '../engine/result.js'
import { nextSort, type Sort } from './order.js'
import { Sorter } from './sorter.js'

/** How the rows are sorted. */
export interface Sorting {
  /** What was asked for; while `busy` the rows are not in that order yet. */
  readonly sort?: Sort
  /** Which row is shown at each place; without it they are as the engine gave them. */
  readonly order?: Uint32Array
  readonly busy: boolean
  /** How long it took. */
  readonly ms?: number
  /** Why it could not be done. */
  readonly failure?: string
}

/** The sort, and what makes the next of it for a column. */
export function useSorting(rows: Rows): [Sorting, (column: number) => void] {
  const [sorting, setSorting] = useState<Sorting>({ busy: false })
  const sorter = useRef<Sorter>(undefined)
  const asked = useRef<Sort>(undefined)

  useEffect(() => () => sorter.current?.close(), [])

  const toggle = useCallback(
    (column: number) => {
      const sort = nextSort(asked.current, column)
      asked.current = sort
      sorter.current ??= new Sorter(rows)
      if (sort === undefined) {
        sorter.current.cancel()
        setSorting({ busy: false })
        return
      }
      const begin = performance.now()
      setSorting(({ order }) => ({ sort, busy: true, ...(order && { order }) }))
      sorter.current.sort(sort).then(
        (order) => {
          if (order && asked.current === sort) {
            setSorting({ sort, order, busy: false, ms: performance.now() - begin })
          }
        },
        (error: unknown) => {
          if (asked.current === sort) {
            asked.current = undefined
            setSorting({ busy: false, failure: error instanceof Error ? error.message : String(error) })
          }
        },
      )
    },
    [rows],
  )
  return [sorting, toggle]
}
