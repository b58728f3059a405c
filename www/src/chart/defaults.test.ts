import { describe, expect, it } from 'vitest'
import type { Column, Kind } from '../engine/result.js'
import { defaultChart } from './defaults.js'

const columns = (...kinds: [string, Kind][]): Column[] => kinds.map(([name, kind]) => ({ name, kind, type: 'X' }))
const times = (count: number, row: (at: number) => readonly unknown[]) => Array.from({ length: count }, (_, at) => row(at))

describe('the chart that suits a result', () => {
  it('is a line for a time and a number', () => {
    expect(defaultChart(columns(['n', 'integer'], ['at', 'time']), times(5, (at) => [at, BigInt(at)]))).toEqual({
      mark: 'line', x: 1, y: 0,
    })
  })
  it('has a line for each of a few texts', () => {
    const rows = times(20, (at) => [BigInt(at), at, 'abc'[at % 3], `text ${at}`])
    const of = columns(['at', 'time'], ['v', 'float'], ['kind', 'text'], ['note', 'text'])
    expect(defaultChart(of, rows)).toEqual({ mark: 'line', x: 0, y: 1, colour: 2 })
  })
  it('is bars for texts and numbers, which lie where labels are long', () => {
    const of = columns(['name', 'text'], ['n', 'integer'])
    expect(defaultChart(of, times(4, (at) => [`k${at}`, at]))).toEqual({ mark: 'bar', x: 0, y: 1 })
    expect(defaultChart(of, times(4, (at) => [`a long label ${at}`, at]))).toEqual({ mark: 'row', x: 0, y: 1 })
    expect(defaultChart(of, times(20, (at) => [`k${at}`, at]))).toEqual({ mark: 'row', x: 0, y: 1 })
  })
  it('is bars for what is grouped by a text, whatever else was counted', () => {
    const of = columns(['n', 'integer'], ['name', 'text'], ['mean', 'float'])
    expect(defaultChart(of, times(4, (at) => [at, `k${at}`, at / 2]))).toEqual({ mark: 'bar', x: 1, y: 0 })
  })
  it('is dots for two numbers, in colours by a few texts', () => {
    expect(defaultChart(columns(['a', 'float'], ['b', 'decimal']), times(4, (at) => [at, '1.5']))).toEqual({
      mark: 'dot', x: 0, y: 1,
    })
    const rows = times(20, (at) => [at, at * 2, 'ab'[at % 2]])
    expect(defaultChart(columns(['a', 'float'], ['b', 'float'], ['kind', 'text']), rows)).toEqual({
      mark: 'dot', x: 0, y: 1, colour: 2,
    })
  })
  it('is bars for the steps of an integer, and a line for many', () => {
    const of = columns(['hour', 'integer'], ['n', 'integer'])
    expect(defaultChart(of, times(24, (at) => [at, BigInt(100 - at)]))).toEqual({ mark: 'bar', x: 0, y: 1 })
    expect(defaultChart(of, times(200, (at) => [BigInt(at), 1]))).toEqual({ mark: 'line', x: 0, y: 1 })
    expect(defaultChart(columns(['mean', 'float'], ['hour', 'integer']), times(24, (at) => [null, at]))).toEqual({ mark: 'bar', x: 1, y: 0 })
    // Neither sorted, nor one of each, nor all there.
    for (const row of [(at: number) => [(at * 7) % 24, at % 2], (at: number) => [at >> 1, 1], (at: number) => [at === 3 ? null : at, 1]]) {
      expect(defaultChart(of, times(24, row))?.mark).toBe('dot')
    }
  })
  it('does not measure by numbers that name rows', () => {
    const rows = times(20, (at) => [at, 'ab'[at % 2], at * 2])
    expect(defaultChart(columns(['user_id', 'integer'], ['kind', 'text'], ['n', 'integer']), rows)).toEqual({
      mark: 'bar', x: 1, y: 2,
    })
  })
  it('is a histogram of one number, and counts of texts alone', () => {
    expect(defaultChart(columns(['a', 'float']), [[1]])).toEqual({ mark: 'histogram', x: 0 })
    expect(defaultChart(columns(['at', 'time']), [[1n]])).toEqual({ mark: 'histogram', x: 0 })
    expect(defaultChart(columns(['kind', 'text']), times(9, (at) => ['ab'[at % 2]]))).toEqual({ mark: 'bar', x: 0 })
  })
  it('is none of what cannot be drawn', () => {
    expect(defaultChart(columns(['doc', 'json'], ['b', 'binary']), [[{}, null]])).toBeUndefined()
    expect(defaultChart([], [])).toBeUndefined()
  })
})
