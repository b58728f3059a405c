import { FirnDB } from 'firndb'

const db = await FirnDB.open('tally')
await db.exec('CREATE TABLE IF NOT EXISTS tally (word TEXT PRIMARY KEY, n INTEGER NOT NULL)')

async function show() {
  const { rows } = await db.query('SELECT word, n FROM tally ORDER BY n DESC, word')
  document.querySelector('output').value = rows.map(({ word, n }) => `${n} ${word}`).join('\n') || 'nothing yet'
}

for (const button of document.querySelectorAll('button')) {
  button.addEventListener('click', async () => {
    const word = button.textContent
    await db.sql`INSERT INTO tally VALUES (${word}, 1) ON CONFLICT (word) DO UPDATE SET n = tally.n + 1`
    await show()
  })
}
await show()
