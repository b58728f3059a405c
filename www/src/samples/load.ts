/** Loads samples, takes them away, and knows which are there. */

import type { FirnDB } from 'firndb'
import type { Progress } from '../engine/activities.js'
import type { Store } from '../engine/store.js'
import type { Event } from './event.js'
import { pull } from './pull.js'
import type { Recipe, Sample } from './sample.js'
import { during, resume } from './unfinished.js'

/** The sample that `recipe` makes. */
export function sampleOf(recipe: Recipe): Sample {
  const remove = async (store: Store) => {
    await drop(store.owner, recipe)
    store.changed()
  }
  return {
    ...recipe,
    load: (store, progress) => load(recipe, store, progress),
    remove: (store) => during(recipe.id, () => remove(store)),
    tidy: (store) => resume(recipe.id, () => remove(store)),
  }
}

async function load(recipe: Recipe, store: Store, progress: Progress): Promise<string> {
  const { owner } = store
  const begun = performance.now()
  const work = async () => {
    progress.report(0, recipe.rows, 'making tables')
    await drop(owner, recipe)
    await owner.exec(recipe.definitions)
    store.changed()
    const order = { sample: recipe.id, base: document.baseURI }
    const rows = await carryOut(pull(order, progress.signal), store, recipe.rows, progress)
    const seconds = (performance.now() - begun) / 1000
    return `${rows.toLocaleString('en')} rows in ${seconds.toFixed(1)} s: ${recipe.tables.join(', ')}.`
  }
  try {
    return await during(recipe.id, work, () => drop(owner, recipe))
  } finally {
    store.changed()
  }
}

/** Does what `events` say, and gives how many rows went in. */
export async function carryOut(
  events: AsyncGenerator<Event>,
  store: Pick<Store, 'owner' | 'changed'>,
  total: number,
  { signal, report }: Progress,
): Promise<number> {
  const { owner } = store
  let done = 0
  /** The pieces of a slice, each once the engine has taken the one before. */
  async function* pieces(step: string): AsyncGenerator<Uint8Array> {
    for (;;) {
      const { done: over, value: event } = await events.next()
      if (over || event.kind === 'end') {
        return
      }
      if (event.kind === 'piece') {
        yield event.bytes
        done += event.rows
        report(done, total, step)
      }
    }
  }
  for (;;) {
    signal.throwIfAborted()
    const { done: over, value: event } = await events.next()
    if (over) {
      return done
    } else if (event.kind === 'download') {
      report(done, total, downloaded(event.done, event.total))
    } else if (event.kind === 'begin') {
      const db = event.as === undefined ? owner : owner.as(event.as)
      const step = event.as === undefined ? event.table : `${event.table} of ${event.as}`
      await db.copyFrom(event.table, pieces(step), { format: 'csv', signal, name: event.table })
      store.changed()
    } else if (event.kind === 'run') {
      report(done, total, event.step)
      await owner.query(event.sql, [], { signal })
      store.changed()
    }
  }
}

/** Takes the tables of a sample away; those that are not there are no mistake. */
export async function drop(db: FirnDB, { tables, namespace }: Pick<Recipe, 'tables' | 'namespace'>): Promise<void> {
  for (const table of tables.toReversed()) {
    await db.query(`DROP TABLE IF EXISTS ${table}`)
  }
  if (namespace !== undefined) {
    // It stays where somebody has put something else into it.
    await db.query(`DROP NAMESPACE IF EXISTS ${namespace}`).catch(() => undefined)
  }
}

/** The tables that there are, as `name` or `namespace.name`. */
export async function tablesOf(db: FirnDB): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ namespace: string; name: string }>('SELECT namespace, name FROM system.tables')
  return new Set(rows.map(({ namespace, name }) => (namespace === 'main' ? name : `${namespace}.${name}`)))
}

function downloaded(done: number, total: number | undefined): string {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
  return total === undefined ? `downloading, ${megabytes(done)} MB` : `downloading, ${megabytes(done)} of ${megabytes(total)} MB`
}
