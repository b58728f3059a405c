/** Where the flakes of a pile lie: a heap, highest in the middle. */

/** The middle of a flake, in lengths of `rem`. */
export interface Place {
  readonly x: number
  readonly y: number
}

/** From flake to flake. */
const STEP = 0.5625
/** How many flakes lie above each other at most. */
const LAYERS = 5

/** The height of a full heap. */
export const HEAP_HEIGHT = LAYERS * STEP + 0.1875

/** The height of ground that nothing lies on. */
export const BARE_HEIGHT = 1.25

/** How many flakes make a heap that leaves the upper corners of ground that is `width` wide free. */
export function roomFor(width: number): number {
  return Math.max(LAYERS, Math.floor((width / STEP) * LAYERS * 0.5))
}

/** Places for `n` flakes in a heap that is `width` wide, from its middle outwards. */
export function heap(n: number, width: number): Place[] {
  const columns = Math.max(1, Math.floor(width / STEP))
  const middle = (columns - 1) / 2
  const cells: { column: number; layer: number; far: number }[] = []
  for (let column = 0; column < columns; column += 1) {
    for (let layer = 0; layer < LAYERS; layer += 1) {
      cells.push({ column, layer, far: layer * SLOPE + Math.abs(column - middle) })
    }
  }
  cells.sort((a, b) => a.far - b.far)
  const left = (width - columns * STEP) / 2 + STEP / 2
  return cells.slice(0, n).map(({ column, layer }) => ({
    // Layers lie in the gaps of those below.
    x: left + column * STEP + (layer % 2 === 1 ? STEP / 2 - 0.05 : 0),
    y: HEAP_HEIGHT - 0.125 - STEP / 2 - layer * STEP * 0.92,
  }))
}

/** How many columns further out is as likely as one layer up. */
const SLOPE = 2.5
