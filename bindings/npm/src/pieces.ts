/** Rows that are asked for piece by piece. */

import type { Operation } from './protocol.js'
import type { Answered, RequestOptions } from './requests.js'

/** Has one operation carried out by the engine. */
export type Perform = (operation: Operation, options?: RequestOptions) => Promise<Answered>

type WithoutNumber<O> = O extends unknown ? Omit<O, 'stream'> : never

/** What begins a stream, but for its number. */
export type Begin = WithoutNumber<Extract<Operation, { op: 'stream' | 'copyTo' | 'live' | 'changes' }>>

/** Streams and loads are told apart within a client; numbers for all of a page are as good. */
let last = 0

/** A number that no stream and no load has. */
export function newNumber(): number {
  return ++last
}

/** What the stream that `begin` begins has, as it is asked for. Leaving it gives up the rest. */
export async function* pieces(
  perform: Perform,
  begin: Begin,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const stream = newNumber()
  let term: number | undefined
  let over = false
  try {
    ;({ term } = await perform({ ...begin, stream }, { signal }))
    for (;;) {
      const { reply } = await perform({ op: 'next', stream }, { signal, term })
      over = reply === null
      if (over) {
        return
      }
      yield reply as Uint8Array
    }
  } finally {
    if (!over) {
      // Also where beginning failed: an abort may have crossed with the answer. Where this fails the engine is gone,
      // or the transaction over, and the rows with it.
      perform({ op: 'release', stream }, { term }).catch(() => undefined)
    }
  }
}
