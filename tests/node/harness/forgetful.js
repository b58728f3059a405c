/** Writes to the store in the directory that is its argument, and ends without closing it. */

import { FirnDB } from '../../../bindings/npm/dist/node.js'

const db = await FirnDB.open(process.argv[2])
await db.exec('CREATE TABLE t (id BIGINT PRIMARY KEY); INSERT INTO t VALUES (1)')
console.log('written')
