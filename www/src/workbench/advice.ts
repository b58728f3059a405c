/** What somebody can do where the store could not be opened. */

import { FirnDBError } from 'firndb'

/** What helps against `failure`, where more is known than it says itself. */
export function adviceOf(failure: unknown): string | undefined {
  if (!(failure instanceof FirnDBError)) {
    return undefined
  }
  switch (failure.code) {
    case 'Locked':
      return failure.message.includes('another version')
        ? 'The page was renewed since that tab was opened: reload the older tab, or close it.'
        : 'Another tab has it open: close the other tabs of this page.'
    case 'Unsupported':
      return 'The page keeps its data in this browser (IndexedDB and OPFS), which needs https or localhost.'
    default:
      return undefined
  }
}
