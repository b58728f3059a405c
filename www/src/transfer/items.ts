/** Files in the dialog of imports, and how far each is. */

import { type Draft, draftOf, redrafted } from './draft.js'
import type { Head, Hints } from './head.js'
import { formatOf } from './head.js'
import { archiveProblem, lookAt } from './look.js'

/** A file that was chosen. */
export type Item =
  | { readonly state: 'reading'; readonly file: File }
  | { readonly state: 'unreadable'; readonly file: File; readonly message: string }
  | ReadyItem

/** A file that was looked at. */
export interface ReadyItem {
  readonly state: 'ready'
  readonly file: File
  readonly head: Head
  readonly draft: Draft
  /** What somebody says of the file, and what of it `head` knows: another object while it is looked at again. */
  readonly hints: Hints
  readonly known: Hints
  /** Why it cannot be read as it was said. */
  readonly problem?: string
}

/** What a look at a file gave. */
export type Looked = { readonly file: File } & ({ readonly head: Head } | { readonly message: string })

const NO_HINTS: Hints = {}

/** Looks at `file`, as somebody says that it is; never rejects. */
export async function looked(file: File, hints: Hints = NO_HINTS): Promise<Looked> {
  try {
    if (formatOf(file.name) === 'archive') {
      return { file, message: (await archiveProblem(file)) ?? 'An archive is imported by itself.' }
    }
    return { file, head: await lookAt(file, hints) }
  } catch (error) {
    return { file, message: error instanceof Error ? error.message : String(error) }
  }
}

/** An item with what is likely wanted of it. */
export function itemOf(seen: Looked, taken: ReadonlySet<string>): Item {
  const { file } = seen
  return 'head' in seen
    ? { state: 'ready', file, head: seen.head, draft: draftOf(seen.head, file.name, taken), hints: NO_HINTS, known: NO_HINTS }
    : { state: 'unreadable', file, message: seen.message }
}

/** Whether the file is being looked at. */
export function isLookedAt(item: Item): boolean {
  return item.state === 'reading' || (item.state === 'ready' && item.hints !== item.known)
}

/** `item` while it is looked at again, as somebody says that it is. */
export function asSaid(item: ReadyItem, hints: Hints): ReadyItem {
  const { problem: _, ...rest } = item
  return { ...rest, hints: { ...item.hints, ...hints } }
}

/**
 * `item` after a look by `hints`, which counts only if nothing else was said meanwhile. A file that cannot be read so stays as
 * it was.
 */
export function seenAgain(item: Item, hints: Hints, seen: Looked): Item {
  if (item.state !== 'ready' || item.hints !== hints) {
    return item
  }
  return 'head' in seen
    ? { ...item, head: seen.head, draft: redrafted(item.draft, item.head, seen.head), known: hints }
    : { ...item, hints: item.known, problem: `Not as you say: ${seen.message}` }
}
