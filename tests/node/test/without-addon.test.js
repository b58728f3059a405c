/** Where there is no addon: stores in memory, and for others what to do. */

import assert from 'node:assert/strict'
import { copyFile, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { FirnDB } from '../../../bindings/npm/dist/node.js'
import { freshDirectory } from '../harness/directory.js'

const dist = fileURLToPath(new URL('../../../bindings/npm/dist/', import.meta.url))
let directory

before(async () => {
  directory = await freshDirectory()
})
after(() => directory.remove())

async function servesMemoryOnly(Opener, message) {
  await assert.rejects(Opener.open(directory.path), { name: 'FirnDBError', code: 'Unsupported', message })
  const db = await Opener.open('memory://')
  assert.deepEqual((await db.query('SELECT $1 AS one', [1])).rows, [{ one: 1n }])
  await db.close()
}

test('a platform without one is named', async () => {
  const arch = Object.getOwnPropertyDescriptor(process, 'arch')
  Object.defineProperty(process, 'arch', { ...arch, value: 'riscv64' })
  try {
    await servesMemoryOnly(FirnDB, /no addon for \w+-riscv64.*, only for linux-x64-gnu: .*option addon.*"memory:\/\/"/)
  } finally {
    Object.defineProperty(process, 'arch', arch)
  }
})

test('a package that is not installed is named', async () => {
  const elsewhere = join(directory.around, 'dist')
  await mkdir(elsewhere)
  await copyFile(join(dist, 'node.js'), join(elsewhere, 'node.mjs'))
  await copyFile(join(dist, 'node-worker.mjs'), join(elsewhere, 'node-worker.mjs'))
  await symlink(join(dist, 'engine_bg.wasm'), join(elsewhere, 'engine_bg.wasm'))
  const { FirnDB: Alone } = await import(pathToFileURL(join(elsewhere, 'node.mjs')).href)
  await servesMemoryOnly(Alone, /@firndb\/linux-x64-gnu, .*not installed.*optional dependency.*"memory:\/\/"/)

  const addon = new URL('../platforms/linux-x64-gnu/firndb.linux-x64-gnu.node', pathToFileURL(dist))
  const db = await Alone.open(directory.path, { addon })
  await db.close()
})

test('a file that is no addon says so', async () => {
  const addon = join(dist, 'engine_bg.wasm')
  await assert.rejects(FirnDB.open(directory.path, { addon }), { code: 'Unsupported', message: /could not be loaded/ })
  await assert.rejects(FirnDB.open('memory://', { addon }), { code: 'Unsupported', message: /could not be loaded/ })
})
