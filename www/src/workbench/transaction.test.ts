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
  expect(own.within(db)).toBe(db)
  await own.carryOut('begin', db)
  expect(own.within(db)).toBe(tx)
  expect(ended).toEqual([])
  await own.carryOut('commit', db)
  expect(ended).toEqual(['committed'])
  expect(own.within(db)).toBe(db)
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
