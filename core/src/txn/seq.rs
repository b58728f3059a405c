//! Hands out `_seq` numbers that never go back, whatever the clock does.
//!
//! A high-water mark in the key-value store is raised, and synced, ahead of what is handed out. An engine
//! that opens the store starts above the mark, so it need not know what its predecessor last used.

use std::sync::Arc;

use async_lock::Mutex;

use crate::error::{Error, Result};
use crate::storage::{Clock, Keyspace, KvStore, WriteBatch};
use crate::types::{Durability, SeqId};

const HIGH_WATER: &[u8] = b"seq_high_water";
/// How far ahead the mark is raised: one synced write buys this much.
const AHEAD_MS: i64 = 10_000;

/// The source of `_seq` numbers of one engine.
#[derive(Debug)]
pub struct SeqAllocator {
    node: u16,
    clock: Arc<dyn Clock>,
    kv: Arc<dyn KvStore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    last: SeqId,
    reserved: SeqId,
}

impl SeqAllocator {
    /// Starts above everything that was handed out from `kv` before, and above `floor`.
    ///
    /// # Errors
    /// `Corrupt` when the mark is not a number; what the store reports.
    pub async fn open(kv: Arc<dyn KvStore>, clock: Arc<dyn Clock>, node: u16, floor: SeqId) -> Result<Self> {
        let mark = read_mark(kv.as_ref()).await?.max(floor);
        Ok(Self { node, clock, kv, state: Mutex::new(State { last: mark, reserved: mark }) })
    }

    /// The highest number that may have been handed out; every snapshot of a fresh engine starts here.
    pub async fn last(&self) -> SeqId {
        self.state.lock().await.last
    }

    /// `count` ascending numbers, all higher than any before; returned as an iterator's worth in order.
    ///
    /// # Errors
    /// What the store reports when the mark must be raised; nothing is handed out then.
    pub async fn allocate(&self, count: usize) -> Result<Vec<SeqId>> {
        let mut state = self.state.lock().await;
        let now = SeqId::at(self.clock.now_ms(), self.node);
        let mut numbers = Vec::with_capacity(count);
        let mut last = state.last;
        for _ in 0..count {
            last = if now > last { now } else { last.next(self.node) };
            numbers.push(last);
        }
        if last > state.reserved {
            let mark = SeqId::at(last.unix_ms() + AHEAD_MS, self.node);
            if mark <= last {
                return Err(Error::limit("the sequence has reached its end in the year 2094"));
            }
            let mut batch = WriteBatch::new();
            batch.put(Keyspace::Meta, HIGH_WATER, mark.as_i64().to_be_bytes().to_vec());
            self.kv.commit(batch, Durability::Strict).await?;
            state.reserved = mark;
        }
        state.last = last;
        Ok(numbers)
    }
}

/// The mark of a store; zero in a fresh one.
///
/// # Errors
/// `Corrupt` when it is not a number; what the store reports.
pub async fn read_mark(kv: &dyn KvStore) -> Result<SeqId> {
    let Some(bytes) = kv.get(Keyspace::Meta, HIGH_WATER).await? else { return Ok(SeqId::ZERO) };
    let bytes: [u8; 8] =
        bytes.as_ref().try_into().map_err(|_| Error::corrupt("meta key seq_high_water: expected 8 bytes"))?;
    Ok(SeqId::from_i64(i64::from_be_bytes(bytes)))
}

/// Adds to `batch` that the mark is `mark`.
pub fn put_mark(batch: &mut WriteBatch, mark: SeqId) {
    batch.put(Keyspace::Meta, HIGH_WATER, mark.as_i64().to_be_bytes().to_vec());
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::storage::{ManualClock, MemoryKv};

    #[test]
    fn numbers_ascend_over_reopening_with_the_clock_set_back() {
        block_on(async {
            let kv: Arc<dyn KvStore> = Arc::new(MemoryKv::new());
            let clock = Arc::new(ManualClock::at_ms(SeqId::EPOCH_UNIX_MS + 1_000_000));
            let mut last = SeqId::ZERO;
            for round in 0..5_i64 {
                let seqs = SeqAllocator::open(Arc::clone(&kv), clock.clone(), 1, SeqId::ZERO).await.unwrap();
                for _ in 0..3 {
                    for seq in seqs.allocate(5000).await.unwrap() {
                        assert!(seq > last);
                        last = seq;
                    }
                }
                clock.set_ms(SeqId::EPOCH_UNIX_MS + 1_000_000 - round * 250_000);
            }
        });
    }
}
