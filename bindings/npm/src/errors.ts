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

/** An error of FirnDB: `code` to act on, `message` for people. */
export class FirnDBError extends Error {
  override readonly name = 'FirnDBError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** An error as it is sent: structured cloning of an `Error` would lose `code`. */
export interface SentError {
  readonly code: ErrorCode
  readonly message: string
}

/** `thrown` in the form in which it is sent. What is not of the engine is a defect: `Internal`. */
export function toSent(thrown: unknown): SentError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' && CODES.has(code)) {
    return { code: code as ErrorCode, message: error.message }
  }
  return { code: 'Internal', message: `${error.name}: ${error.message}` }
}

/** The error that was sent. */
export function fromSent(sent: SentError): FirnDBError {
  return new FirnDBError(sent.code, sent.message)
}
