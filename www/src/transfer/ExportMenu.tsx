/** Buttons that write a table as a file. */

import type { Activities } from '../engine/activities.js'
import { type TableName, calledBy } from '../engine/names.js'
import type { Database } from '../engine/run.js'
import { EXPORT_FORMATS, type ExportFormat, exportTable } from './export.js'
import './transfer.css'

interface Props {
  /** Of a USER table those rows are written that whoever this is of has. */
  readonly db: Database
  readonly activities: Activities
  readonly table: TableName
}

export function ExportMenu({ db, activities, table }: Props) {
  return (
    <div className="transfer-export" role="group" aria-label={`Export ${calledBy(table)}`}>
      {(Object.keys(EXPORT_FORMATS) as ExportFormat[]).map((format) => (
        <button
          key={format}
          type="button"
          className="transfer-button"
          title={EXPORT_FORMATS[format]}
          onClick={() => void exportTable(db, activities, table, format)}
        >
          {format === 'parquet' ? 'Parquet' : format.toUpperCase()}
        </button>
      ))}
    </div>
  )
}
