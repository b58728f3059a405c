/** A chat of three people over thirty days: everybody has their own copy of it, as in a real one. */

import type { Event } from '../event.js'
import type { Value } from './csv.js'
import { Random } from './random.js'
import { flush, slice } from './slice.js'

const USERS = ['alice', 'bob', 'carol'] as const
/** Messages of each user. */
export const MESSAGES = 3_000
/** Those of them that come before the flush, and so lie in files. */
const COLD = 2_600
const DRAFTS = 8
const BEGIN_MS = Date.UTC(2026, 8, 1)
const DAY_MS = 86_400_000
const DAYS = 30

const ROOMS = [
  [1, 'general', 'what concerns everybody'],
  [2, 'snow', 'reports from the mountain'],
  [3, 'engine', 'files, flushes and queries'],
  [4, 'lunch', 'where to, and when'],
] as const

/** Rows of all tables. */
export const CHAT_ROWS = ROOMS.length + USERS.length * (MESSAGES + DRAFTS + 1)

export async function* chat(): AsyncGenerator<Event> {
  yield* slice('chat.rooms', ROOMS)
  const messages = USERS.map((user, at) => ({ user, rows: [...messagesOf(user, new Random(100 + at))] }))
  for (const { user, rows } of messages) {
    yield* slice('chat.messages', rows.slice(0, COLD), user)
  }
  yield flush('chat.messages')
  for (const { user, rows } of messages) {
    yield* slice('chat.messages', rows.slice(COLD), user)
    yield* slice('chat.drafts', draftsOf(new Random(user.length)), user)
    // Newer versions of cold rows: hot ones hide them.
    yield {
      kind: 'run',
      sql: `UPDATE chat.messages AS USER '${user}' SET seen = true WHERE id BETWEEN ${COLD - 60} AND ${COLD}`,
      step: `${user} reads`,
    }
  }
  yield* USERS.map((user): Event => ({
    kind: 'run',
    sql: `INSERT INTO chat.presence AS USER '${user}' (device, state) VALUES ('laptop', 'online')`,
    step: `${user} comes online`,
    rows: 1,
  }))
}

/** The messages of a user in the order of time; from number 2,500 on they are not seen yet. */
function* messagesOf(user: string, random: Random): Generator<readonly Value[]> {
  const each = (DAYS * DAY_MS) / MESSAGES
  for (let number = 1; number <= MESSAGES; number++) {
    const at = new Date(BEGIN_MS + Math.floor((number - 1 + random.next()) * each))
    const room = random.integer(1, ROOMS.length)
    yield [number, room, at, random.next() < 0.3 ? user : random.of(USERS), sentence(room, random), number <= 2_500]
  }
}

function* draftsOf(random: Random): Generator<readonly Value[]> {
  for (let number = 1; number <= DRAFTS; number++) {
    const room = random.integer(1, ROOMS.length)
    yield [number, room, new Date(BEGIN_MS + DAYS * DAY_MS + number * 60_000), `${sentence(room, random)} …`]
  }
}

type Words = readonly [string, ...string[]]

/** Beginnings, middles and ends, by the number of the room. */
const SENTENCES: Readonly<Record<number, readonly [Words, Words, Words]>> = {
  1: [
    ['Has anybody', 'Could someone have', 'I have just', 'Maybe we have'],
    ['seen the plan for', 'read the notes on', 'moved the date of', 'answered the letter about'],
    ['Thursday?', 'the release', 'the move', 'next week, or not yet'],
  ],
  2: [
    ['Fresh snow', 'Hard ice', 'Old firn', 'A lot of fog'],
    ['above 2,000 m', 'on the north side', 'down to the hut', 'along the ridge'],
    ['since this morning', 'but the lift runs', '— take the other way', 'until noon'],
  ],
  3: [
    ['The flush', 'That query', 'The compaction', 'A point lookup'],
    ['opens one file', 'took 40 ms', 'wrote "batch-7.parquet"', 'waits for the reader'],
    ['as it should', 'of eleven', 'and then nothing', ', which is fine'],
  ],
  4: [
    ['Soup', 'The place with the noodles', 'Dumplings', 'Anything but pizza'],
    ['at half past twelve', 'in ten minutes', 'at one', 'as soon as the build is through'],
    ['?', '. I will pay', '. Who is coming?', ', by the river'],
  ],
}

function sentence(room: number, random: Random): string {
  const [begin, middle, end] = SENTENCES[room] ?? [['…'], ['…'], ['…']]
  return `${random.of(begin)} ${random.of(middle)} ${random.of(end)}`.replace(/ ([?.,])/, '$1')
}
