/** What a sample is: tables of data that somebody can load with one press, and statements that show what they are for. */

import type { Progress } from '../engine/activities.js'
import type { TableName } from '../engine/names.js'
import type { Store } from '../engine/store.js'

/** A statement worth running on a sample. */
export interface SampleQuery {
  readonly title: string
  readonly sql: string
}

/** Data to try things on. */
export interface Sample {
  readonly id: string
  readonly title: string
  /** What the sample is good for. */
  readonly description: string
  /** Rows of all its tables once it is loaded. */
  readonly rows: number
  /** Bytes that come over the network; 0 for what is made up on the spot. */
  readonly downloadBytes: number
  /** Its tables; those that others refer to come first. */
  readonly tables: readonly TableName[]
  readonly queries: readonly SampleQuery[]
  /**
   * Loads it in the place of what is there of it, and resolves to what there is to say. Whether it fails or is cancelled:
   * nothing of it is left then. Tables that have its names without being its own are dropped only where `replaces` says so;
   * otherwise it fails, and they stay.
   */
  load(store: Store, progress: Progress, replaces?: boolean): Promise<string>
  /** Takes it away, and nothing that is not its own. */
  remove(store: Store): Promise<void>
  /** Takes away what a tab has left of it that ended while it loaded it. */
  tidy(store: Store): Promise<void>
}

/** What {@link Sample}s are made of: how tables are made, and whose rows go in. */
export interface Recipe extends Omit<Sample, 'load' | 'remove' | 'tidy'> {
  /** The namespace that it has to itself, where it has one. */
  readonly namespace?: string
  /** The script that makes what is there before rows are. */
  readonly definitions: string
}
