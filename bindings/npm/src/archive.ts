/** A whole store as one archive: a `Blob`, which a browser need not keep in memory. */

import type { ReadArchive } from './engine.js'
import { FirnDBError } from './errors.js'

/** What an archive can be given as. */
export type Archive = Blob | Uint8Array | ArrayBuffer

const TYPE = 'application/x-tar'
/** Parts are put together from so many bytes on. */
const FOLD_BYTES = 16 << 20

/** An archive that comes in parts. */
export class ArchiveParts {
  #parts: BlobPart[] = []
  #loose = 0

  add(part: Uint8Array): void {
    this.#parts.push(part as Uint8Array<ArrayBuffer>)
    this.#loose += part.length
    if (this.#loose >= FOLD_BYTES) {
      // What is in a blob a browser may put on disk.
      this.#parts = [new Blob(this.#parts)]
      this.#loose = 0
    }
  }

  whole(): Blob {
    return new Blob(this.#parts, { type: TYPE })
  }
}

/** `archive` as a blob. Throws `InvalidInput` for what is none. */
export function toBlob(archive: Archive): Blob {
  if (archive instanceof Blob) {
    return archive
  }
  if (archive instanceof Uint8Array || archive instanceof ArrayBuffer) {
    return new Blob([archive as BlobPart], { type: TYPE })
  }
  throw new FirnDBError('InvalidInput', 'expected an archive that dump() made: a Blob, a File, a Uint8Array or an ArrayBuffer')
}

/** Reads the bytes of an archive in their order. */
export function reading(bytes: (from: number, to: number) => Uint8Array): ReadArchive {
  let at = 0
  return (count) => {
    const part = bytes(at, at + count)
    at += part.length
    return part
  }
}
