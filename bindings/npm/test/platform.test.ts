import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { BUILT, ofThisProcess, platformName } from '../src/platform.js'

interface Manifest {
  name: string
  version: string
  main: string
  files: string[]
  optionalDependencies?: Record<string, string>
}

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Manifest

test('a platform has the name that packages of napi-rs give it', () => {
  const cases: [string, string, string | undefined, string][] = [
    ['linux', 'x64', '2.36', 'linux-x64-gnu'],
    ['linux', 'arm64', undefined, 'linux-arm64-musl'],
    ['darwin', 'arm64', undefined, 'darwin-arm64'],
    ['win32', 'x64', undefined, 'win32-x64-msvc'],
    ['freebsd', 'x64', undefined, 'freebsd-x64'],
  ]
  for (const [platform, arch, glibc, name] of cases) {
    assert.equal(platformName({ platform, arch, glibc }), name)
  }
  const { platform, arch } = process
  assert.ok(platformName(ofThisProcess()).startsWith(`${platform}-${arch}`))
})

test('each platform that is built has a package, which the package depends on in the same version', () => {
  const { version, optionalDependencies } = read('package.json')
  const dependencies = Object.fromEntries(BUILT.map((name) => [`@firndb/${name}`, version]))
  assert.deepEqual(optionalDependencies, dependencies)
  for (const name of BUILT) {
    assert.ok(existsSync(`platforms/${name}/README.md`))
    const manifest = read(`platforms/${name}/package.json`)
    assert.deepEqual([manifest.name, manifest.version], [`@firndb/${name}`, version])
    assert.deepEqual([manifest.main, manifest.files], [`firndb.${name}.node`, [`firndb.${name}.node`]])
  }
})
