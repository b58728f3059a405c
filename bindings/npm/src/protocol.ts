/**
 * What pages and the engine's worker say to each other.
 *
 * One worker per store is the *leader*: it holds the lock {@link leaderLock} and has the engine open. Every open
 * database is a *client*: it holds {@link clientLock} for as long as it lives, and has a channel of its own,
 * {@link clientChannel}, on which only it and the leader speak. On {@link commonChannel} everybody hears:
 *
 * ```text
 * client ── hello {client, term} ──► common           leader ── leader {term} ──► common
 * client ◄── welcome {term} ── own channel            client ◄── refused ── own channel
 * client ── request {term, id} ──► own channel        client ◄── answer | error | moved {term, id}
 * ```
 *
 * A *term* is one engine's time in office. It is greater than that of any leader that a client has met, so a
 * message of a leader that is gone is known by its lower term. While in office the leader holds
 * {@link termLock}: a client that is granted it knows that the leader is gone, and what was in flight with it.
 *
 * The forms of `hello`, `leader`, `welcome` and `refused` are the same in every version of the protocol.
 */

import type { Breakdown } from './breakdown.js'
import type { SentError } from './errors.js'
import type { BackupReport, Limits, Param, Role } from './types.js'

/** Raised whenever two versions of the package could misunderstand each other. */
export const PROTOCOL = 2

/** What one statement answered; `ipc` is an Arrow IPC stream. */
export type Answer =
  | { kind: 'rows'; ipc: Uint8Array }
  | { kind: 'affected'; rows: number }
  | { kind: 'done'; verb: string }

/** Who asks, and where names are looked up; the engine is told with each request, and forgets it with the request. */
export interface Speaker {
  /** The statement that set the namespace. */
  use?: string
  /** Whose rows are read and written, `root` if it is not there, and what it may do at most. */
  user?: string
  role?: Role
  /** In whose name every statement is done. */
  as?: string
}

/** In the session of a transaction, to which its speaker was told when it was begun, or in one of its own. */
type InSession = Speaker & { session?: number }

/**
 * What a client asks for. `session` names a transaction; `stream` names rows that are asked for piece by piece, of an
 * Arrow IPC stream, or `each` piece such a stream; `load` rows that are given piece by piece.
 */
export type Operation =
  | ({ op: 'query'; sql: string; params: readonly Param[] } & InSession)
  | ({ op: 'exec'; sql: string } & InSession)
  | ({ op: 'stream'; stream: number; each: boolean; sql: string; params: readonly Param[] } & InSession)
  /** As `stream`, of a `COPY … TO STDOUT`. */
  | ({ op: 'copyTo'; stream: number; sql: string; params: readonly Param[] } & InSession)
  /** A stream that stays: all rows of a query in a piece, and again whenever they are others. */
  | ({ op: 'live'; stream: number; sql: string; params: readonly Param[] } & Speaker)
  /** A stream that stays: what changed in a table after `since`, and what changes then. */
  | ({ op: 'changes'; stream: number; table: string; since: bigint } & Speaker)
  /** Waits for the next piece of a stream. */
  | { op: 'next'; stream: number }
  | { op: 'release'; stream: number }
  /** Begins a `COPY … FROM STDIN`, which `feed` gives bytes, and `loaded` ends. */
  | ({ op: 'load'; load: number; name: string; sql: string } & InSession)
  | { op: 'feed'; load: number; bytes: Uint8Array }
  | { op: 'loaded'; load: number }
  /** Nothing of it is to go in. */
  | { op: 'unload'; load: number }
  | ({ op: 'begin'; session: number } & Speaker)
  | { op: 'end'; session: number; commit: boolean }
  | { op: 'parameters'; sql: string }
  | { op: 'stats' }
  /** Answered by messages `part` first. */
  | { op: 'dump' }
  /** Of Node.js only. */
  | { op: 'backup'; target: string }

/**
 * What an operation answers: `query` an answer, `exec` several, `next` a piece or `null` after the last, `parameters` a
 * count, `stats` and `loaded` counts, `backup` a report.
 */
export type Reply = Answer | Answer[] | Uint8Array | number | Record<string, number> | BackupReport | null

