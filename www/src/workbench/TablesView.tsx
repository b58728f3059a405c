/** What tables there are, and their columns. */

import { useState } from 'react'
import { OWN_NAMESPACE } from '../editor/own.js'
import type { TableInfo } from '../editor/schema.js'
import type { Activities } from '../engine/activities.js'
import { qualified } from '../engine/names.js'
import { ExportMenu } from '../transfer/ExportMenu.js'
import type { Session } from './session.js'

interface Properties {
  /** Of the pane that is worked in: what it would be shown is exported. */
  readonly session: Session
  readonly activities: Activities
  readonly tables: readonly TableInfo[]
  onShow(sql: string, title?: string): void
}

export function TablesView({ session, activities, tables, onShow }: Properties) {
  const [ownToo, setOwnToo] = useState(false)
  const listed = tables.filter(({ namespace }) => ownToo || namespace !== OWN_NAMESPACE)
  return (
    <div className="tables">
      {listed.length === 0 ? (
        <p className="dock-empty">No tables yet: load a sample, drop a file onto the page, or CREATE TABLE.</p>
      ) : (
        <ul>{listed.map(item)}</ul>
      )}
      <label className="tables-own">
        <input type="checkbox" checked={ownToo} onChange={(event) => setOwnToo(event.target.checked)} />
        Show the page’s own tables too
      </label>
    </div>
  )

  function item(table: TableInfo) {
    return (
      <li key={JSON.stringify([table.namespace, table.name])}>
        <details>
          <summary>
            <span className="tables-name">{table.namespace}.{table.name}</span>
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
            {session.db && (
              <div className="tables-export">
                <span>Export as</span>
                <ExportMenu within={session.within} activities={activities} table={table} />
              </div>
            )}
          </div>
        </details>
      </li>
    )
  }
}
