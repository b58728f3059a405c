/** A plain static server: the built package under /firndb/, and beside it the pages of the tests or other ones. */

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGE = fileURLToPath(new URL('../../../bindings/npm/dist/', import.meta.url))
const PAGES = fileURLToPath(new URL('../page/', import.meta.url))

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
}

/** As strict as a page can be that runs WebAssembly: nothing inline, no `eval`, no other origin. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'"

/**
 * Starts the server of `pages`, a directory, at the path `below`; its `overlay` maps paths to text that is served instead of
 * a file. With `null` for a `policy` a page brings its own.
 */
export async function serve(pages = PAGES, { below = '/', policy = POLICY } = {}) {
  const overlay = new Map()
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    if (pathname.startsWith(below)) {
      void answer(`/${pathname.slice(below.length)}`, pages, policy, overlay, response)
    } else {
      response.writeHead(404).end()
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    overlay,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(path, pages, policy, overlay, response) {
  const headers = (name) => ({
    'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
    ...(policy === null ? {} : { 'content-security-policy': policy }),
    'cache-control': 'no-cache',
  })
  if (overlay.has(path)) {
    response.writeHead(200, headers(path)).end(overlay.get(path))
    return
  }
  const inPackage = path.startsWith('/firndb/')
  const name = normalize(inPackage ? path.slice('/firndb/'.length) : path.slice(1) || 'index.html')
  const file = join(inPackage ? PACKAGE : pages, name)
  try {
    const { size } = await stat(file)
    response.writeHead(200, { ...headers(name), 'content-length': size })
    createReadStream(file).pipe(response)
  } catch {
    response.writeHead(404).end()
  }
}
