//! Hands out `_seq` numbers that never go back, whatever the clock does.
//!
//! A high-water mark in the key-value store is raised, and synced, ahead of what is handed out. An engine
//! that opens the store starts above the mark, so it need not know what its predecessor last used.

use std::sync::Arc;

use async_lock::Mutex;
use bytes::Bytes;

use crate::error::{Error, Result};
use crate::storage::{Clock, Keyspace, KvStore, WriteBatch};
use crate::txn::fence::Fence;
use crate::types::{Durability, SeqId};

const HIGH_WATER: &[u8] = b"seq_high_water";
/// How far ahead the mark is raised: one synced write buys this much.
const AHEAD_MS: i64 = 10_000;

/// The source of `_seq` numbers of one engine.
#[derive(Debug)]
pub struct SeqAllocator {
    node: u16,
    clock: Arc<dyn Clock>,
    fence: Arc<Fence>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    last: SeqId,
    /// The mark as it is stored; `None` in a fresh store.
    mark: Option<SeqId>,
}

impl SeqAllocator {
    /// Starts above everything that was handed out from the store of `fence` before.
    ///
    /// # Errors
    /// `Corrupt` when the mark is not a number; what the store reports.
    pub async fn open(fence: Arc<Fence>, clock: Arc<dyn Clock>, node: u16) -> Result<Self> {
        let mark = read_mark(fence.kv()).await?;
        let state = State { last: mark.unwrap_or(SeqId::ZERO), mark };
        Ok(Self { node, clock, fence, state: Mutex::new(state) })
    }

    /// The highest number that may have been handed out; every snapshot of a fresh engine starts here.
    pub async fn last(&self) -> SeqId {
        self.state.lock().await.last
    }

    /// `count` ascending numbers, all higher than any before; returned as an iterator's worth in order.
    ///
    /// # Errors
    /// As [`Fence::commit`] when the mark must be raised; nothing is handed out then.
    pub async fn allocate(&self, count: usize) -> Result<Vec<SeqId>> {
        let mut state = self.state.lock().await;
        let now = SeqId::at(self.clock.now_ms(), self.node);
        let mut numbers = Vec::with_capacity(count);
        let mut last = state.last;
        for _ in 0..count {
            last = if now > last { now } else { last.next(self.node) };
            numbers.push(last);
        }
        if state.mark.is_none_or(|reserved| last > reserved) {
            let mark = SeqId::at(last.unix_ms() + AHEAD_MS, self.node);
            if mark <= last {
                return Err(Error::limit("the sequence has reached its end in the year 2094"));
            }
            let mut batch = self.fence.batch();
            match state.mark {
                Some(stored) => batch.expect_value(Keyspace::Meta, HIGH_WATER, mark_bytes(stored)),
                None => batch.expect_absent(Keyspace::Meta, HIGH_WATER),
            };
            put_mark(&mut batch, mark);
            self.fence.commit(batch, Durability::Strict).await?;
            state.mark = Some(mark);
        }
        state.last = last;
        Ok(numbers)
    }
}

/// The mark of a store; `None` in a fresh one.
async fn read_mark(kv: &dyn KvStore) -> Result<Option<SeqId>> {
    let Some(bytes) = kv.get(Keyspace::Meta, HIGH_WATER).await? else { return Ok(None) };
    let bytes: [u8; 8] =
        bytes.as_ref().try_into().map_err(|_| Error::corrupt("meta key seq_high_water: expected 8 bytes"))?;
    Ok(Some(SeqId::from_i64(i64::from_be_bytes(bytes))))
}

/// Adds to `batch` that the mark is `mark`.
pub fn put_mark(batch: &mut WriteBatch, mark: SeqId) {
    batch.put(Keyspace::Meta, HIGH_WATER, mark_bytes(mark));
}

