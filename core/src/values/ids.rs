//! Ids that are made here: UUIDs of version 7 (RFC 9562) and ULIDs (github.com/ulid/spec).
//!
//! Both begin with the milliseconds since 1970, so that they sort by time; the rest is random. Those of one
//! engine ascend strictly: within a millisecond, and when the clock goes back, the random part grows, by as much as
//! keeps the next one from being guessed.
//!
//! ```text
//! UUID  48 bits ms │ 4 version = 7 │ 12 random │ 2 variant = 10 │ 62 random
//! ULID  48 bits ms │ 80 random, all 128 as 26 digits of Crockford's base 32
//! ```

use std::sync::Arc;

use parking_lot::Mutex;

use crate::storage::{Clock, Rng};
use crate::values::uuid;

const UUID_RANDOM_BITS: u32 = 74;
const ULID_RANDOM_BITS: u32 = 80;
const MS_BITS: u32 = 48;
/// Bits of the steps within a millisecond: few enough for billions of them.
const STEP_BITS: u32 = 40;
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Makes the ids of one engine.
#[derive(Debug)]
pub struct IdSource {
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    last_uuid: Mutex<Stamp>,
    last_ulid: Mutex<Stamp>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Stamp {
    ms: u64,
    random: u128,
}

impl IdSource {
    /// A source on this clock and this randomness.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { clock, rng, last_uuid: Mutex::default(), last_ulid: Mutex::default() }
    }

    /// A UUID of version 7.
    #[must_use]
    pub fn uuid_v7(&self) -> String {
        let Stamp { ms, random } = self.next(&self.last_uuid, UUID_RANDOM_BITS);
        let (high, low) = (random >> 62, random & ((1 << 62) - 1));
        uuid::of_bits(u128::from(ms) << 80 | 7 << 76 | high << 64 | 0b10 << 62 | low)
    }

    /// A ULID.
    #[must_use]
    pub fn ulid(&self) -> String {
        let Stamp { ms, random } = self.next(&self.last_ulid, ULID_RANDOM_BITS);
        let bits = u128::from(ms) << ULID_RANDOM_BITS | random;
        let digit = |at: u32| CROCKFORD.get(usize::try_from(bits >> (5 * at) & 31).unwrap_or_default());
        (0..26).rev().filter_map(digit).map(|digit| char::from(*digit)).collect()
    }

    fn next(&self, last: &Mutex<Stamp>, bits: u32) -> Stamp {
        let now = u64::try_from(self.clock.now_ms()).unwrap_or_default() & ((1 << MS_BITS) - 1);
        let mut last = last.lock();
        if now > last.ms {
            *last = Stamp { ms: now, random: self.random(bits) };
        } else {
            last.random += 1 + self.random(STEP_BITS);
            if last.random >> bits != 0 {
                *last = Stamp { ms: last.ms + 1, random: self.random(bits) };
            }
        }
        *last
    }

    /// `bits` random bits, the first of them 0: room to count up.
    fn random(&self, bits: u32) -> u128 {
        let mut bytes = [0; 16];
        self.rng.fill(&mut bytes);
        u128::from_le_bytes(bytes) & ((1 << (bits - 1)) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{ManualClock, SeededRng};

    #[test]
    fn ids_ascend_whatever_the_clock_does() {
        let clock = Arc::new(ManualClock::at_ms(1_700_000_000_000));
        let source = IdSource::new(Arc::clone(&clock) as _, Arc::new(SeededRng::new(7)));
        let mut uuids = Vec::new();
        let mut ulids = Vec::new();
        for ms in [1_700_000_000_000, 1_700_000_000_000, 1_600_000_000_000, 1_700_000_000_005] {
            clock.set_ms(ms);
            for _ in 0..3 {
                uuids.push(source.uuid_v7());
                ulids.push(source.ulid());
            }
        }
        assert!(uuids.is_sorted_by(|a, b| a < b), "{uuids:?}");
        assert!(ulids.is_sorted_by(|a, b| a < b), "{ulids:?}");
        // 1_700_000_000_000 is 018bcfe56800 in hexadecimal, 01HF7YAT00 in base 32.
        for id in uuids.iter().take(9) {
            assert!(id.starts_with("018bcfe5-6800-7"), "{id}");
            assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
            assert_eq!(uuid::canonical(id).as_ref(), Some(id));
        }
        assert!(ulids.iter().take(9).all(|id| id.len() == 26 && id.starts_with("01HF7YAT00")), "{ulids:?}");
    }

    #[test]
    fn a_full_millisecond_goes_over_to_the_next() {
        let source = IdSource::new(Arc::new(ManualClock::at_ms(5)), Arc::new(SeededRng::new(7)));
        let last = Mutex::new(Stamp { ms: 5, random: (1 << 74) - 1 });
        let next = source.next(&last, 74);
        assert_eq!(next.ms, 6);
        assert!(next.random < 1 << 73);
    }
}
