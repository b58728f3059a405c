/** The changes of a table, as they come. */

import { FirnDBError } from './errors.js'
import type { Perform } from './pieces.js'
import { toResult } from './rows.js'
import { type Stay, type Stays, staying } from './stays.js'
import { quotedName } from './template.js'
import type { Change, ChangesOptions, Row } from './types.js'

const MOST = 2n ** 63n - 1n

/** The changes of a table in the order of `seq`. It begins with the first that is asked for. */
export class Changes<R = Row> implements AsyncIterableIterator<Change<R>> {
  readonly #begin: () => Stay
  readonly #follow: (stay: Stay) => AsyncGenerator<Change<R>>
  #stay: Stay | undefined
  #changes: AsyncGenerator<Change<R>> | undefined
  #over = false

  /** @internal */
  constructor(perform: Perform, stays: Stays, table: string, options: ChangesOptions) {
    this.#begin = () => stays.begin(options.signal)
    this.#follow = (stay) => follow(perform, stay, table, options)
  }

  async next(): Promise<IteratorResult<Change<R>, undefined>> {
    if (this.#over) {
      return { done: true, value: undefined }
    }
    this.#stay ??= this.#begin()
    this.#changes ??= this.#follow(this.#stay)
    return this.#changes.next()
  }

  /** Ends it, also while a change is waited for. */
  async return(): Promise<IteratorResult<Change<R>, undefined>> {
    this.#over = true
    this.#stay?.end()
    await this.#changes?.return(undefined)
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

async function* follow<R>(
  perform: Perform,
  stay: Stay,
  table: string,
  options: ChangesOptions,
): AsyncGenerator<Change<R>, undefined> {
  try {
    let since = checked(options.since ?? 0n)
    // Where a leader goes the next goes on from the last change of the last piece, all of which is here.
    const begin = () => ({ op: 'changes', table: quotedName(table), since }) as const
    for await (const { bytes } of staying(perform, begin, stay.signal)) {
      const changes = changesOf<R>(bytes, options)
      since = changes.at(-1)?.seq ?? since
      for (const change of changes) {
        yield change
        stay.signal.throwIfAborted()
      }
    }
  } catch (error) {
    if (!stay.hasEnded) {
      throw error
    }
  } finally {
    stay.end()
  }
  return undefined
}

function checked(since: unknown): bigint {
  if (typeof since !== 'bigint' || since < 0n || since > MOST) {
    throw new FirnDBError('InvalidInput', 'the option since is the seq of a change, a bigint from 0n on')
  }
  return since
}

function changesOf<R>(ipc: Uint8Array, { timestamps }: ChangesOptions): Change<R>[] {
  const { rows } = toResult<{ _seq: bigint; _deleted: boolean }>(
    { kind: 'rows', ipc },
    timestamps === undefined ? {} : { timestamps },
  )
  return rows.map(({ _seq: seq, _deleted: deleted, ...row }) => ({ row: row as R, seq, deleted }))
}
