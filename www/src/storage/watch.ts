/** Looks at the store again and again, and tells what has become of it. */

import { startTransition, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { run } from '../engine/run.js'
import type { Store, Who } from '../engine/store.js'
import { difference, logged, type Seen } from './difference.js'
import { Reader } from './reading.js'
import { snapshotOf } from './rows.js'
import { isUnderWay, sharing, type StorageSnapshot } from './snapshot.js'
import type { Command } from './sql.js'

/** Between two looks while nothing is known to happen. */
const IDLE_MS = 1000
/** Between two looks while a job or a command is under way. */
const BUSY_MS = 200

/** What is known of the store, and the way to do something about it. */
export interface Watched {
  /** The last one that could be read. */
  readonly snapshot: StorageSnapshot | undefined
  /** What was seen to happen, the latest first. */
  readonly log: readonly Seen[]
  /** Why the last look failed. */
  readonly error: string | undefined
  /** Commands that were begun here and are not over. */
  readonly commands: readonly Command[]
  /** Why the last command failed. */
  readonly failure: string | undefined
  /** Does `command` by the rights of whoever looks: nobody does upkeep for somebody else. */
  command(command: Command): Promise<void>
  /** Forgets `failure`. */
  dismiss(): void
}

/** What is known of the store. */
export interface State {
  readonly snapshot: StorageSnapshot | undefined
  readonly log: readonly Seen[]
  readonly error: string | undefined
}

const UNSEEN: State = { snapshot: undefined, log: [], error: undefined }

/**
 * The store as `who` sees it: at once when it says that it changed, else every second, as long as the page is visible and
 * this is `active`. After that the next look is compared with the last.
 */
export function useStorage(store: Store, who: Who, active: boolean): Watched {
  const { user, role, as } = who
  const [state, setState] = useState<State>(UNSEEN)
  const [commands, setCommands] = useState<readonly Command[]>([])
  const [failure, setFailure] = useState<string>()
  const running = useRef(0)
  const watched = useRef<Watch>(undefined)

  useEffect(() => {
    setState(UNSEEN)
    watched.current = new Watch(store, whoIs(user, role, as), () => running.current > 0, setState)
  }, [store, user, role, as])

  useEffect(() => {
    const watch = watched.current
    if (!active || !watch) {
      return
    }
    const unsubscribe = store.subscribe(() => watch.changed())
    const look = () => watch.look()
    document.addEventListener('visibilitychange', look)
    let gone = false
    void store.settled.then(() => !gone && watch.begin())
    return () => {
      gone = true
      watch.rest()
      unsubscribe()
      document.removeEventListener('visibilitychange', look)
    }
  }, [store, user, role, as, active])

  const command = useCallback(
    async (command: Command) => {
      running.current += 1
      setFailure(undefined)
      setCommands((all) => [...all, command])
      watched.current?.look()
      try {
        const db = await store.databaseOf(whoIs(user, role))
        const outcome = await run(db, command.sql, new AbortController().signal)
        if (outcome.kind === 'failed') {
          setFailure(`${command.title}: ${outcome.error.message}`)
        }
      } catch (error) {
        setFailure(`${command.title}: ${messageOf(error)}`)
      } finally {
        running.current -= 1
        setCommands((all) => all.filter((each) => each !== command))
        store.changed()
      }
    },
    [store, user, role],
  )
  const dismiss = useCallback(() => setFailure(undefined), [])
  return useMemo(() => ({ ...state, commands, failure, command, dismiss }), [state, commands, failure, command, dismiss])
}

function whoIs(user: string, role: Who['role'], as?: string): Who {
  return { user, ...(role === undefined ? {} : { role }), ...(as === undefined ? {} : { as }) }
}

/**
 * Reads one snapshot after the other while it is not at rest; never two at once, and none while the page is hidden.
 *
 * Who acts for somebody looks by its own rights, at what it acts upon: a look in another's name is an entry of the audit log.
 */
export class Watch {
  readonly #store: Pick<Store, 'databaseOf'>
  readonly #who: Who
  readonly #reader: Reader
  readonly #isBusy: () => boolean
  readonly #tell: (state: State) => void
  #state = UNSEEN
  /** The rows of the last snapshot as text: the same rows need no new picture. */
  #rows = ''
  #reading = false
  /** Whether somebody asked for a look during the last one. */
  #again = false
  /** Whether tables may have come or gone since the last one. */
  #anew = true
  #resting = true
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(store: Pick<Store, 'databaseOf'>, who: Who, isBusy: () => boolean, tell: (state: State) => void) {
    this.#store = store
    this.#who = whoIs(who.user, who.role)
    this.#reader = new Reader(who.as)
    this.#isBusy = isBusy
    this.#tell = tell
  }

  /** Looks again and again, beginning at once. */
  begin(): void {
    this.#resting = false
    this.changed()
  }

  /** Looks, and at which tables there are too. */
  changed(): void {
    this.#anew = true
    this.look()
  }

  look(): void {
    clearTimeout(this.#timer)
    if (this.#resting || document.hidden) {
      return
    }
    if (this.#reading) {
      this.#again = true
      return
    }
    this.#reading = true
    this.#again = false
    void this.#read().finally(() => {
      this.#reading = false
      const isBusy = this.#isBusy() || this.#state.snapshot?.jobs?.some(isUnderWay) === true
      this.#timer = setTimeout(() => this.look(), this.#again ? 0 : isBusy ? BUSY_MS : IDLE_MS)
    })
  }

  /** Looks at nothing until it begins again, and tells nothing. */
  rest(): void {
    this.#resting = true
    clearTimeout(this.#timer)
  }

  async #read(): Promise<void> {
    try {
      const anew = this.#anew
      this.#anew = false
      const rows = await this.#reader.read(await this.#store.databaseOf(this.#who), anew)
      if (this.#resting) {
        return
      }
      const text = JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
      if (text === this.#rows && this.#state.error === undefined) {
        return
      }
      this.#rows = text
      const before = this.#state.snapshot
      const read = snapshotOf(rows)
      const snapshot = before ? sharing(before, read) : read
      const events = before ? difference(before, snapshot) : []
      this.#set({ snapshot, log: logged(this.#state.log, events, Date.now()), error: undefined })
    } catch (error) {
      const message = messageOf(error)
      if (message !== this.#state.error) {
        this.#set({ ...this.#state, error: message })
      }
    }
  }

  #set(state: State): void {
    if (!this.#resting) {
      this.#state = state
      // Charts of many files are drawn in pieces.
      startTransition(() => this.#tell(state))
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
