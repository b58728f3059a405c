/** Columns of a file with their names and types, above its first rows. */

import type { Draft } from './draft.js'
import type { Head } from './head.js'
import { SQL_TYPES } from './types.js'

interface Props {
  readonly file: string
  readonly head: Head
  readonly columns: Draft['columns']
  readonly onColumns: (columns: Draft['columns']) => void
}

export function ColumnsForm({ file, head, columns, onColumns }: Props) {
  const change = (at: number, some: Partial<Draft['columns'][number]>) =>
    onColumns(columns.map((column, each) => (each === at ? { ...column, ...some } : column)))
  return (
    <div className="transfer-rows" role="region" aria-label={`Columns and first rows of ${file}`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ name, type }, at) => {
              const what = head.columns[at]?.name || `column ${at + 1}`
              return (
                <th key={at} scope="col">
                  <input
                    value={name}
                    aria-label={`Name of ${what}`}
                    spellCheck={false}
                    size={Math.max(name.length, 6)}
                    onChange={({ target }) => change(at, { name: target.value })}
                  />
                  <select
                    value={type}
                    aria-label={`Type of ${what}`}
                    onChange={({ target }) => change(at, { type: target.value })}
                  >
                    {[...new Set([head.columns[at]?.type ?? type, type, ...SQL_TYPES])].map((each) => (
                      <option key={each}>{each}</option>
                    ))}
                  </select>
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody>
          {head.preview.map((row, number) => (
            <tr key={number}>
              {row.map((value, at) => (
                <td key={at}>{value ?? <span className="transfer-null">NULL</span>}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {head.preview.length === 0 && <p className="transfer-note">There are no rows to show.</p>}
    </div>
  )
}
