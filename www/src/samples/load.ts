/** Loads samples, takes them away, and knows which are there. */

import type { FirnDB } from 'firndb'
import type { Progress } from '../engine/activities.js'
import { calledBy, quoted, tableCalled } from '../engine/names.js'
import type { Store } from '../engine/store.js'
import { bytes, counted, duration } from '../style/numbers.js'
import type { Event } from './event.js'
import { type Found, among, claim, dropAll, foundTables } from './ownership.js'
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
    load: (store, progress, replaces) => load(recipe, store, progress, replaces),
    remove: (store) => during(recipe.id, () => remove(store)),
    tidy: (store) => resume(recipe.id, () => remove(store)),
  }
}

async function load(recipe: Recipe, store: Store, progress: Progress, replaces: boolean | undefined): Promise<string> {
  const { owner } = store
  const begun = performance.now()
  let hasBegun = false
  const work = async () => {
    progress.report(0, recipe.rows, 'making tables')
    await refuseOthers(owner, recipe, replaces)
    hasBegun = true
    await define(owner, recipe, replaces)
    store.changed()
    const order = { sample: recipe.id, base: document.baseURI }
    const rows = await carryOut(pull(order, progress.signal), store, recipe.rows, progress)
    return `${counted(rows, 'row')} in ${duration(performance.now() - begun)}: ${recipe.tables.map(calledBy).join(', ')}.`
  }
  try {
    // What was refused has what it had.
    return await during(recipe.id, work, async () => (hasBegun ? await drop(owner, recipe) : undefined))
  } finally {
    store.changed()
  }
}

/** Makes the tables of a sample in the place of those that are there; of those that are not its own only if it `replaces`. */
export async function define(db: FirnDB, recipe: Recipe, replaces?: boolean): Promise<void> {
  const there = await refuseOthers(db, recipe, replaces)
  await dropAll(db, there)
  try {
    await db.exec(recipe.definitions)
  } finally {
    await claim(db, recipe.id, recipe.tables)
  }
}

/** The tables that have the names of a sample's. Rejects where one is not its own, unless it `replaces`. */
async function refuseOthers(db: FirnDB, { tables }: Recipe, replaces = false): Promise<readonly Found[]> {
  const there = among(await foundTables(db), tables)
  const other = there.find(({ isOwn }) => !isOwn)
  if (other && !replaces) {
    throw new Error(`there is a table ${calledBy(other)} already, which this sample did not make: it stays`)
  }
  return there
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
      const step = event.as === undefined ? shown(event.table) : `${shown(event.table)} of ${event.as}`
      await db.copyFrom(event.table, pieces(step), { format: 'csv', signal, name: shown(event.table) })
      store.changed()
    } else if (event.kind === 'run') {
      report(done, total, event.step)
      await owner.query(event.sql, [], { signal })
      done += event.rows ?? 0
      report(done, total, event.step)
      store.changed()
    }
  }
}

/** Takes away the tables that a sample has made; those that are not there are no mistake. */
export async function drop(db: FirnDB, { tables, namespace }: Pick<Recipe, 'tables' | 'namespace'>): Promise<void> {
  const own = among(await foundTables(db), tables).filter(({ isOwn }) => isOwn)
  await dropAll(db, own)
  if (namespace !== undefined) {
    // It stays where somebody has put something else into it.
    await db.query(`DROP NAMESPACE IF EXISTS ${quoted(namespace)}`).catch(() => undefined)
  }
}

/** What a table is called on the page. */
function shown(table: string): string {
  const found = tableCalled(table)
  return found ? calledBy(found) : table
}

function downloaded(done: number, total: number | undefined): string {
  return total === undefined ? `downloading, ${bytes(done)}` : `downloading, ${bytes(done)} of ${bytes(total)}`
}
