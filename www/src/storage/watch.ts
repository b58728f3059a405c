/** Looks at the store again and again, and tells what has become of it. */

import { startTransition, useCallback, useEffect, useRef, useState } from 'react'
import { run } from '../engine/run.js'
import type { Store, Who } from '../engine/store.js'
import { difference, logged, type Seen } from './difference.js'
import { isUnderWay, readRows, sharing, type StorageSnapshot, snapshotOf } from './snapshot.js'
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
  /** Does `command` in the name of whoever looks. */
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

/** The store as `who` sees it: at once when it says that it changed, else every second while the page is visible. */
export function useStorage(store: Store, who: Who): Watched {
  const { user, role, as } = who
  const [state, setState] = useState<State>(UNSEEN)
  const [commands, setCommands] = useState<readonly Command[]>([])
  const [failure, setFailure] = useState<string>()
  const running = useRef(0)
  const look = useRef(() => {})

  useEffect(() => {
    setState(UNSEEN)
    const watch = new Watch(store, whoIs(user, role, as), () => running.current > 0, setState)
    const listener = () => watch.look()
    look.current = listener
    const unsubscribe = store.subscribe(listener)
    document.addEventListener('visibilitychange', listener)
    watch.look()
    return () => {
      watch.end()
      unsubscribe()
      document.removeEventListener('visibilitychange', listener)
    }
  }, [store, user, role, as])

  const command = useCallback(
    async (command: Command) => {
      running.current += 1
      setFailure(undefined)
      setCommands((all) => [...all, command])
      look.current()
      try {
        const db = await store.databaseOf(whoIs(user, role, as))
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
    [store, user, role, as],
  )
  const dismiss = useCallback(() => setFailure(undefined), [])
  return { ...state, commands, failure, command, dismiss }
}

function whoIs(user: string, role: Who['role'], as: string | undefined): Who {
  return { user, ...(role === undefined ? {} : { role }), ...(as === undefined ? {} : { as }) }
}

/** Reads one snapshot after the other until it is ended; never two at once, and none while the page is hidden. */
export class Watch {
  readonly #store: Pick<Store, 'databaseOf'>
  readonly #who: Who
  readonly #isBusy: () => boolean
  readonly #tell: (state: State) => void
  #state = UNSEEN
  /** The rows of the last snapshot as text: the same rows need no new picture. */
  #rows = ''
  #reading = false
  /** Whether somebody asked for a look during the last one. */
  #again = false
  #ended = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(store: Pick<Store, 'databaseOf'>, who: Who, isBusy: () => boolean, tell: (state: State) => void) {
    this.#store = store
    this.#who = who
    this.#isBusy = isBusy
    this.#tell = tell
  }

  look(): void {
    clearTimeout(this.#timer)
    if (this.#ended || document.hidden) {
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

  end(): void {
    this.#ended = true
    clearTimeout(this.#timer)
  }

  async #read(): Promise<void> {
    try {
      const rows = await readRows(await this.#store.databaseOf(this.#who))
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
    if (!this.#ended) {
      this.#state = state
      // Charts of many files are drawn in pieces.
      startTransition(() => this.#tell(state))
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
