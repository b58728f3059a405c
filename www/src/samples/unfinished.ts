/**
 * Which samples are being loaded, across tabs and their ends. A tab that is closed while it loads one cannot take the half of
 * it away, so whoever comes next does.
 */

const PREFIX = 'firndb-playground-unfinished-'

/**
 * Does `work` for the sample `id`, which no other tab may load meanwhile. Where it fails `undo` takes away what it did; what
 * neither of them came to, {@link resume} does later.
 */
export async function during<T>(id: string, work: () => Promise<T>, undo?: () => Promise<void>): Promise<T> {
  return await navigator.locks.request(PREFIX + id, { ifAvailable: true }, async (lock) => {
    if (lock === null) {
      throw new Error('it is being loaded already, maybe by another tab')
    }
    mark(id)
    try {
      const result = await work()
      unmark(id)
      return result
    } catch (error) {
      // Where that fails too it stays marked, and what went wrong first is what is told.
      await undo?.().then(
        () => unmark(id),
        () => undefined,
      )
      throw error
    }
  })
}

/** Calls `undo` where a tab ended while it loaded the sample `id`. */
export async function resume(id: string, undo: () => Promise<void>): Promise<void> {
  if (!isMarked(id)) {
    return
  }
  await navigator.locks.request(PREFIX + id, { ifAvailable: true }, async (lock) => {
    // Whoever had the lock may have come to an end meanwhile.
    if (lock !== null && isMarked(id)) {
      await undo()
      unmark(id)
    }
  })
}

// A browser that keeps nothing has nothing left over either.

function mark(id: string): void {
  try {
    localStorage.setItem(PREFIX + id, '1')
  } catch {}
}

function unmark(id: string): void {
  try {
    localStorage.removeItem(PREFIX + id)
  } catch {}
}

function isMarked(id: string): boolean {
  try {
    return localStorage.getItem(PREFIX + id) !== null
  } catch {
    return false
  }
}
