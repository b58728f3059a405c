/** Sorts rows away from the page, so that a million of them do not hold it up. */

import { type Column, type Rows, rowsOfArrow } from '../engine/result.js'
import { orderOf } from './order.js'

/** What the page sends: what is sorted, in pieces, and then what it is sorted by. */
export type Asked =
  | { readonly kind: 'ipc'; readonly piece: Uint8Array; readonly at: number; readonly length: number }
  | { readonly kind: 'values'; readonly piece: readonly unknown[] }
  | {
      readonly kind: 'sort'
      readonly column: number
      readonly as: Pick<Column, 'kind' | 'type'>
      readonly descending: boolean
      readonly length: number
    }

/** What it gets back for each `sort`. */
export type Sorted = { readonly order: Uint32Array<ArrayBuffer> } | { readonly error: string }

const scope = self as unknown as {
  onmessage: (event: MessageEvent<Asked>) => void
  postMessage(message: Sorted, transfer: Transferable[]): void
}

/** The Arrow that was sent, until it is read: one copy, whatever it comes in. */
let bytes: Uint8Array | undefined
/** The rows of that; they stay for the next sort. */
let rows: Rows | undefined
/** The values of one column, where there is no Arrow; they are sent for every sort. */
let values: unknown[] = []

scope.onmessage = ({ data }) => {
  switch (data.kind) {
    case 'ipc':
      bytes ??= new Uint8Array(data.length)
      bytes.set(data.piece, data.at)
      return
    case 'values':
      values = values.concat(data.piece)
      return
    case 'sort':
      try {
        const { column, as, descending, length } = data
        const value = valuesOf(column)
        const order = orderOf(length, value, as, descending) as Uint32Array<ArrayBuffer>
        scope.postMessage({ order }, [order.buffer])
      } catch (error) {
        scope.postMessage({ error: error instanceof Error ? error.message : String(error) }, [])
      }
      values = []
  }
}

function valuesOf(column: number): (row: number) => unknown {
  if (bytes) {
    rows = rowsOfArrow(bytes)
    bytes = undefined
  }
  const sent = values
  const of = rows
  return of ? (row) => of.value(row, column) : (row) => sent[row]
}
