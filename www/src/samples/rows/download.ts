/** Files of data that lie beside the page. */

import type { Event } from '../event.js'

/** Bytes between two reports. */
const STEP_BYTES = 256 * 1024

/** Gets the file `name` of `samples/`, and tells meanwhile how much is there. */
export async function* download(name: string, base: string): AsyncGenerator<Event, Uint8Array<ArrayBuffer>> {
  const response = await fetch(new URL(`samples/${name}`, base)).catch(() => {
    throw new Error(`${name} cannot be had without a network: it has not been loaded before`)
  })
  if (!response.ok || !response.body) {
    throw new Error(`${name} cannot be had: the server answered ${response.status}`)
  }
  const length = Number(response.headers.get('content-length') ?? 0)
  // The length is of what is sent, which a server may have compressed.
  const total = length > 0 && !response.headers.has('content-encoding') ? length : undefined
  const pieces: Uint8Array[] = []
  let done = 0
  let told = 0
  const reader = response.body.getReader()
  for (;;) {
    const { done: over, value } = await reader.read()
    if (over) {
      break
    }
    pieces.push(value)
    done += value.byteLength
    if (done - told >= STEP_BYTES) {
      told = done
      yield { kind: 'download', done, total }
    }
  }
  yield { kind: 'download', done, total: done }
  const whole = new Uint8Array(done)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}
