/** Sorting of one result in a worker. */

import type { Rows } from '../engine/result.js'
import type { Sort } from './order.js'
import { turn } from './slices.js'
import type { Asked, Sorted } from './sort.worker.js'

/** Bytes of Arrow that are copied for the worker at a time; the copy takes a millisecond or two. */
const PIECE_BYTES = 4 << 20
/** Values of a column that are sent at a time. */
const PIECE_VALUES = 4_000
/** How long a worker that has nothing to do keeps its copy of the rows. */
const KEPT_MS = 10_000

/** Sorts the rows of one result, one sort at a time. */
export class Sorter {
  readonly #rows: Rows
  #worker: Worker | undefined
  #sent = false
  #stop: (() => void) | undefined
  #rest: ReturnType<typeof setTimeout> | undefined

  constructor(rows: Rows) {
    this.#rows = rows
  }

  /** The rows in the order of `sort`; `undefined` where `cancel` or another sort came first. */
  async sort(sort: Sort): Promise<Uint32Array | undefined> {
    this.cancel()
    clearTimeout(this.#rest)
    let stopped = false
    const worker = (this.#worker ??= new Worker(new URL('./sort.worker.ts', import.meta.url), { type: 'module' }))
    const ends = new Promise<Sorted | undefined>((resolve, reject) => {
      this.#stop = () => {
        stopped = true
        this.#forget()
        resolve(undefined)
      }
      worker.onmessage = ({ data }: MessageEvent<Sorted>) => resolve(data)
      worker.onerror = ({ message }) => {
        this.#forget()
        reject(new Error(message || 'the worker that sorts could not be started'))
      }
    })
    const ended = await Promise.race([ends, this.#send(worker, sort, () => stopped).then(() => ends)])
    if (stopped || ended === undefined) {
      return undefined
    }
    this.#stop = undefined
    this.#rest = setTimeout(() => this.#forget(), KEPT_MS)
    if ('error' in ended) {
      throw new Error(ended.error)
    }
    return ended.order
  }

  /** Gives up what is being sorted. A worker that sorts hears nothing, so it ends. */
  cancel(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  close(): void {
    this.cancel()
    clearTimeout(this.#rest)
    this.#forget()
  }

  #forget(): void {
    this.#worker?.terminate()
    this.#worker = undefined
    this.#sent = false
  }

  async #send(worker: Worker, { column, descending }: Sort, stopped: () => boolean): Promise<void> {
    const { columns, ipc, length } = this.#rows
    const as = columns[column]
    if (as === undefined) {
      throw new RangeError(`there is no column ${column}`)
    }
    const post = (message: Asked, transfer: Transferable[] = []) => worker.postMessage(message, transfer)
    if (ipc) {
      for (let at = 0; at < ipc.byteLength && !this.#sent && !stopped(); at += PIECE_BYTES) {
        const piece = new Uint8Array(ipc.subarray(at, at + PIECE_BYTES))
        post({ kind: 'ipc', piece, at, length: ipc.byteLength }, [piece.buffer])
        await turn()
      }
      this.#sent ||= !stopped()
    } else {
      for (let at = 0; at < length && !stopped(); at += PIECE_VALUES) {
        const piece = Array.from({ length: Math.min(PIECE_VALUES, length - at) }, (_, row) => this.#rows.value(at + row, column))
        post({ kind: 'values', piece })
        await turn()
      }
    }
    if (!stopped()) {
      post({ kind: 'sort', column, as: { kind: as.kind, type: as.type }, descending, length })
    }
  }
}