/** From a client, on its own channel. */
export type ClientMessage =
  | { kind: 'request'; term: number; id: number; operation: Operation }
  | { kind: 'cancel'; term: number; id: number }
  /** The answer to `leaving`: what was sent before it was all, but for the transactions that are open. */
  | { kind: 'left'; term: number }

/** From the leader, on the channel of one client. */
export type HostMessage =
  | { kind: 'welcome'; protocol: number; term: number }
  | { kind: 'refused'; protocol: number; message: string }
  | { kind: 'answer'; term: number; id: number; reply: Reply }
  | { kind: 'error'; term: number; id: number; error: SentError }
  /** A part of a long answer, which is not the end of it. */
  | { kind: 'part'; term: number; id: number; part: Uint8Array }
  /** The leader hands over: it takes what belongs to open transactions, for a moment, and nothing else. */
  | { kind: 'leaving'; term: number }
  /** Not carried out, and will not be: another leader is to be asked. Of a stream that stays: it is to be begun again there. */
  | { kind: 'moved'; term: number; id: number }
  /** The engine broke down: nothing that is in flight will be answered. */
  | ({ kind: 'fatal'; term: number } & Breakdown)
  /** The worker could not open the store; only to the page that owns the worker. */
  | { kind: 'failed'; error: SentError }
  /** The worker has closed the store, or deleted it; only to the page that owns the worker. */
  | { kind: 'stopped' }

/** On the common channel. */
export type CommonMessage =
  | { kind: 'hello'; protocol: number; client: string; term: number }
  | { kind: 'leader'; protocol: number; term: number }
  /** Of the leader's page, which is being closed: whatever is sent from here on may be lost. */
  | { kind: 'closing'; protocol: number; term: number }

/** From a page to the worker that it owns; of one that is to delete or load a store nothing else is asked. */
export type WorkerMessage =
  | {
      kind: 'start'
      name: string
      client: string
      options: EngineOptions
      wasm: WasmSource
      port: MessagePort
      /** What a store in memory is made of. */
      archive?: Blob
    }
  | { kind: 'load'; name: string; options: EngineOptions; wasm: WasmSource; port: MessagePort; archive: Blob }
  | { kind: 'delete'; name: string; wasm: WasmSource; port: MessagePort }
  | { kind: 'stop' }

/** What a thread of Node.js begins with: the one store, in memory, that it is to have. */
export interface ThreadStart {
  name: string
  options: EngineOptions
  wasm: WebAssembly.Module
  /** What the store is made of. */
  archive?: Uint8Array
}

/** What the engine is opened with. */
export interface EngineOptions {
  durability?: 'strict' | 'relaxed'
  limits?: Limits
  /** Settings by name, as text. */
  settings?: Record<string, string>
  readOnly?: boolean
  /** The URL of the cold tier, where that is not beside the hot one; of the addon only. */
  blobs?: string
  /** Whether statements may name files; of the addon only. */
  files?: boolean
}

/** Where the engine's code is: beside the worker, at an address, or compiled by the page. */
export type WasmSource = undefined | string | WebAssembly.Module

/** Held by the worker that has the engine of `name` open. */
export const leaderLock = (name: string): string => `firndb:${name}`

/** Held by a leader for its time in office. */
export const termLock = (name: string, term: number): string => `firndb:${name}:term:${term}`

/** Held by a client for as long as it lives. */
export const clientLock = (name: string, client: string): string => `firndb:${name}:client:${client}`

/** Where clients look for the leader. */
export const commonChannel = (name: string): string => `firndb:${name}`

/** Where one client and the leader speak. */
export const clientChannel = (name: string, client: string): string => `firndb:${name}:client:${client}`

/** Whether stores of this name are only in memory, and so of one client only. */
export const isMemory = (name: string): boolean => name.startsWith('memory:')

/** Why a page and a leader of two versions do not work together. */
export function versionMismatch(page: number, leader: number): string {
  const older = page < leader ? 'this tab' : 'the other tab'
  return (
    `another tab has the store open with another version of the package firndb ` +
    `(protocol ${leader}, this tab has ${page}): reload ${older}, whose version is older`
  )
}
