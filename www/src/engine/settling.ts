/** When a visit has come to rest for the first time. */

/** So long nobody asks for anything before the page does what is not urgent. */
export const SETTLED_MS = 1_500

export class Settling {
  /** Resolves when what was asked for first is answered, or when nobody has asked for anything soon. */
  readonly done: Promise<void>
  readonly #timer: ReturnType<typeof setTimeout>
  readonly #settle: () => void

  constructor() {
    let settle = () => undefined as void
    this.done = new Promise((resolve) => (settle = resolve))
    this.#settle = settle
    this.#timer = setTimeout(settle, SETTLED_MS)
  }

  /** Something is asked for: however long it takes, it comes first. */
  asked(): void {
    clearTimeout(this.#timer)
  }

  /** It is answered. */
  answered(): void {
    clearTimeout(this.#timer)
    this.#settle()
  }
}
