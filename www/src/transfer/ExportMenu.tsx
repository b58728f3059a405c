/** Buttons that write a table as a file. */

import type { Activities } from '../engine/activities.js'
import type { Store } from '../engine/store.js'
import { EXPORT_FORMATS, type ExportFormat, exportTable } from './export.js'
import './transfer.css'

interface Props {
  readonly store: Store
  readonly activities: Activities
  /** As `name` or `namespace.name`. */
  readonly table: string
  /** Whose rows, of a USER table. */
  readonly user?: string
}

export function ExportMenu({ store, activities, table, user }: Props) {
  return (
    <div className="transfer-export" role="group" aria-label={`Export ${table}`}>
      {(Object.keys(EXPORT_FORMATS) as ExportFormat[]).map((format) => (
        <button
          key={format}
          type="button"
          className="transfer-button"
          title={EXPORT_FORMATS[format]}
          onClick={() => void exportTable(store, activities, table, format, user)}
        >
          {format === 'parquet' ? 'Parquet' : format.toUpperCase()}
        </button>
      ))}
    </div>
  )
}

export { exportStore, exportTable } from './export.js'
