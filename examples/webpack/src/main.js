import { FirnDB } from 'firndb'
import './index.html'

const [form, output] = ['form', 'output'].map((name) => document.querySelector(name))
const db = await FirnDB.open('prompt')

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  try {
    const results = await db.exec(form.querySelector('textarea').value, { rowMode: 'array' })
    output.value = results.map(show).join('\n\n')
  } catch (error) {
    output.value = `${error.code}: ${error.message}`
  }
})
output.value = 'ready'

const show = ({ rows, fields, affectedRows }) =>
  affectedRows === undefined
    ? [fields.map((field) => field.name), ...rows].map((row) => row.join(' | ')).join('\n')
    : `${affectedRows} rows`
