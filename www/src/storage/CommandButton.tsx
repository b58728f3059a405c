/** A button that begins a piece of upkeep, and shows that it is under way. */

import type { ReactNode } from 'react'
import type { Command } from './sql.js'
import type { Watched } from './watch.js'

export interface CommandButtonProps {
  readonly watched: Watched
  readonly command: Command
  /** What it does and to what, for who does not see where it is. */
  readonly name?: string
  readonly disabled?: boolean
  readonly children: ReactNode
}

export function CommandButton({ watched, command, name, disabled, children }: CommandButtonProps) {
  const isRunning = watched.commands.some(({ sql }) => sql === command.sql)
  return (
    <button
      type="button"
      className="storage-button"
      aria-label={name}
      title={command.sql}
      aria-busy={isRunning}
      disabled={disabled || isRunning}
      onClick={() => void watched.command(command)}
    >
      {isRunning && <span className="storage-spinner" aria-hidden="true" />}
      {children}
    </button>
  )
}