fn mark_bytes(mark: SeqId) -> Bytes {
    Bytes::copy_from_slice(&mark.as_i64().to_be_bytes())
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::error::ErrorKind;
    use crate::storage::fault::FaultStores;
    use crate::storage::{ManualClock, SeededRng, Stores};
    use crate::txn::fence::EPOCH_KEY;

    const NOW_MS: i64 = SeqId::EPOCH_UNIX_MS + 1_000_000;

    fn stores(faults: &FaultStores, clock: &Arc<ManualClock>) -> Stores {
        faults.stores(Arc::clone(clock) as _, Arc::new(SeededRng::new(1)))
    }

    /// Takes `stores` over at `epoch`, as opening an engine does.
    async fn allocator(stores: &Stores, epoch: u64) -> (SeqAllocator, Arc<Fence>) {
        let mut batch = WriteBatch::new();
        batch.put(Keyspace::Meta, EPOCH_KEY, epoch.to_be_bytes().to_vec());
        stores.kv.commit(batch, Durability::Strict).await.unwrap();
        let fence = Arc::new(Fence::new(Arc::clone(&stores.kv), epoch));
        (SeqAllocator::open(Arc::clone(&fence), Arc::clone(&stores.clock), 1).await.unwrap(), fence)
    }

    #[test]
    fn numbers_ascend_over_reopening_with_the_clock_set_back() {
        block_on(async {
            let faults = FaultStores::new();
            let clock = Arc::new(ManualClock::at_ms(NOW_MS));
            let mut last = SeqId::ZERO;
            for round in 0..5 {
                let (seqs, _) = allocator(&stores(&faults, &clock), round).await;
                for _ in 0..3 {
                    for seq in seqs.allocate(5000).await.unwrap() {
                        assert!(seq > last);
                        last = seq;
                    }
                }
                clock.set_ms(NOW_MS - i64::try_from(round).unwrap() * 250_000);
            }
        });
    }

    #[test]
    fn a_fenced_engine_raises_no_mark_and_writes_no_more() {
        block_on(async {
            let faults = FaultStores::new();
            let clock = Arc::new(ManualClock::at_ms(NOW_MS));
            let stores = stores(&faults, &clock);
            let (old, old_fence) = allocator(&stores, 1).await;
            let (new, _) = allocator(&stores, 2).await;
            new.allocate(1).await.unwrap();
            let mark = read_mark(stores.kv.as_ref()).await.unwrap();
            clock.set_ms(NOW_MS + 60_000);
            let refused = old.allocate(1).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused}");
            assert_eq!(read_mark(stores.kv.as_ref()).await.unwrap(), mark);
            assert!(!old_fence.is_held().await.unwrap());
            old_fence.check().unwrap_err();
            new.allocate(1).await.unwrap();
        });
    }

    #[test]
    fn a_mark_that_is_not_as_it_was_left_is_not_overwritten() {
        block_on(async {
            let faults = FaultStores::new();
            let clock = Arc::new(ManualClock::at_ms(NOW_MS));
            let stores = stores(&faults, &clock);
            let (seqs, fence) = allocator(&stores, 1).await;
            seqs.allocate(1).await.unwrap();
            let ahead = SeqId::at(NOW_MS + 3_600_000, 1);
            let mut batch = WriteBatch::new();
            put_mark(&mut batch, ahead);
            stores.kv.commit(batch, Durability::Strict).await.unwrap();
            clock.set_ms(NOW_MS + 60_000);
            seqs.allocate(1).await.unwrap_err();
            assert_eq!(read_mark(stores.kv.as_ref()).await.unwrap(), Some(ahead));
            fence.check().unwrap_err();
        });
    }

    #[test]
    fn a_full_store_hands_out_nothing_and_goes_on_when_it_has_room() {
        block_on(async {
            let faults = FaultStores::new();
            let clock = Arc::new(ManualClock::at_ms(NOW_MS));
            let (seqs, fence) = allocator(&stores(&faults, &clock), 1).await;
            faults.refuse("put meta", ErrorKind::LimitExceeded);
            assert_eq!(seqs.allocate(1).await.unwrap_err().kind(), ErrorKind::LimitExceeded);
            fence.check().unwrap();
            faults.refuse_nothing();
            seqs.allocate(1).await.unwrap();
        });
    }
}
