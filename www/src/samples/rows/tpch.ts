/**
 * Data after the specification of TPC-H (clause 4.2), at the scale 0.01: its tables and keys, its ranges of values, how dates
 * depend on each other and totals on lines. Not dbgen's bytes: numbers are of another generator, and the texts of comments,
 * which no query here reads, are short.
 */

import type { Event } from '../event.js'
import type { Value } from './csv.js'
import { Random } from './random.js'
import { flush, slice } from './slice.js'
import {
  CONTAINERS,
  COLOURS,
  INSTRUCTIONS,
  MODES,
  NATIONS,
  PRIORITIES,
  REGIONS,
  SEGMENTS,
  TYPES,
  comment,
} from './tpch-words.js'

export const SUPPLIERS = 100
export const CUSTOMERS = 1_500
export const PARTS = 2_000
export const ORDERS = 15_000
/** As many as dbgen makes: the seed was chosen for that. */
export const LINES = 60_175
export const LINES_SEED = 238

const START = Date.UTC(1992, 0, 1)
/** The day that it is in the data: what was received by then may have come back. */
const CURRENT = Date.UTC(1995, 5, 17)
const END = Date.UTC(1998, 11, 31)
const DAY_MS = 86_400_000
/** Suppliers of each part. */
const SOURCES = 4
/** Orders of a slice. */
const SLICE_ORDERS = 5_000

export async function* tpch(): AsyncGenerator<Event> {
  yield* slice('tpch.region', regions())
  yield* slice('tpch.nation', nations())
  yield* slice('tpch.supplier', suppliers(new Random(1)))
  yield* slice('tpch.customer', customers(new Random(2)))
  yield* slice('tpch.part', parts(new Random(3)))
  yield* slice('tpch.partsupp', partSuppliers(new Random(4)))
  const chance = { orders: new Random(5), lines: new Random(6), counts: new Random(LINES_SEED) }
  for (let from = 1; from <= ORDERS; from += SLICE_ORDERS) {
    const some = Array.from({ length: SLICE_ORDERS }, (_, at) => orderWithLines(from + at, chance))
    yield* slice('tpch.orders', some.map(({ order }) => order))
    yield* slice('tpch.lineitem', some.flatMap(({ lines }) => lines))
    yield flush('tpch.orders')
    yield flush('tpch.lineitem')
  }
  for (const table of ['supplier', 'customer', 'part', 'partsupp']) {
    yield flush(`tpch.${table}`)
  }
}

type Row = readonly Value[]

export function* regions(): Generator<Row> {
  for (const [key, name] of REGIONS.entries()) {
    yield [key, name, comment(key)]
  }
}

export function* nations(): Generator<Row> {
  for (const [key, [name, region]] of NATIONS.entries()) {
    yield [key, name, region, comment(key)]
  }
}

export function* suppliers(random: Random): Generator<Row> {
  for (let key = 1; key <= SUPPLIERS; key++) {
    const nation = random.integer(0, 24)
    const balance = money(random.integer(-99_999, 999_999))
    yield [key, named('Supplier', key), address(random), nation, phone(nation, random), balance, comment(key)]
  }
}

export function* customers(random: Random): Generator<Row> {
  for (let key = 1; key <= CUSTOMERS; key++) {
    const nation = random.integer(0, 24)
    const balance = money(random.integer(-99_999, 999_999))
    const segment = random.of(SEGMENTS)
    yield [key, named('Customer', key), address(random), nation, phone(nation, random), balance, segment, comment(key)]
  }
}

export function* parts(random: Random): Generator<Row> {
  for (let key = 1; key <= PARTS; key++) {
    const maker = random.integer(1, 5)
    const brand = `Brand#${maker}${random.integer(1, 5)}`
    const name = [...COLOURS].map((word) => [random.next(), word] as const)
    name.sort(([a], [b]) => a - b)
    const words = name.slice(0, 5).map(([, word]) => word)
    const type = TYPES.map((syllables) => random.of(syllables)).join(' ')
    const container = CONTAINERS.map((syllables) => random.of(syllables)).join(' ')
    const size = random.integer(1, 50)
    yield [key, words.join(' '), `Manufacturer#${maker}`, brand, type, size, container, money(retailCents(key)), comment(key)]
  }
}

