/** Values of the API as the SQL corpus writes them, which is as PostgreSQL prints them. */

/** The letter of an SQL type: as in tests/src/render.rs. */
export function letter(type) {
  if (/^(TINYINT|SMALLINT|INTEGER|BIGINT)( UNSIGNED)?$/.test(type)) {
    return 'I'
  }
  if (/^(REAL|DOUBLE PRECISION|DECIMAL\(\d+,-?\d+\))$/.test(type)) {
    return 'R'
  }
  return /^VARCHAR\(\d+\)$/.test(type) ? 'T' : (LETTERS[type] ?? '?')
}

const LETTERS = {
  TEXT: 'T', UUID: 'T', JSON: 'T', NULL: 'T', BOOLEAN: 'B', DATE: 'D', TIMESTAMP: 'P', TIMESTAMPTZ: 'P', BYTEA: 'X',
}

/** One value of a column of `type`; timestamps as microseconds. */
export function text(value, type) {
  if (value === null) {
    return 'NULL'
  }
  if (type.endsWith('[]')) {
    return `{${value.map((each) => (each === null ? 'NULL' : element(text(each, type.slice(0, -2))))).join(',')}}`
  }
  switch (letter(type)) {
    case 'R':
      return typeof value === 'number' ? real(value, type === 'REAL') : value
    case 'D':
      return value.toISOString().slice(0, 10)
    case 'P':
      // Every zone of ours is UTC.
      return type === 'TIMESTAMPTZ' ? `${timestamp(value)}+00` : timestamp(value)
    case 'X':
      return `\\x${Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
    default:
      return String(value) === '' ? '(empty)' : String(value).replace(/\p{Cc}/gu, escaped)
  }
}

/** A text as an element of an array: in quotes where it would be something else without. */
function element(plain) {
  return /^$|[\s{},"\\]|^NULL$/i.test(plain) ? `"${plain.replace(/["\\]/g, '\\$&')}"` : plain
}

/** The fewest digits that read back as the same number, with an exponent where PostgreSQL has one. */
function real(value, isSingle) {
  if (!Number.isFinite(value)) {
    return String(value)
  }
  const shortest = isSingle ? single(value) : value
  const [digits, exponent] = shortest.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 15) {
    // In this range JavaScript has no exponent either.
    return Object.is(shortest, -0) ? '-0' : String(shortest)
  }
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/** The number with the fewest digits that is `value` in single precision. */
function single(value) {
  for (let digits = 1; digits < 10; digits++) {
    const candidate = Number(value.toPrecision(digits))
    if (Math.fround(candidate) === value) {
      return candidate
    }
  }
  return value
}

function timestamp(micros) {
  const second = 1_000_000n
  // What is left over a whole second, also before 1970.
  const rest = ((micros % second) + second) % second
  const fraction = String(rest).padStart(6, '0').replace(/0+$/, '')
  const whole = new Date(Number((micros - rest) / 1_000n)).toISOString().slice(0, 19).replace('T', ' ')
  return fraction === '' ? whole : `${whole}.${fraction}`
}

function escaped(character) {
  const named = { '\t': '\\t', '\n': '\\n', '\r': '\\r' }[character]
  return named ?? `\\u{${character.codePointAt(0).toString(16)}}`
}
