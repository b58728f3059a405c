/** Files in the dialog of imports, and how far each is. */

import { type Draft, draftOf } from './draft.js'
import type { Head, Hints } from './head.js'
import { formatOf } from './head.js'
import { archiveProblem, lookAt } from './look.js'

/** A file that was chosen. */
export type Item =
  | { readonly state: 'reading'; readonly file: File }
  | { readonly state: 'unreadable'; readonly file: File; readonly message: string }
  | { readonly state: 'ready'; readonly file: File; readonly head: Head; readonly draft: Draft }

/** What a look at a file gave. */
export type Looked = { readonly file: File } & ({ readonly head: Head } | { readonly message: string })

/** Looks at `file`; never rejects. */
export async function firstLook(file: File): Promise<Looked> {
  try {
    if (formatOf(file.name) === 'archive') {
      return { file, message: (await archiveProblem(file)) ?? 'An archive is imported by itself.' }
    }
    return { file, head: await lookAt(file) }
  } catch (error) {
    return { file, message: error instanceof Error ? error.message : String(error) }
  }
}

/** Looks at the file of `item` again, as somebody says that it is. */
export async function lookAgain({ file, head }: Item & { state: 'ready' }, hints: Hints): Promise<Looked> {
  const { delimiter, header } = { ...head, ...hints }
  try {
    const known = { ...(delimiter === undefined ? {} : { delimiter }), ...(header === undefined ? {} : { header }) }
    return { file, head: await lookAt(file, known) }
  } catch (error) {
    return { file, message: error instanceof Error ? error.message : String(error) }
  }
}

/** An item with what is likely wanted of it. */
export function draftOfItem(looked: Looked, taken: ReadonlySet<string>): Item {
  const { file } = looked
  return 'head' in looked
    ? { state: 'ready', file, head: looked.head, draft: draftOf(looked.head, file.name, taken) }
    : { state: 'unreadable', file, message: looked.message }
}
