/** What the worker that makes the rows of samples says to the page, one thing each time it is asked. */

/** Which rows are wanted, and where files of data are. */
export interface Order {
  readonly sample: string
  /** The address of the page, with which those of data begin. */
  readonly base: string
}

/** The next thing to do. */
export type Event =
  /** A file is on its way; nothing has to be done. */
  | { readonly kind: 'download'; readonly done: number; readonly total: number | undefined }
  /** Pieces follow, up to `end`: rows of `table`, as `namespace.name`, in the name of `as`. They go in together. */
  | { readonly kind: 'begin'; readonly table: string; readonly as?: string }
  /** Lines of CSV. */
  | { readonly kind: 'piece'; readonly bytes: Uint8Array<ArrayBuffer>; readonly rows: number }
  | { readonly kind: 'end' }
  /** A statement, what to call it meanwhile, and the rows that it adds, if any. */
  | { readonly kind: 'run'; readonly sql: string; readonly step: string; readonly rows?: number }

/** What the page is answered. */
export type Answer<E = Event> =
  | { readonly kind: 'event'; readonly event: E }
  | { readonly kind: 'over' }
  | { readonly kind: 'failed'; readonly message: string }
