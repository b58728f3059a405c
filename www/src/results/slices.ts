/** Loops over many rows that leave the main thread to the user every few milliseconds. */

/** How long a loop has the thread at a time: well under the 50 ms that are felt. */
const SLICE_MS = 10
/** Steps between two looks at the clock. */
const STEPS = 64

/** Calls `step` for every number below `length`; rejects with the signal's reason once that is aborted. */
export async function inSlices(length: number, step: (at: number) => void, signal?: AbortSignal): Promise<void> {
  let begin = performance.now()
  for (let at = 0; at < length; at++) {
    if (at % STEPS === 0 && performance.now() - begin > SLICE_MS) {
      await turn()
      signal?.throwIfAborted()
      begin = performance.now()
    }
    step(at)
  }
}

/** Resolves once whatever waits for the thread was done. A timer would wait 4 ms each time. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
