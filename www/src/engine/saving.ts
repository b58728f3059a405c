/** Files that the browser saves. */

/** How long a file is there to be read. */
const STAYS_MS = 60_000

/** Has the browser save `blob` as `name`. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // The browser reads it after this, and does not say when it is done.
  setTimeout(() => URL.revokeObjectURL(link.href), STAYS_MS)
}
