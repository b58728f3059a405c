/** Tagged templates as statements with parameters. */

/** The statement that the parts of a template make, with `$1`, `$2`, … for the values between them. */
export function statementOf(parts: readonly string[]): string {
  return parts.reduce((sql, part, at) => `${sql}$${at}${part}`)
}

/** `name` or `namespace.name` as SQL, every part quoted. */
export function quotedName(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.')
}
