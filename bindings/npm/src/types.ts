/** What goes in and out of the API. */

import type { WasmSource } from './protocol.js'

/** A value of a statement's parameter; arrays and plain objects go as JSON. */
export type Param =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | readonly unknown[]
  | { readonly [name: string]: unknown }

/** A row as an object: the values by {@link Field.key}. */
export type Row = Record<string, unknown>

/** A column of a result. */
export interface Field {
  /** The name that SQL gives the column. */
  readonly name: string
  /**
   * The property of a row object that holds the column: the name, or the name with a number after it where an
   * earlier column has that name.
   */
  readonly key: string
  /** The SQL type, in capitals. */
  readonly type: string
}

/** What a statement answered. */
export interface Result<R = Row> {
  /** The rows of a query or of RETURNING; none for other statements. */
  readonly rows: R[]
  /** The columns of `rows`. */
  readonly fields: Field[]
  /** How many rows were inserted, updated or deleted; absent where the statement answers with rows. */
  readonly affectedRows?: number
}

/** Rows that lie column by column; {@link readArrow} reads them. */
export interface ArrowRows {
  readonly fields: readonly Field[]
  /** How many rows there are. */
  readonly length: number
  /** A value: both numbers from 0; `undefined` for a column that is not there. */
  at(row: number, column: number): unknown
}

/** How one statement is run and its rows are given. */
export interface QueryOptions {
  /** Rows as objects, or as arrays of values in the order of `fields`. Default: `'object'`. */
  rowMode?: 'object' | 'array'
  /** TIMESTAMP and TIMESTAMPTZ as `Date`, which has milliseconds, or as `bigint` of microseconds since 1970. Default: `'date'`. */
  timestamps?: 'date' | 'micros'
  /** JSON as the value that it is, whose numbers are those of JavaScript, or as its text, with all digits. Default: `'value'`. */
  json?: 'value' | 'text'
  /**
   * Gives up: the promise is rejected with the signal's reason, and the engine takes the statement back. One that it
   * is already committing takes effect all the same.
   */
  signal?: AbortSignal
}

/** What `copyFrom` reads: a `File` or `Blob`, a stream or an iterable of bytes, bytes, or text. */
export type CopySource =
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array>
  | Uint8Array
  | string

/** How a file is written. */
export interface CopyOptions {
  /** Without it the ending of the source's name says it: `.csv`, `.tsv`, `.json`, `.jsonl`, `.ndjson`, `.parquet`. */
  format?: 'csv' | 'json' | 'parquet'
  /**
   * CSV: the first line has the names of the columns, and without `columns` values go by them; with `'match'` they must
   * be those of the table, in order. Default: `false`.
   */
  header?: boolean | 'match'
  /** CSV: what separates values. Default: `','`, or a tab for `.tsv`. */
  delimiter?: string
  /** CSV: how NULL is written, without quotes. Default: `''`, so that an empty text has quotes. */
  null?: string
  /** CSV: what goes around values. Default: `'"'`. */
  quote?: string
  /** CSV: what goes before a quote in a quoted value. Default: the quote. */
  escape?: string
  /** The columns of the table, in the order of the file's; the others have their defaults. Default: all of them. */
  columns?: readonly string[]
  /** Gives up: the promise, or the stream, fails with the signal's reason, and nothing is loaded. */
  signal?: AbortSignal
}

/** How `copyFrom` reads. */
export interface CopyFromOptions extends CopyOptions {
  /** Whether the first bad row ends it, so that nothing is loaded, or bad rows are left out. Default: `'stop'`. */
  onError?: 'stop' | 'skip'
  /** With `onError: 'skip'`, the path of a file that bad rows go to, with the reason; with the addon of Node.js only. */
  rejected?: string
  /** What messages call the source. Default: the name of a `File`. */
  name?: string
}

/** How `copyTo` writes. */
export interface CopyToOptions extends CopyOptions {
  format: 'csv' | 'json' | 'parquet'
  /** The values of the parameters of a query. */
  params?: readonly Param[]
}

/** How a live query gives its rows, and how it ends. */
export interface LiveOptions extends QueryOptions {
  /**
   * Called once with what ended the live query, such as `NotFound` when its table was dropped; there are no more calls
   * then. Without it such an error is written to the console. What is wrong from the beginning rejects `query` instead.
   */
  onError?: (error: unknown) => void
  /** Ends it, as `unsubscribe` does; before the first rows, `query` is rejected with the signal's reason. */
  signal?: AbortSignal
}

/** How changes are followed. */
export interface ChangesOptions {
  /** The `seq` of the last change that is known already. Default: `0n`, so that all rows come first. */
  since?: bigint
  /** As in {@link QueryOptions}. */
  timestamps?: 'date' | 'micros'
  /** Ends the loop with the signal's reason. */
  signal?: AbortSignal
}

