// Prints how large the files are that a browser loads, and fails when they pass `size-budget.json`.
import { readFileSync } from 'node:fs'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const { gzipBytes } = JSON.parse(readFileSync(new URL('size-budget.json', import.meta.url), 'utf8'))
const kB = (bytes) => `${(bytes / 1000).toLocaleString('en', { maximumFractionDigits: 1, minimumFractionDigits: 1 })} kB`

let over = 0
console.log(`${'file'.padEnd(16)} ${'bytes'.padStart(12)} ${'gzip -9'.padStart(12)} ${'budget'.padStart(12)} ${'brotli 9'.padStart(12)}`)
for (const [file, budget] of Object.entries(gzipBytes)) {
  const bytes = readFileSync(new URL(`dist/${file}`, import.meta.url))
  const gzip = gzipSync(bytes, { level: 9 }).length
  // The quality with which servers compress ahead of time takes minutes; this one seconds, for little more.
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }).length
  console.log([file.padEnd(16), ...[bytes.length, gzip, budget, brotli].map((n) => kB(n).padStart(12))].join(' '))
  if (gzip > budget) {
    console.error(`${file}: ${kB(gzip - budget)} over its budget`)
    over += 1
  }
}
process.exitCode = over > 0 ? 1 : 0
