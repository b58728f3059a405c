/** Writes to the store in the directory that is its argument until it is killed, and prints what was acknowledged. */

import { FirnDB } from '../../../bindings/npm/dist/node.js'
import { ROWS, TABLE } from './ledger.js'

const [dir, first] = process.argv.slice(2)
const db = await FirnDB.open(dir)
await db.query(TABLE)

for (let write = Number(first); ; write++) {
  // What is begun and not acknowledged may be there or not.
  console.log(`begun ${write}`)
  const ids = Array.from({ length: ROWS }, (_, row) => write * ROWS + row)
  if (write % 2 === 0) {
    await db.exec(`INSERT INTO ledger VALUES ${ids.map((id) => `(${id}, ${write})`).join(', ')}`)
  } else {
    await db.transaction(async (tx) => {
      for (const id of ids) {
        await tx.query('INSERT INTO ledger VALUES ($1, $2)', [id, write])
      }
    })
  }
  console.log(`acknowledged ${write}`)
  if (write % 20 === 19) {
    // Not awaited: it goes on while the next rows are written.
    db.flush('ledger').catch((error) => console.log(`failed ${error}`))
  }
}
