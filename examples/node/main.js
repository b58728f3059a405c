import { FirnDB } from 'firndb'

const db = await FirnDB.open('memory://')
await db.exec('CREATE TABLE peaks (name TEXT PRIMARY KEY, metres INTEGER NOT NULL)')
await db.transaction(async (tx) => {
  const insert = await tx.prepare('INSERT INTO peaks VALUES ($1, $2)')
  for (const peak of [['Eiger', 3967], ['Mönch', 4110], ['Jungfrau', 4158]]) {
    await insert.query(peak)
  }
})
const { rows } = await db.sql`SELECT name, metres FROM peaks WHERE metres > ${4000} ORDER BY metres DESC`
console.log(rows)
await db.close()
