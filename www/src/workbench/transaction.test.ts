import type { Transaction } from 'firndb'
import { expect, test } from 'vitest'
import type { Database } from '../engine/run.js'
import { PaneTransaction, verbOf } from './transaction.js'

test.each([
  ['BEGIN', 'begin'],
  ['-- now\nbegin transaction', 'begin'],
  ['START TRANSACTION', 'begin'],
  ['COMMIT', 'commit'],
  ['end', 'commit'],
  ['ROLLBACK', 'rollback'],
  ['abort', 'rollback'],
  ['ROLLBACK TO SAVEPOINT a', undefined],
  ['rollback work to a', undefined],
  ['SAVEPOINT a', undefined],
  ['SELECT 1', undefined],
  ['BEGINNING', undefined],
])('%s', (sql, verb) => expect(verbOf(sql)).toBe(verb))

/** A database whose transactions tell how they ended. */
function fake(refusal?: Error) {
  const ended: string[] = []
  const tx = { name: 'tx' } as unknown as Transaction
  const db = {
    async transaction(work: (tx: Transaction) => Promise<void>) {
      if (refusal) {
        throw refusal
      }
      try {
        await work(tx)
        ended.push('committed')
      } catch (error) {
        ended.push('rolled back')
        throw error
      }
    },
  } as unknown as Database
  return { db, tx, ended }
}

test('statements run in the transaction from BEGIN to COMMIT', async () => {
  const { db, tx, ended } = fake()
  const own = new PaneTransaction()
  expect(await own.within(db)).toBe(db)
  await own.carryOut('begin', db)
  expect(await own.within(db)).toBe(tx)
  expect(ended).toEqual([])
  await own.carryOut('commit', db)
  expect(ended).toEqual(['committed'])
  expect(await own.within(db)).toBe(db)
})

test('ROLLBACK is no failure, and neither is leaving', async () => {
  const { db, ended } = fake()
  const own = new PaneTransaction()
  await own.carryOut('begin', db)
  await own.carryOut('rollback', db)
  await own.carryOut('begin', db)
  await own.abandon()
  expect(ended).toEqual(['rolled back', 'rolled back'])
  expect(own.isOpen).toBe(false)
})

test('what is out of order, or refused, is said', async () => {
  const { db } = fake()
  const own = new PaneTransaction()
  await expect(own.carryOut('commit', db)).rejects.toThrow('there is no transaction')
  await own.carryOut('begin', db)
  await expect(own.carryOut('begin', db)).rejects.toThrow('there is a transaction already')
  await expect(new PaneTransaction().carryOut('begin', fake(new Error('not today')).db)).rejects.toThrow('not today')
})

/** A database that begins a transaction only when it is told to. */
function slow() {
  const { db, tx, ended } = fake()
  let start = () => undefined as void
  const may = new Promise<void>((resolve) => (start = resolve))
  const late = { transaction: (work: (tx: Transaction) => Promise<void>) => may.then(() => db.transaction(work)) } as unknown as Database
  return { db: late, tx, ended, start: () => start() }
}

test('of two BEGINs one begins, and what follows waits for it', async () => {
  const { db, tx, ended, start } = slow()
  const own = new PaneTransaction()
  const first = own.carryOut('begin', db)
  await expect(own.carryOut('begin', db)).rejects.toThrow('there is a transaction already')
  const within = own.within(db)
  start()
  await first
  expect(await within).toBe(tx)
  await own.carryOut('commit', db)
  expect(ended).toEqual(['committed'])
})

test('who leaves while it is being begun leaves no transaction', async () => {
  const { db, ended, start } = slow()
  const own = new PaneTransaction()
  const beginning = own.carryOut('begin', db)
  const leaving = own.abandon()
  expect(own.isOpen).toBe(false)
  start()
  await beginning
  await leaving
  expect(ended).toEqual(['rolled back'])
  expect(await own.within(db)).toBe(db)
})

test('one that could not be begun is not there', async () => {
  const { db } = fake(new Error('not today'))
  const own = new PaneTransaction()
  await expect(own.carryOut('begin', db)).rejects.toThrow('not today')
  expect(own.isOpen).toBe(false)
  await expect(own.carryOut('commit', db)).rejects.toThrow('there is no transaction')
})
