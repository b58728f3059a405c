/** Long work: how far it is, how fast, and how it is cancelled. */

/** How far a piece of work is. */
export interface Activity {
  readonly id: number
  readonly title: string
  /** What has been done of `total`, in `unit`s; without a total nobody knows how much there is. */
  readonly done: number
  readonly total?: number
  readonly unit: string
  /** `unit`s a second, of late. */
  readonly rate?: number
  /** What is being done at the moment. */
  readonly step?: string
  readonly state: 'running' | 'cancelling' | 'done' | 'cancelled' | 'failed'
  /** What came of it, once it is over. */
  readonly message?: string
}

/** What work tells of itself. */
export interface Progress {
  readonly signal: AbortSignal
  report(done: number, total?: number, step?: string): void
}

/** How long what is over stays to be read. */
const STAYS_MS = 8_000

/** The work that is under way, for a view of it. */
export class Activities {
  #list: readonly Activity[] = []
  #next = 1
  readonly #controllers = new Map<number, AbortController>()
  readonly #listeners = new Set<() => void>()

  /** A list that is another object whenever something in it is. */
  readonly snapshot = (): readonly Activity[] => this.#list

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Does `work`, and shows how far it is. Resolves to whether it came to its end; what it throws is shown, and so is the
   * text that it resolves to.
   */
  async run(title: string, unit: string, work: (progress: Progress) => Promise<string | undefined>): Promise<boolean> {
    const id = this.#next++
    const controller = new AbortController()
    this.#controllers.set(id, controller)
    this.#list = [...this.#list, { id, title, unit, done: 0, state: 'running' }]
    this.#tell()
    const pace = new Pace()
    const report = (done: number, total?: number, step?: string) => {
      const rate = pace.of(done)
      this.#update(id, {
        done,
        ...(total === undefined ? {} : { total }),
        ...(rate === undefined ? {} : { rate }),
        ...(step === undefined ? {} : { step }),
      })
    }
    try {
      const message = await work({ signal: controller.signal, report })
      this.#end(id, 'done', message)
      return true
    } catch (error) {
      if (controller.signal.aborted) {
        this.#end(id, 'cancelled', 'Cancelled.')
      } else {
        this.#end(id, 'failed', error instanceof Error ? error.message : String(error))
      }
      return false
    }
  }

  cancel(id: number): void {
    this.#update(id, { state: 'cancelling' })
    this.#controllers.get(id)?.abort()
  }

  /** Takes what is over off the list. */
  dismiss(id: number): void {
    this.#list = this.#list.filter((each) => each.id !== id)
    this.#tell()
  }

  #end(id: number, state: Activity['state'], message?: string): void {
    this.#controllers.delete(id)
    this.#update(id, { state, ...(message === undefined ? {} : { message }) })
    if (state !== 'failed') {
      setTimeout(() => this.dismiss(id), STAYS_MS)
    }
  }

  #update(id: number, change: Partial<Activity>): void {
    this.#list = this.#list.map((each) => (each.id === id ? { ...each, ...change } : each))
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) {
      listener()
    }
  }
}

/** How many a second, over the last seconds. */
class Pace {
  #marks: { at: number; done: number }[] = [{ at: performance.now(), done: 0 }]

  of(done: number): number | undefined {
    const at = performance.now()
    this.#marks.push({ at, done })
    while (this.#marks.length > 2 && at - (this.#marks[0]?.at ?? at) > WINDOW_MS) {
      this.#marks.shift()
    }
    const first = this.#marks[0]
    return first && at - first.at > 200 ? ((done - first.done) * 1000) / (at - first.at) : undefined
  }
}

const WINDOW_MS = 5_000