/** A change of a row: the latest version of its key. */
export interface Change<R = Row> {
  /** The table's columns; of a row that was deleted all but the key are `null`. */
  readonly row: R
  /** Where the change is among all of the store: what `since` takes. */
  readonly seq: bigint
  readonly deleted: boolean
}

/** What somebody may do: each role may what those before it may. */
export type Role = 'user' | 'service' | 'dba' | 'system'

/** How a store is opened. */
export interface OpenOptions {
  /**
   * Whose rows of USER tables are read and written, and what may be done; `open` is rejected with `PermissionDenied` if
   * the store knows no such user. It is of this `db`, whoever else has the store open. Default: `'root'`.
   */
  user?: string
  /** What may be done at most, where that is less than the store gives the user. */
  role?: Role
  /**
   * What an acknowledged write survives: `'strict'` (the default) also a loss of power, `'relaxed'` may lose the last
   * moments. It is the leader's that counts where several tabs have the store open.
   */
  durability?: 'strict' | 'relaxed'
  /** What one statement may take; past it is `LimitExceeded`. The leader's count where several tabs have the store open. */
  limits?: Limits
  /**
   * Settings of the engine by name, such as `{ 'flush.rows': 10000 }`; the package's README lists them, and
   * `SELECT * FROM system.settings` shows what they are. The leader's count where several tabs have the store open.
   */
  settings?: Readonly<Record<string, SettingValue | undefined>>
  /** The engine's WebAssembly, where it is not beside the package's files: an address, its bytes, or compiled. */
  wasm?: URL | string | BufferSource | Exclude<WasmSource, undefined>
  /** The engine's worker, where it is not beside the package's files: an address, or what makes one. */
  worker?: URL | string | (() => Worker)
  /** Whether to ask the browser not to evict the store's data. Default: `true`. {@link StorageReport} has its answer. */
  persist?: boolean
}

/** The value of a setting; a number is an integer. */
export type SettingValue = string | number | bigint | boolean

/** What one statement may take. Every limit is an integer; one that is not given has the engine's default. */
export interface Limits {
  /** Rows that are answered at once; any number by default. A stream gives any number. */
  resultRows?: number
  /** Bytes of memory of the rows that are answered at once: 512 MiB in WebAssembly, 2 GiB in the addon. */
  resultBytes?: number
  /** Bytes held for sorting, grouping and joining: 512 MiB in WebAssembly, 2 GiB in the addon, which goes on with files. */
  memoryBytes?: number
  /** Milliseconds of work, not counting what the caller does between the batches of a stream; 0, the default, for any. */
  timeoutMs?: number
}

/** How a store is opened in Node.js. `worker` and `persist` mean nothing there. */
export interface NodeOpenOptions extends OpenOptions {
  /** Only reads what the store holds at this moment, also while another process writes to it. Default: `false`. */
  readOnly?: boolean
  /**
   * The URL of the cold tier, where that is not in the store's directory: `s3://bucket/prefix`, `gs://…`, `az://…` or
   * `file:///directory`. The store does not remember it. Keys are read from the environment: `AWS_…`, `GOOGLE_…`,
   * `AZURE_…`.
   */
  blobs?: string
  /**
   * Whether `COPY` in SQL, and the option `rejected` of `copyFrom`, may read and write files by their paths, with all rights
   * of this process. `false` where SQL comes from somebody who should not: they are rejected with `Unsupported` then.
   * `copyFrom` and `copyTo` with streams work as ever. Default: `true`; WebAssembly never has files.
   */
  files?: boolean
  /**
   * The file of the addon, where it is not that of the package for this platform; `false` for WebAssembly also where
   * there is an addon.
   */
  addon?: string | URL | false
}

/** Where a store lies and how much room there is. */
export interface StorageReport {
  /** In memory, in storage of the browser that outlives the page, or in a directory. */
  readonly kind: 'memory' | 'browser' | 'directory'
  /**
   * Whether the data are kept until somebody removes them: a directory's are, a browser may have promised it. `false`
   * also in a private window, whose data end with it.
   */
  readonly persisted: boolean
  /** Bytes that the origin uses, of all its storage; absent where the browser does not say. */
  readonly usageBytes?: number
  /** Bytes that the origin may use; absent where the browser does not say. */
  readonly quotaBytes?: number
}

/** What a backup copied. */
export interface BackupReport {
  /** Files of the cold tier. */
  readonly files: number
  /** Their bytes. */
  readonly bytes: number
  /** Damage that was copied as it is, a line each; empty where all is sound. */
  readonly damage: readonly string[]
}
