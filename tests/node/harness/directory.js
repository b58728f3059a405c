/** Directories for stores. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The path of a directory that is not there yet, in one that is there and empty; `remove` takes both away. */
export async function freshDirectory() {
  const around = await mkdtemp(join(tmpdir(), 'firndb-node-'))
  return { path: join(around, 'store'), around, remove: () => rm(around, { recursive: true, force: true }) }
}
