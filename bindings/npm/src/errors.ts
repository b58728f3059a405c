/** The one error of the package, and how it crosses from the engine to the page. */

/** What a caller can do about an error; the README says it of each. */
export type ErrorCode =
  | 'Syntax'
  | 'NotFound'
  | 'AlreadyExists'
  | 'InvalidInput'
  | 'Constraint'
  | 'PermissionDenied'
  | 'Unsupported'
  | 'Conflict'
  | 'LimitExceeded'
  | 'Cancelled'
  | 'Locked'
  | 'Unavailable'
  | 'Corrupt'
  | 'Internal'

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'Syntax',
  'NotFound',
  'AlreadyExists',
  'InvalidInput',
  'Constraint',
  'PermissionDenied',
  'Unsupported',
  'Conflict',
  'LimitExceeded',
  'Cancelled',
  'Locked',
  'Unavailable',
  'Corrupt',
  'Internal',
])

/** A place in a text of SQL: line and column, both from 1, columns in characters. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** What helps to find and mend a mistake, as far as it is known. */
export interface ErrorHelp {
  /** Where in the text of SQL it is. */
  readonly position?: Position
  /** What mends it. */
  readonly hint?: string
}

/**
 * An error of FirnDB: `code` to act on, `message` for people. The message has the line of the statement with a caret
 * under the place, and the hint, in lines of their own; `position` and `hint` have them for programs.
 */
export class FirnDBError extends Error implements ErrorHelp {
  override readonly name = 'FirnDBError'
  readonly code: ErrorCode
  declare readonly position?: Position
  declare readonly hint?: string

  constructor(code: ErrorCode, message: string, options?: ErrorOptions & ErrorHelp) {
    super(message, options)
    this.code = code
    Object.assign(this, helpOf(options))
  }
}

/** An error as it is sent: structured cloning of an `Error` would lose `code`. */
export interface SentError extends ErrorHelp {
  readonly code: ErrorCode
  readonly message: string
}

/** `thrown` in the form in which it is sent. What is not of the engine is a defect: `Internal`. */
export function toSent(thrown: unknown): SentError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' && CODES.has(code)) {
    return { code: code as ErrorCode, message: error.message, ...helpOf(error as ErrorHelp) }
  }
  return { code: 'Internal', message: `${error.name}: ${error.message}` }
}

/** The error that was sent. */
export function fromSent(sent: SentError): FirnDBError {
  return new FirnDBError(sent.code, sent.message, helpOf(sent))
}

/** What `from` has of it, and no property that it has not. */
function helpOf(from: ErrorHelp | undefined): ErrorHelp {
  const { position, hint } = from ?? {}
  return { ...(position && { position }), ...(hint !== undefined && { hint }) }
}
