/** Writes `THIRD-PARTY.txt` beside the page: what of others is in it, under which licence, with the texts of the licences. */

import { readFile, readdir, realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import type { Plugin } from 'vite'

/** Licences under which code may be part of the page. */
const ALLOWED = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MPL-2.0', 'Zlib'])

/** The package of ours, which is made of more than its own code. */
const OURS = 'firndb'
const OUR_TEXTS = ['LICENSE', 'THIRD-PARTY.md', 'THIRD-PARTY-WASM.md']
const IS_TEXT = /^(licen[cs]e|notice|copying)/i

/** A package that has code in the page. */
interface Package {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly texts: readonly string[]
}

/** The plugin for the page, and one for the bundles of its workers, of which the page's knows nothing. */
export function thirdParty(): { readonly page: Plugin; readonly worker: Plugin } {
  const modules = new Set<string>()
  const collect: Plugin['generateBundle'] = (_, bundle) => {
    for (const output of Object.values(bundle)) {
      for (const id of output.type === 'chunk' ? output.moduleIds : []) {
        modules.add(id)
      }
    }
  }
  return {
    page: {
      name: 'firndb-third-party',
      apply: 'build',
      async generateBundle(options, bundle, isWrite) {
        collect.call(this, options, bundle, isWrite)
        const packages = await packagesOf(modules)
        const refused = packages.filter((each) => !isAllowed(each))
        if (refused.length > 0) {
          const which = refused.map(({ name, license }) => `${name} (${license || 'no licence'})`).join(', ')
          this.error(`the page may not have code under these licences, see build/third-party.ts: ${which}`)
        }
        const bare = packages.filter(({ texts }) => texts.length === 0)
        if (bare.length > 0) {
          this.error(`no text of a licence is in these packages: ${bare.map(({ name }) => name).join(', ')}`)
        }
        if (packages.some(({ name, texts }) => name === OURS && texts.length < OUR_TEXTS.length)) {
          this.warn('what the engine is made of is not told in THIRD-PARTY.txt: `cargo xtask web` finds it out')
        }
        this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY.txt', source: textOf(packages) })
      },
    },
    worker: { name: 'firndb-third-party-worker', apply: 'build', generateBundle: collect },
  }
}

/**
 * The packages that `modules` are of, by name, and what those depend on: some have it in files of their own, as d3-array has
 * internmap. Modules of the page itself, whose manifest
 * has no version, and those that Vite makes up are of none.
 */
async function packagesOf(modules: ReadonlySet<string>): Promise<readonly Package[]> {
  const roots = new Set<string>()
  for (const id of modules) {
    // What is made up begins with a zero byte; what stands behind a question mark says how it is imported.
    const [path = ''] = id.replace(/^\0/, '').split('?')
    const root = path.startsWith(sep) ? await rootOf(path) : undefined
    if (root !== undefined) {
      roots.add(root)
    }
  }
  const needed = await Promise.all([...roots].map(dependenciesOf))
  const found = await Promise.all([...new Set([...roots, ...needed.flat()])].map(packageAt))
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The directories of what the package in `root` depends on. */
async function dependenciesOf(root: string): Promise<readonly string[]> {
  const { dependencies = {} } = await manifestOf(root)
  const found: string[] = []
  for (const name of Object.keys(dependencies)) {
    for (let at = root; at !== dirname(at); at = dirname(at)) {
      const directory = join(at, 'node_modules', name)
      if ((await manifestOf(directory)).name === name) {
        found.push(await realpath(directory))
        break
      }
    }
  }
  return found
}

/** The directory of the package that `path` is of: the next above that has a `package.json` with a name and a version. */
async function rootOf(path: string): Promise<string | undefined> {
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) {
    const { name, version } = await manifestOf(at)
    if (name !== undefined && version !== undefined) {
      return at
    }
  }
  return undefined
}

interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly license?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

async function manifestOf(root: string): Promise<Manifest> {
  const text = await readFile(join(root, 'package.json'), 'utf8').catch(() => '{}')
  return JSON.parse(text) as Manifest
}

async function packageAt(root: string): Promise<Package> {
  const { name = '', version = '', license = '' } = await manifestOf(root)
  const files = (await readdir(root)).filter((file) => (name === OURS ? OUR_TEXTS.includes(file) : IS_TEXT.test(file))).sort()
  const texts = await Promise.all(files.map((file) => readFile(join(root, file), 'utf8')))
  return { name, version, license, texts: texts.map((text) => text.trim()) }
}

/** Whether one of the licences to choose from is allowed, with all that it is joined with. */
function isAllowed({ license }: Pick<Package, 'license'>): boolean {
  const choices = license.replace(/[()]/g, '').split(/ OR |\//)
  return choices.some((choice) => choice.split(' AND ').every((each) => ALLOWED.has(each.trim())))
}

function textOf(packages: readonly Package[]): string {
  const rule = '='.repeat(80)
  const list = packages.map(({ name, version, license }) => `${name} ${version}: ${license}`)
  const sections = packages.map(({ name, version, license, texts }) => [rule, `${name} ${version}: ${license}`, rule, '', texts.join('\n\n'), ''].join('\n'))
  return [
    'This page has code of these npm packages, each under the licence named; their texts follow.',
    'What the engine is made of stands under firndb. Where the data of the samples come from is in SAMPLES.md of the source.',
    '',
    ...list,
    '',
    ...sections,
  ].join('\n')
}
