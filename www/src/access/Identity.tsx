/** Who works in a pane: the user, its role at most, and in whose name. */

import { useCallback, useId } from 'react'
import type { Role } from 'firndb'
import { useReading } from '../engine/reading.js'
import { OWNER, type Store, type Who } from '../engine/store.js'
import { nameOf } from '../editor/history.js'
import './access.css'

interface User {
  readonly id: string
  readonly role: Role
}

const ROLES: readonly Role[] = ['user', 'service', 'dba', 'system']

/** A button that says who it is, and lets somebody else in. */
export function Identity({ store, who, onWho }: { readonly store: Store; readonly who: Who; onWho(who: Who): void }) {
  const id = useId()
  const users = useUsers(store)
  const own = users.find((user) => user.id === who.user)
  const most = ROLES.indexOf(own?.role ?? 'system')
  // A user acts for nobody; whoever acts does so for users up to its own role.
  const acting = ROLES.indexOf(who.role ?? own?.role ?? 'system')
  const others = acting < ROLES.indexOf('service') ? [] : users.filter((user) => user.id !== who.user && ROLES.indexOf(user.role) <= acting)

  const choose = (change: { user?: string; role?: Role | undefined; as?: string | undefined }) => {
    const { user, role, as } = { ...who, ...change }
    onWho({ user, ...(role === undefined ? {} : { role }), ...(as === undefined ? {} : { as }) })
  }

  return (
    <div className="identity">
      <button type="button" className="identity-button" popoverTarget={id} aria-label={`Working as ${nameOf(who)}; change it`}>
        <span aria-hidden="true" className="identity-dot" />
        {nameOf(who)}
      </button>
      <div id={id} popover="auto" className="identity-popover" role="dialog" aria-label="Who works here">
        <label>
          User
          <select value={who.user} onChange={(event) => onWho(event.target.value === OWNER.user ? OWNER : { user: event.target.value })}>
            {[OWNER.user, ...users.map((user) => user.id).filter((user) => user !== OWNER.user)].map((user) => (
              <option key={user}>{user}</option>
            ))}
          </select>
        </label>
        <label>
          With the role
          <select value={who.role ?? ''} onChange={(event) => choose({ role: asRole(event.target.value) })}>
            <option value="">its own{own ? ` (${own.role})` : ''}</option>
            {ROLES.slice(0, most + 1).map((role) => (
              <option key={role}>{role}</option>
            ))}
          </select>
        </label>
        <label>
          Acting for
          <select value={who.as ?? ''} disabled={others.length === 0} onChange={(event) => choose({ as: event.target.value || undefined })}>
            <option value="">itself</option>
            {others.map((user) => (
              <option key={user.id}>{user.id}</option>
            ))}
          </select>
        </label>
        <p className="identity-note">
          Users come by <code>CREATE USER alice</code>. Each statement done for somebody else is in the audit log.
        </p>
      </div>
    </div>
  )
}

/** The users whom the store knows. */
function useUsers(store: Store): readonly User[] {
  const read = useCallback(async () => {
    const { rows } = await store.owner.query<User>('SELECT id, role FROM system.users WHERE dropped_at IS NULL ORDER BY id')
    return rows
  }, [store])
  return useReading(store, read).value ?? NOBODY
}

const NOBODY: readonly User[] = []

function asRole(text: string): Role | undefined {
  return ROLES.find((role) => role === text)
}
