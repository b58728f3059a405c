/** JSON as text, which keeps what values of JavaScript do not: the digits of large numbers, and members of one name. */

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g

/** JSON text with line breaks and `indent`, which ends with that of one level; in one line without. */
export function jsonLaidOut(text: string, indent: string): string {
  const tokens = text.match(TOKENS) ?? []
  if (indent === '') {
    return tokens.join('')
  }
  let depth = 0
  const line = () => `\n${indent.slice(2)}${'  '.repeat(depth)}`
  const parts = tokens.map((token, at) => {
    switch (token) {
      case '{':
      case '[':
        depth++
        return closes(tokens[at + 1]) ? token : token + line()
      case '}':
      case ']':
        depth--
        return opens(tokens[at - 1]) ? token : line() + token
      case ',':
        return token + line()
      default:
        return token === ':' ? ': ' : token
    }
  })
  return parts.join('')
}

function opens(token: string | undefined): boolean {
  return token === '{' || token === '['
}

function closes(token: string | undefined): boolean {
  return token === '}' || token === ']'
}
