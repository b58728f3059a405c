/** Puts the data of the samples beside the page, under `samples/`. */

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

const DATA = fileURLToPath(new URL('../node_modules/vega-datasets/data/', import.meta.url))

/** The files of the package `vega-datasets` that the samples read. */
const FILES = ['flights-200k.arrow', 'flights-3m.parquet']

export function samples(): Plugin {
  return {
    name: 'firndb-samples',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const file = FILES.find((name) => request.url?.split('?')[0]?.endsWith(`/samples/${name}`))
        if (file === undefined) {
          next()
          return
        }
        stat(join(DATA, file)).then(({ size }) => {
          response.setHeader('content-length', size)
          createReadStream(join(DATA, file)).pipe(response)
        }, next)
      })
    },
    async writeBundle({ dir }) {
      const to = join(dir ?? 'dist', 'samples')
      await mkdir(to, { recursive: true })
      await Promise.all(FILES.map((name) => copyFile(join(DATA, name), join(to, name))))
    },
  }
}

/** What tells whether the data are others. */
export async function digestOfSamples(): Promise<string> {
  const digest = createHash('sha256')
  for (const name of FILES) {
    digest.update(name).update('\0').update(await readFile(join(DATA, name)))
  }
  return digest.digest('hex').slice(0, 16)
}
