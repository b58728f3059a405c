/** The patterns that tell files apart without colour, for every chart of the page. */

import type { Outcome } from './outcomes.js'

/** Of which pattern a file with this outcome is, besides its colour; what is read is plain. */
export function patternOf(outcome: Outcome): string | undefined {
  switch (outcome) {
    case 'pruned_by_statistics':
      return 'url(#storage-stripes)'
    case 'pruned_by_bloom':
      return 'url(#storage-dots)'
    case 'pruned_dynamically':
      return 'url(#storage-checks)'
    case 'not_needed':
      return 'url(#storage-bars)'
    default:
      return undefined
  }
}

/** The pattern of rows that a deletion vector hides. */
export const DEAD_PATTERN = 'url(#storage-dead)'

/** Defines the patterns; once in the page. */
export function FilePatterns() {
  return (
    <svg className="storage-patterns" width="0" height="0" aria-hidden="true">
      <defs>
        <pattern id="storage-stripes" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="2.5" height="6" className="storage-ink" />
        </pattern>
        <pattern id="storage-dots" width="6" height="6" patternUnits="userSpaceOnUse">
          <circle cx="3" cy="3" r="1.4" className="storage-ink" />
        </pattern>
        <pattern id="storage-checks" width="6" height="6" patternUnits="userSpaceOnUse">
          <path d="M0 0h3v3H0zM3 3h3v3H3z" className="storage-ink" />
        </pattern>
        <pattern id="storage-bars" width="5" height="5" patternUnits="userSpaceOnUse">
          <rect width="2" height="5" className="storage-ink" />
        </pattern>
        <pattern id="storage-dead" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">
          <rect width="4" height="4" className="storage-dead-ground" />
          <rect width="1.75" height="4" className="storage-dead-line" />
        </pattern>
      </defs>
    </svg>
  )
}
