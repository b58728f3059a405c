/** Which SQL type holds what a file has. */

/** The types that a column can be given, the usual ones first. */
export const SQL_TYPES = [
  'BIGINT',
  'INTEGER',
  'SMALLINT',
  'DOUBLE PRECISION',
  'REAL',
  'DECIMAL(18,2)',
  'DECIMAL(38,10)',
  'DECIMAL(38,0)',
  'TEXT',
  'BOOLEAN',
  'DATE',
  'TIME',
  'TIMESTAMP',
  'TIMESTAMPTZ',
  'UUID',
  'JSON',
  'BYTEA',
] as const

/** Whether rows can be ordered by it, as a primary key needs. */
export function canBeKey(type: string): boolean {
  return type !== 'JSON' && !type.endsWith('[]')
}

/** A value of a file: text, and whether it was text there, or a number, say. */
export interface Value {
  readonly text: string
  readonly kind: 'text' | 'number' | 'boolean' | 'nested'
}

const DAY = String.raw`(\d{4})-(\d{2})-(\d{2})`
const CLOCK = String.raw`(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?`
const ZONE = String.raw`(?:Z|[+-]\d{2}(?::?\d{2})?)`
const DATE = new RegExp(`^${DAY}$`)
const TIME = new RegExp(`^${CLOCK}$`)
const TIMESTAMP = new RegExp(`^${DAY}[ T]${CLOCK}$`)
const TIMESTAMPTZ = new RegExp(`^${DAY}[ T]${CLOCK} ?${ZONE}$`)
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const BOOLEAN = /^(true|false|t|f|yes|no)$/i
const INTEGER = /^[+-]?\d+$/
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i
const NO_NUMBER = /^([+-]?inf(inity)?|nan)$/i
/** A number to people, such as a postal code, whose zeros matter. */
const LEADING_ZERO = /^[+-]?0\d/
const MOST = 2n ** 63n

/** Digits that DOUBLE PRECISION keeps of any number. */
const EXACT_DIGITS = 15
/** Digits that a DECIMAL has at most. */
const DECIMAL_DIGITS = 38

/** The type of values that stand in a file as text, as those of CSV do. Without any it is TEXT. */
export function typeOfTexts(texts: Iterable<string>): string {
  let types: Set<string> | undefined
  const numbers: string[] = []
  for (const each of texts) {
    const text = each.trim()
    const type = typeOfText(text)
    if (type === 'number') {
      numbers.push(text)
    }
    types = (types ?? new Set()).add(type)
  }
  return types === undefined ? 'TEXT' : common(types, numbers)
}

/** The type of values of JSON. Text is only taken for what it is written as: times, dates and UUIDs. */
export function typeOfValues(values: readonly Value[]): string {
  const kinds = new Set(values.map(({ kind }) => kind))
  if (kinds.has('nested')) {
    return 'JSON'
  }
  if (kinds.size !== 1) {
    return 'TEXT'
  }
  const type = typeOfTexts(values.map(({ text }) => text))
  if (kinds.has('text')) {
    return ['DATE', 'TIME', 'TIMESTAMP', 'TIMESTAMPTZ', 'UUID'].includes(type) ? type : 'TEXT'
  }
  return type
}

/** The type that has all of `types`. */
function common(types: ReadonlySet<string>, numbers: readonly string[]): string {
  const only = (...those: string[]) => [...types].every((type) => those.includes(type))
  if (types.has('number') && only('number', 'no number')) {
    return typeOfNumbers(numbers, types.has('no number'))
  }
  if (types.has('DATE') && only('DATE')) {
    return 'DATE'
  }
  if (only('DATE', 'TIMESTAMP')) {
    return 'TIMESTAMP'
  }
  // Without a zone it is UTC.
  if (only('DATE', 'TIMESTAMP', 'TIMESTAMPTZ')) {
    return 'TIMESTAMPTZ'
  }
  const [type] = types
  return types.size === 1 && type !== undefined && type !== 'no number' ? type : 'TEXT'
}

function typeOfText(text: string): string {
  if (NUMBER.test(text)) {
    return LEADING_ZERO.test(text) ? 'TEXT' : 'number'
  }
  if (NO_NUMBER.test(text)) {
    return 'no number'
  }
  if (BOOLEAN.test(text)) {
    return 'BOOLEAN'
  }
  if (TIME.test(text)) {
    return 'TIME'
  }
  for (const [pattern, type] of [[DATE, 'DATE'], [TIMESTAMP, 'TIMESTAMP'], [TIMESTAMPTZ, 'TIMESTAMPTZ']] as const) {
    const match = pattern.exec(text)
    if (match) {
      return isDay(Number(match[1]), Number(match[2]), Number(match[3])) ? type : 'TEXT'
    }
  }
  if (UUID.test(text)) {
    return 'UUID'
  }
  return /^[[{]/.test(text) && isJson(text) ? 'JSON' : 'TEXT'
}

/** Integers are BIGINT, since those that were not looked at may be larger. */
function typeOfNumbers(numbers: readonly string[], besides: boolean): string {
  if (!besides && numbers.every((text) => INTEGER.test(text))) {
    if (numbers.every((text) => isBigint(text))) {
      return 'BIGINT'
    }
    return numbers.every((text) => text.length <= DECIMAL_DIGITS) ? 'DECIMAL(38,0)' : 'TEXT'
  }
  const plain = numbers.map((text) => text.replace(/^[+-]/, ''))
  const digits = (text: string) => text.replace('.', '').replace(/^0+/, '').length
  if (besides || plain.some((text) => /e/i.test(text)) || plain.every((text) => digits(text) <= EXACT_DIGITS)) {
    return 'DOUBLE PRECISION'
  }
  const before = Math.max(...plain.map((text) => text.split('.')[0]?.length ?? 0))
  const behind = Math.max(...plain.map((text) => text.split('.')[1]?.length ?? 0))
  return before + behind <= DECIMAL_DIGITS ? `DECIMAL(${DECIMAL_DIGITS},${behind})` : 'DOUBLE PRECISION'
}

function isBigint(text: string): boolean {
  const value = BigInt(text.replace(/^\+/, ''))
  return value >= -MOST && value < MOST
}

function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(2000, 0, 1))
  date.setUTCFullYear(year, month - 1, day)
  return year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
