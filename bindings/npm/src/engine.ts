/** What the engine's WebAssembly offers, as far as it is used here. */

import type { Answer, EngineOptions } from './protocol.js'
import type { Param } from './types.js'

/** A conversation with the engine. `free` ends it and rolls back what is open. */
export interface EngineSession {
  query(sql: string, params: Param[]): Promise<Answer>
  execute(sql: string): Promise<Answer[]>
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

/** Opens the store `name`. */
export type OpenEngine = (name: string, options: EngineOptions) => Promise<EngineDatabase>
