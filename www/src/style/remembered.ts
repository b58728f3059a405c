/** What the browser remembers of how the page was left: measures, the theme, which text was shown. */

const PREFIX = 'firndb-playground-'

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value)
  } catch {
    // It holds for this visit.
  }
}

export function recall(name: string): string | undefined {
  try {
    return localStorage.getItem(PREFIX + name) ?? undefined
  } catch {
    return undefined
  }
}
