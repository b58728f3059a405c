/** An array of objects as an object a line, so that it can be loaded in parts. */

const [QUOTE, BACKSLASH, NEWLINE, RETURN, SPACE, COMMA] = [0x22, 0x5c, 0x0a, 0x0d, 0x20, 0x2c]
const [OPEN, CLOSE, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]
/** The mark with which a file may begin. */
const MARK = [0xef, 0xbb, 0xbf]

/** What is expected outside of an element. */
type Expected = 'array' | 'element or end' | 'element' | 'comma or end' | 'nothing'

/**
 * Puts each element of an array on a line of its own. It knows where elements begin and end, and no more: whether they are
 * JSON is found out by whoever reads them. Fails where there is no array, or no end of it.
 */
export function linesOfArray(): TransformStream<Uint8Array, Uint8Array> {
  let expected: Expected = 'array'
  /** Brackets that are open within the element. */
  let depth = 0
  let isInElement = false
  let isInText = false
  let isEscaped = false
  let row = 0
  /** Bytes that were outside of elements. */
  let bytes = 0

  const wrong = (what: string) => new Error(`after row ${row} of the array: expected ${what}`)

  /** Goes over a byte between elements; whether an element begins with it. */
  const between = (byte: number): boolean => {
    if (byte === SPACE || byte === NEWLINE || byte === RETURN || byte === 0x09) {
      return false
    }
    if (expected === 'array' && (byte === OPEN || MARK[bytes] === byte)) {
      expected = byte === OPEN ? 'element or end' : 'array'
    } else if (byte === CLOSE && (expected === 'element or end' || expected === 'comma or end')) {
      expected = 'nothing'
    } else if (byte === COMMA && expected === 'comma or end') {
      expected = 'element'
    } else if ((expected === 'element' || expected === 'element or end') && byte === OPEN_OBJECT) {
      return true
    } else {
      throw wrong(expected === 'array' || expected === 'nothing' ? expected : expected.replace('element', 'an object').replace('end', 'its end'))
    }
    return false
  }

  return new TransformStream({
    transform(piece, controller) {
      // The line break behind an element takes the place of the comma before it, which may have been in the last piece.
      const out = new Uint8Array(piece.length + 1)
      let length = 0
      for (const byte of piece) {
        if (!isInElement) {
          isInElement = between(byte)
          bytes++
          if (!isInElement) {
            continue
          }
        }
        out[length++] = (byte === NEWLINE || byte === RETURN) && !isInText ? SPACE : byte
        if (isInText) {
          isInText = isEscaped || byte !== QUOTE
          isEscaped = !isEscaped && byte === BACKSLASH
        } else if (byte === QUOTE) {
          isInText = true
        } else if (byte === OPEN_OBJECT || byte === OPEN) {
          depth++
        } else if ((byte === CLOSE_OBJECT || byte === CLOSE) && --depth === 0) {
          isInElement = false
          expected = 'comma or end'
          row++
          out[length++] = NEWLINE
        }
      }
      controller.enqueue(out.subarray(0, length))
    },
    flush() {
      if (isInElement || expected !== 'nothing') {
        throw wrong('the end of the array, but the file ends')
      }
    },
  })
}
