/**
 * Scrolling over more rows than a browser can lay out: past some ten million pixels an element grows no more. The element
 * is then shorter than the list. Both ends of it, and every small step, move the list by as many pixels as the element;
 * a jump, as of the scroll bar, is in proportion.
 */

/** Pixels that an element has at most; Firefox goes to 17.8 million, Chromium to 33. */
const MOST_PX = 8_000_000
/** Pixels at both ends of the element that are those of the list. */
const END_PX = 50_000

/** How far an element is scrolled, and what of the list is at its upper edge. */
export interface Scrolled {
  readonly scroll: number
  readonly top: number
}

export class Scale {
  /** Pixels of the element. */
  readonly height: number
  readonly #most: number
  readonly #mostTop: number

  /** A list of `total` pixels of which `view` are seen. */
  constructor(total: number, view: number, most = MOST_PX) {
    this.height = Math.min(total, most)
    this.#most = Math.max(0, this.height - view)
    this.#mostTop = Math.max(0, total - view)
  }

  /** Whether the element is as long as the list. */
  get isExact(): boolean {
    return this.#most === this.#mostTop
  }

  /** What of the list is where the element is scrolled to. */
  topOf(scroll: number): number {
    return between(Math.min(Math.max(scroll, 0), this.#most), this.#most, this.#mostTop)
  }

  /** How far the element is scrolled where `top` of the list is seen first. */
  scrollOf(top: number): number {
    return between(Math.min(Math.max(top, 0), this.#mostTop), this.#mostTop, this.#most)
  }

  /** Where the list is after the element was scrolled from `before` to `scroll`, where steps up to `near` are exact. */
  moved(before: Scrolled, scroll: number, near: number): Scrolled {
    const step = scroll - before.scroll
    if (this.isExact || Math.abs(step) > near) {
      return { scroll, top: this.topOf(scroll) }
    }
    return { scroll, top: Math.min(Math.max(before.top + step, 0), this.#mostTop) }
  }

  /** Whether the element came to an end that the list is not at, or left one that the list is at. */
  isStuck({ scroll, top }: Scrolled): boolean {
    return (scroll < 1 && top >= 1) || (scroll > this.#most - 1 && top <= this.#mostTop - 1)
  }
}

/** Maps what is within `from` to what is within `to`: one to one at both ends, in proportion between. */
function between(at: number, from: number, to: number): number {
  if (from === to) {
    return at
  }
  const end = Math.min(END_PX, from / 4, to / 4)
  if (at <= end) {
    return at
  }
  if (from - at <= end) {
    return to - (from - at)
  }
  return end + ((at - end) * (to - 2 * end)) / (from - 2 * end)
}
