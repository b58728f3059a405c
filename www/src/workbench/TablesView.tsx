/** What tables there are, and their columns. */

import { calledBy, type TableInfo } from '../editor/schema.js'
import type { Activities } from '../engine/activities.js'
import type { Store } from '../engine/store.js'
import { ExportMenu } from '../transfer/ExportMenu.js'

interface Properties {
  readonly store: Store
  readonly activities: Activities
  readonly tables: readonly TableInfo[]
  onShow(sql: string, title?: string): void
}

export function TablesView({ store, activities, tables, onShow }: Properties) {
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
              <button type="button" onClick={() => onShow(`SELECT * FROM ${calledBy(table)} LIMIT 100`, table.name)}>
                Show rows
              </button>
              <ExportMenu store={store} activities={activities} table={`${table.namespace}.${table.name}`} />
            </div>
          </details>
        </li>
      ))}
    </ul>
  )
}
