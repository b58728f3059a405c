/** The two samples of flights. */

import { DEFAULT_NAMESPACE } from '../engine/names.js'
import type { Recipe } from './sample.js'

/** What is small enough to be there at once. */
export const FLIGHTS: Recipe = {
  id: 'flights',
  title: 'Flights, 200,000',
  description:
    'Delay, distance and hour of the day of flights in the United States. Cold rows in a few files, one behind the other by ' +
    'key and by time: to look rows up, to change cold ones, and to see what a query leaves out.',
  rows: 200_000,
  downloadBytes: 1_600_864,
  tables: [{ namespace: DEFAULT_NAMESPACE, name: 'flights' }],
  definitions:
    'CREATE TABLE main.flights (id BIGINT PRIMARY KEY, delay INTEGER, distance INTEGER, time DOUBLE PRECISION)',
  queries: [
    {
      title: 'One row by its key: one file is read, the others are left out',
      sql: 'SELECT * FROM flights WHERE id = 150000',
    },
    {
      title: 'A range of keys',
      sql: 'SELECT id, delay, distance, time FROM flights WHERE id BETWEEN 69990 AND 70010 ORDER BY id',
    },
    {
      title: 'Flights and delay by hour of the day (as a chart)',
      sql: `SELECT floor(time)::INTEGER AS hour, count(*) AS flights, round(avg(delay), 1) AS avg_delay
FROM flights
GROUP BY 1
ORDER BY 1`,
    },
    {
      title: 'Delays in steps of ten minutes (as a chart)',
      sql: `SELECT (delay / 10) * 10 AS minutes, count(*) AS flights
FROM flights
WHERE delay BETWEEN -60 AND 180
GROUP BY 1
ORDER BY 1`,
    },
    {
      title: 'In the small hours: files of later times are left out',
      sql: 'SELECT count(*), round(avg(distance)) AS avg_distance FROM flights WHERE time < 4',
    },
    {
      title: 'Change cold rows: no file is touched, newer versions hide the older',
      sql: 'UPDATE flights SET delay = 120 WHERE delay > 120 AND id <= 70000',
    },
    { title: 'Delete cold rows', sql: 'DELETE FROM flights WHERE delay < -50' },
    {
      title: 'What changed last',
      sql: `SELECT id, delay, _deleted, SEQ_TIMESTAMP(_seq) AS at
FROM CHANGES('flights', since => 0)
ORDER BY _seq DESC
LIMIT 50`,
    },
    { title: 'Write hot rows to a file', sql: 'STORAGE FLUSH TABLE flights' },
    { title: 'Merge the files, without what is hidden', sql: 'STORAGE COMPACT TABLE flights' },
    {
      title: 'The files of the table',
      sql: `SELECT path, status, rows, dead_rows, bytes
FROM system.batches
WHERE table_name = 'flights'
ORDER BY path`,
    },
  ],
}

/** What shows how far a tab goes. */
export const FLIGHTS_LARGE: Recipe = {
  id: 'flights-3m',
  title: 'Flights, 3,000,000',
  description:
    'Half a year of flights with airports, in files that follow each other in time. Ask for a day, an airport or a key, ' +
    'and see how few files are opened.',
  rows: 3_000_000,
  downloadBytes: 13_493_022,
  tables: [{ namespace: DEFAULT_NAMESPACE, name: 'flights_3m' }],
  definitions:
    'CREATE TABLE main.flights_3m (id BIGINT PRIMARY KEY, date TIMESTAMP, delay BIGINT, distance BIGINT, origin TEXT, destination TEXT)',
  queries: [
    { title: 'One row of three million', sql: 'SELECT * FROM flights_3m WHERE id = 1500000' },
    {
      title: 'One day: the ranges of dates leave out the other files',
      sql: `SELECT date, origin, destination, delay
FROM flights_3m
WHERE date >= '2001-04-02' AND date < '2001-04-03' AND origin = 'SFO'
ORDER BY date`,
    },
    {
      title: 'The busiest airports (as a chart)',
      sql: `SELECT origin, count(*) AS flights, round(avg(delay), 2) AS avg_delay
FROM flights_3m
GROUP BY origin
ORDER BY flights DESC, origin
LIMIT 20`,
    },
    {
      title: 'Flights by day (as a chart)',
      sql: `SELECT date_trunc('day', date) AS day, count(*) AS flights, round(avg(delay), 2) AS avg_delay
FROM flights_3m
GROUP BY 1
ORDER BY 1`,
    },
    {
      title: 'The worst delays: files that cannot have one are left out on the way',
      sql: 'SELECT * FROM flights_3m ORDER BY delay DESC, id LIMIT 10',
    },
    {
      title: 'Change cold rows: no delay at ORD was over an hour',
      sql: "UPDATE flights_3m SET delay = 60 WHERE origin = 'ORD' AND delay > 60",
    },
    { title: 'Delete cold rows: an hour early is a misprint', sql: 'DELETE FROM flights_3m WHERE delay < -60' },
    {
      title: 'Both directions of a route, joined',
      sql: `WITH there AS (
  SELECT origin, destination, count(*) AS flights, avg(delay) AS delay FROM flights_3m GROUP BY 1, 2
)
SELECT a.origin, a.destination, a.flights, round(a.delay, 1) AS delay, round(b.delay, 1) AS delay_back
FROM there a
JOIN there b ON a.origin = b.destination AND a.destination = b.origin
WHERE a.origin < a.destination
ORDER BY a.flights DESC, a.origin, a.destination
LIMIT 20`,
    },
    {
      title: 'The files of the table',
      sql: `SELECT path, status, rows, dead_rows, bytes
FROM system.batches
WHERE table_name = 'flights_3m'
ORDER BY path`,
    },
  ],
}
