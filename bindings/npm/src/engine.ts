/** What the engine offers, as WebAssembly or as an addon, as far as it is used here. */

import type { Answer, EngineOptions } from './protocol.js'
import type { BackupReport, Param } from './types.js'

/** Takes back the statements that run with it. */
export interface EngineCancel {
  cancel(): void
  free(): void
}

/** Rows that are made as they are asked for. `free` gives up what has not been. */
export interface EngineRows {
  /** The next piece, an Arrow IPC stream or a part of one; `null` when there are no more. */
  next(): Promise<Uint8Array | null>
  free(): void
}

/** What a load did: how many rows went in, and how many were left out because they are none. */
export interface Copied {
  rows: number
  rejected: number
}

/** A COPY that is fed piece by piece. `free` gives it up unless it is finished: then nothing of it goes in. */
export interface EngineLoad {
  /** Takes more bytes, once there is room; whether they are still wanted. */
  feed(bytes: Uint8Array): Promise<boolean>
  /** Says that there are no more; what was done. Rejects with the error also where it came before. */
  finish(): Promise<Copied>
  /** Resolves when it is over, either way. */
  readonly ended: Promise<void>
  free(): void
}

/** A conversation with the engine. `free` ends it and rolls back what is open. */
export interface EngineSession {
  query(sql: string, params: Param[], cancel: EngineCancel): Promise<Answer>
  execute(sql: string, cancel: EngineCancel): Promise<Answer[]>
  /** The rows do not need the session any more, but `cancel`, which takes them back. */
  stream(sql: string, params: Param[], each: boolean, cancel: EngineCancel): Promise<EngineRows>
  /** The bytes of a `COPY … TO STDOUT`; as those of `stream` they do not need the session any more. */
  copyTo(sql: string, params: Param[], cancel: EngineCancel): Promise<EngineRows>
  /** All rows of a query, and again whenever they are others; as those of `stream` they do not need the session any more. */
  live(sql: string, params: Param[], cancel: EngineCancel): Promise<EngineRows>
  /** What changed in `table`, named as in SQL, after `since`, and what changes then; as `live`. */
  changes(table: string, since: bigint, cancel: EngineCancel): Promise<EngineRows>
  /** Begins a `COPY … FROM STDIN`; messages call what it reads `name`. The session does nothing else until it ends. */
  load(sql: string, name: string, cancel: EngineCancel): EngineLoad
  readonly inTransaction: boolean
  free(): void
}

/** A store, open. */
export interface EngineDatabase {
  /** Of `root` or of `subject`, with `role` at most; each statement in the name of `acting`, if that is there. */
  session(subject?: string | null, role?: string | null, acting?: string | null): EngineSession
  countParameters(sql: string): number
  /** Does one unit of work that no statement waits for; whether there was any. */
  step(): Promise<boolean>
  stats(): Record<string, number>
  /** Writes the whole store as one archive, giving `part` each part of it. */
  dump(part: (bytes: Uint8Array) => void): Promise<void>
  /** Copies the store to a directory; absent where there are none. */
  backup?(target: string): Promise<BackupReport>
  close(): Promise<void>
}

/** An engine that is open, and what makes the means to take its statements back. */
export interface Engine {
  db: EngineDatabase
  newCancel: () => EngineCancel
}

/** Gives so many bytes of an archive, those after the last; fewer at its end. */
export type ReadArchive = (bytes: number) => Uint8Array

/** Opens the store `name`. */
export type OpenEngine = (name: string, options: EngineOptions) => Promise<Engine>
