import { build } from 'esbuild'

await build({
  entryPoints: [
    { in: 'src/main.js', out: 'main' },
    { in: 'src/index.html', out: 'index' },
    // esbuild leaves `new URL('./worker.js', import.meta.url)` as it is: these two go beside the bundle.
    { in: 'firndb/worker', out: 'worker' },
    { in: 'firndb/engine.wasm', out: 'engine_bg' },
  ],
  loader: { '.html': 'copy', '.wasm': 'copy' },
  bundle: true,
  minify: true,
  format: 'esm',
  outdir: 'dist',
})
