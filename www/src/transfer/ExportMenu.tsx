/** Buttons that write a table as a file. */

import type { Activities } from '../engine/activities.js'
import { type TableName, calledBy } from '../engine/names.js'
import type { Queryable } from '../engine/run.js'
import { EXPORT_FORMATS, type ExportFormat, exportTable } from './export.js'
import './transfer.css'

interface Props {
  /** What a statement would run in: of a USER table those rows are written that whoever this is of has. */
  within(): Promise<Queryable>
  readonly activities: Activities
  readonly table: TableName
}

export function ExportMenu({ within, activities, table }: Props) {
  return (
    <div className="transfer-export" role="group" aria-label={`Export ${calledBy(table)}`}>
      {(Object.keys(EXPORT_FORMATS) as ExportFormat[]).map((format) => (
        <button
          key={format}
          type="button"
          className="transfer-button"
          title={EXPORT_FORMATS[format]}
          onClick={() => void exportTable(within, activities, table, format)}
        >
          {format === 'parquet' ? 'Parquet' : format.toUpperCase()}
        </button>
      ))}
    </div>
  )
}