export function* partSuppliers(random: Random): Generator<Row> {
  for (let part = 1; part <= PARTS; part++) {
    for (let source = 0; source < SOURCES; source++) {
      const cost = money(random.integer(100, 100_000))
      yield [part, supplierOf(part, source), random.integer(1, 9_999), cost, comment(part + source)]
    }
  }
}

/** What an order and its lines come from; how many lines there are has chance of its own, so that their sum is known. */
export interface Chance {
  readonly orders: Random
  readonly lines: Random
  readonly counts: Random
}

/** The order with the number `number`, from 1, and its lines. */
export function orderWithLines(number: number, chance: Chance): { order: Row; lines: Row[] } {
  const { orders: random } = chance
  const key = orderKey(number)
  // The last lines are delivered before the end.
  const day = START + random.integer(0, (END - START) / DAY_MS - 151) * DAY_MS
  const count = chance.counts.integer(1, 7)
  const made = Array.from({ length: count }, (_, at) => line(key, at + 1, day, chance.lines))
  const open = made.filter(({ isOpen }) => isOpen).length
  const status = open === 0 ? 'F' : open === count ? 'O' : 'P'
  const total = made.reduce((sum, { cents }) => sum + cents, 0)
  const clerk = named('Clerk', random.integer(1, 10))
  const order = [key, customerOf(random), status, money(total), date(day), random.of(PRIORITIES), clerk, 0, comment(key)]
  return { order, lines: made.map(({ row }) => row) }
}

function line(order: number, number: number, ordered: number, random: Random) {
  const part = random.integer(1, PARTS)
  const supplier = supplierOf(part, random.integer(0, SOURCES - 1))
  const quantity = random.integer(1, 50)
  const price = quantity * retailCents(part)
  const discount = random.integer(0, 10)
  const tax = random.integer(0, 8)
  const shipped = ordered + random.integer(1, 121) * DAY_MS
  const committed = ordered + random.integer(30, 90) * DAY_MS
  const received = shipped + random.integer(1, 30) * DAY_MS
  const isOpen = shipped > CURRENT
  const returned = received > CURRENT ? 'N' : random.of(['R', 'A'])
  const cents = Math.round((price * (100 + tax) * (100 - discount)) / 10_000)
  const row: Row = [
    ...[order, part, supplier, number, quantity, money(price), money(discount), money(tax), returned, isOpen ? 'O' : 'F'],
    ...[date(shipped), date(committed), date(received), random.of(INSTRUCTIONS), random.of(MODES), comment(order + number)],
  ]
  return { row, cents, isOpen }
}

/** Of every 32 keys the first 8 are used. */
function orderKey(number: number): number {
  return Math.floor((number - 1) / 8) * 32 + ((number - 1) % 8) + 1
}

/** A third of the customers never order. */
function customerOf(random: Random): number {
  for (;;) {
    const customer = random.integer(1, CUSTOMERS)
    if (customer % 3 !== 0) {
      return customer
    }
  }
}

/** The supplier of `part` that is its `source`th, from 0. */
function supplierOf(part: number, source: number): number {
  return ((part + source * (SUPPLIERS / SOURCES + Math.floor((part - 1) / SUPPLIERS))) % SUPPLIERS) + 1
}

function retailCents(part: number): number {
  return 90_000 + (Math.floor(part / 10) % 20_001) + 100 * (part % 1_000)
}

/** Cents, or hundredths, as a decimal. */
function money(cents: number): string {
  const digits = String(Math.abs(cents)).padStart(3, '0')
  return `${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

function date(day: number): string {
  return new Date(day).toISOString().slice(0, 10)
}

function named(what: string, key: number): string {
  return `${what}#${String(key).padStart(9, '0')}`
}

function address(random: Random): string {
  return Array.from({ length: random.integer(10, 40) }, () => random.of([...LETTERS])).join('').trim() || 'x'
}

const LETTERS: [string, ...string[]] = [' ', ...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,']

function phone(nation: number, random: Random): string {
  return [nation + 10, random.integer(100, 999), random.integer(100, 999), random.integer(1000, 9999)].join('-')
}
