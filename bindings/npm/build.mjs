// Builds the package into dist/ from src/ and from pkg/, where `wasm-bindgen --target web` has put the engine.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('.', import.meta.url))

rmSync('dist', { recursive: true, force: true })
mkdirSync('dist', { recursive: true })

typescript('tsconfig.json')
// For `require`: the same declarations where a package.json says that they are of CommonJS.
cpSync('dist/types', 'dist/cjs', { recursive: true })
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n')

const shared = { bundle: true, target: 'es2022', legalComments: 'none', logLevel: 'warning', absWorkingDir: root }
const browser = { ...shared, platform: 'browser', format: 'esm' }
const node = { ...shared, platform: 'node', target: 'node20' }
await Promise.all([
  build({ ...browser, entryPoints: ['src/browser.ts'], outfile: 'dist/browser.js' }),
  build({ ...browser, entryPoints: ['src/worker.ts'], outfile: 'dist/worker.js' }),
  build({ ...node, format: 'esm', entryPoints: ['src/node.ts'], outfile: 'dist/node.js' }),
  // Whoever uses these has React.
  build({ ...browser, packages: 'external', entryPoints: ['src/react.ts'], outfile: 'dist/react.js' }),
  build({ ...browser, format: 'cjs', packages: 'external', entryPoints: ['src/react.ts'], outfile: 'dist/react.cjs' }),
  // By its name a module, whatever package it is copied into.
  build({ ...node, format: 'esm', entryPoints: ['src/node-worker.ts'], outfile: 'dist/node-worker.mjs' }),
  build({
    ...node,
    format: 'cjs',
    entryPoints: ['src/node.ts'],
    outfile: 'dist/node.cjs',
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href" },
  }),
])
cpSync('pkg/engine_bg.wasm', 'dist/engine_bg.wasm')
// npm packs only what is in a package's own directory.
for (const dir of ['.', ...readdirSync('platforms').map((name) => `platforms/${name}`)]) {
  cpSync('../../LICENSE', `${dir}/LICENSE`)
}

function typescript(project) {
  const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', import.meta.url))
  const { status } = spawnSync(process.execPath, [tsc, '--project', project], { stdio: 'inherit', cwd: root })
  if (status !== 0) {
    process.exit(1)
  }
}
