/** Writes to the store that is its argument, by WebAssembly if a second one says so, and ends without closing it. */

import { FirnDB } from '../../../bindings/npm/dist/node.js'

const [, , name, engine] = process.argv
const db = await FirnDB.open(name, engine === 'wasm' ? { addon: false } : {})
await db.exec('CREATE TABLE t (id BIGINT PRIMARY KEY); INSERT INTO t VALUES (1)')
console.log('written')
