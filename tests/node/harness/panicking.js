/** Has the engine panic on WebAssembly, and prints what its caller is told, of that statement and of one after it. */

import { FirnDB } from '../../../bindings/npm/dist/node.js'

const db = await FirnDB.open('memory://', { addon: false })
const told = (sql) => db.query(sql).then(() => 'answered', ({ code, message }) => JSON.stringify({ code, message }))
const both = await Promise.all([told('SELECT uuid()'), told('SELECT 1')])
console.log(both[0])
console.log(await told('SELECT 1'))
await db.close()
console.log('closed')
