/** Holds the store in the directory that is its argument open, until its input ends. */

import { FirnDB } from '../../../bindings/npm/dist/node.js'

const db = await FirnDB.open(process.argv[2])
await db.exec('CREATE TABLE IF NOT EXISTS held (id BIGINT PRIMARY KEY); INSERT INTO held VALUES (1) ON CONFLICT DO NOTHING')
console.log('open')
for await (const _ of process.stdin);
await db.close()
