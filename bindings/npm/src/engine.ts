/** What the engine offers, as WebAssembly or as an addon, as far as it is used here. */

import type { Answer, EngineOptions } from './protocol.js'
import type { Param } from './types.js'

/** Takes back the statements that run with it. */
export interface EngineCancel {
  cancel(): void
  free(): void
}

/** A conversation with the engine. `free` ends it and rolls back what is open. */
export interface EngineSession {
  query(sql: string, params: Param[], cancel: EngineCancel): Promise<Answer>
  execute(sql: string, cancel: EngineCancel): Promise<Answer[]>
  readonly inTransaction: boolean
  free(): void
}

/** A store, open. */
export interface EngineDatabase {
  session(subject?: string | null, role?: string | null): EngineSession
  countParameters(sql: string): number
  /** Does one unit of work that no statement waits for; whether there was any. */
  step(): Promise<boolean>
  stats(): Record<string, number>
  close(): Promise<void>
}

/** An engine that is open, and what makes the means to take its statements back. */
export interface Engine {
  db: EngineDatabase
  newCancel: () => EngineCancel
}

/** Opens the store `name`. */
export type OpenEngine = (name: string, options: EngineOptions) => Promise<Engine>
