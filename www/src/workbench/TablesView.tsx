/** What tables there are, and their columns. */

import type { TableInfo } from '../editor/schema.js'
import type { Activities } from '../engine/activities.js'
import { calledBy, qualified } from '../engine/names.js'
import type { Database } from '../engine/run.js'
import { ExportMenu } from '../transfer/ExportMenu.js'

interface Properties {
  /** Whose rows are exported: that of whoever works in the pane. */
  readonly db: Database | undefined
  readonly activities: Activities
  readonly tables: readonly TableInfo[]
  onShow(sql: string, title?: string): void
}

export function TablesView({ db, activities, tables, onShow }: Properties) {
  if (tables.length === 0) {
    return <p className="dock-empty">No tables yet: load a sample, drop a file onto the page, or CREATE TABLE.</p>
  }
  return (
    <ul className="tables">
      {tables.map((table) => (
        <li key={JSON.stringify([table.namespace, table.name])}>
          <details>
            <summary>
              <span className="tables-name">{calledBy(table)}</span>
              <span className="tables-kind">{table.kind}</span>
            </summary>
            <ul className="tables-columns">
              {table.columns.map(({ name, type, inPrimaryKey }) => (
                <li key={name}>
                  <span>{name}</span>
                  <span className="tables-type">
                    {type}
                    {inPrimaryKey && ' · key'}
                  </span>
                </li>
              ))}
            </ul>
            <div className="tables-actions">
              <button type="button" onClick={() => onShow(`SELECT * FROM ${qualified(table)} LIMIT 100`, table.name)}>
                Show rows
              </button>
              {db && <ExportMenu db={db} activities={activities} table={table} />}
            </div>
          </details>
        </li>
      ))}
    </ul>
  )
}
