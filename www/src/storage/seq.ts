/** The time that lies in a `_seq`: a Snowflake id of 41 bits of milliseconds, 10 of node and 12 of counter. */

/** 2025-01-01T00:00:00Z, from which milliseconds are counted, as Unix milliseconds. */
const EPOCH_UNIX_MS = 1_735_689_600_000
const BITS_BELOW = 22n

/** When the commit of `seq` was, in Unix milliseconds. */
export function unixMsOf(seq: bigint): number {
  return Number(seq >> BITS_BELOW) + EPOCH_UNIX_MS
}
