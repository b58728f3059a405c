/** A service worker that keeps the page, so that it works without a network once it was loaded. */

import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { digestOfSamples } from './samples.ts'

const SOURCE = fileURLToPath(new URL('./service-worker.js', import.meta.url))

export function offline(): Plugin {
  let publicDir = ''
  return {
    name: 'firndb-offline',
    apply: 'build',
    configResolved(config) {
      publicDir = config.publicDir
    },
    async writeBundle({ dir }, bundle) {
      const files = new Map<string, string | Uint8Array>(await filesIn(publicDir))
      for (const [name, output] of Object.entries(bundle)) {
        files.set(name === 'index.html' ? '' : name, output.type === 'chunk' ? output.code : output.source)
      }
      const names = [...files.keys()].sort()
      const source = await readFile(SOURCE, 'utf8')
      // The worker too decides what a page gets.
      const digest = createHash('sha256').update(source)
      for (const name of names) {
        digest.update(name).update('\0').update(files.get(name) ?? '')
      }
      const filled = source
        .replace('__VERSION__', JSON.stringify(digest.digest('hex').slice(0, 16)))
        .replace('__FILES__', JSON.stringify(names))
        .replace('__SAMPLES__', JSON.stringify(await digestOfSamples()))
      await writeFile(join(dir ?? 'dist', 'service-worker.js'), filled)
    },
  }
}

/** The files of a directory, which are copied as they are; none where there is no such directory. */
async function filesIn(directory: string): Promise<[string, Uint8Array][]> {
  const entries = directory === '' ? [] : await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return await Promise.all(
    files.map(async (file): Promise<[string, Uint8Array]> => [
      relative(directory, file).split(sep).join('/'),
      await readFile(file),
    ]),
  )
}
