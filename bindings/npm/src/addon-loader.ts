/** Finds the addon that fits this process. */

import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Addon } from './addon.js'
import { BUILT, ofThisProcess, platformName } from './platform.js'

/** The addon, or why there is none and what to do about it. */
export type Found = { addon: Addon } | { missing: string }

/** Loads the addon from `file`, or the one of this platform from its package. A process loads each once. */
export function findAddon(file?: string | URL): Found {
  const name = platformName(ofThisProcess())
  if (file !== undefined) {
    const path = file instanceof URL ? fileURLToPath(file) : resolve(file)
    return load(path, name, `there is no file ${path}, which the option addon names`)
  }
  if (!BUILT.includes(name)) {
    const cure = 'build bindings/node of its sources and name the library in the option addon'
    return { missing: `FirnDB has no addon for ${name}, only for ${BUILT.join(', ')}: ${cure}` }
  }
  const module = `@firndb/${name}`
  const cure = 'it is an optional dependency of firndb, which npm installs unless told to omit those'
  return load(module, name, `the package ${module}, the addon for ${name}, is not installed: ${cure}`)
}

function load(module: string, platform: string, absent: string): Found {
  try {
    return { addon: createRequire(import.meta.url)(module) as Addon }
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'MODULE_NOT_FOUND') {
      return { missing: absent }
    }
    const why = cause instanceof Error ? cause.message : String(cause)
    return { missing: `the addon for ${platform} could not be loaded: ${why}` }
  }
}
