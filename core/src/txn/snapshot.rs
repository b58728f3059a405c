//! Which moments of the history are being read.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::types::SeqId;

/// The last commit, and the snapshots alive.
#[derive(Debug, Default)]
pub struct Snapshots {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    committed: SeqId,
    live: BTreeMap<SeqId, usize>,
    next_id: u64,
    /// Snapshots that nobody reads on at the moment, by id: since when, in milliseconds since 1970.
    idle: HashMap<u64, (SeqId, i64)>,
    /// Snapshots that were idle for too long.
    ended: HashSet<u64>,
}

impl State {
    /// Counts one more snapshot at `seq`, and gives its id.
    fn hold(&mut self, seq: SeqId) -> u64 {
        *self.live.entry(seq).or_default() += 1;
        self.next_id += 1;
        self.next_id
    }

    fn release(&mut self, seq: SeqId) {
        if let Some(count) = self.live.get_mut(&seq) {
            *count -= 1;
            if *count == 0 {
                self.live.remove(&seq);
            }
        }
    }
}

impl Snapshots {
    /// A history that ends at `committed`.
    #[must_use]
    pub fn starting_at(committed: SeqId) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { committed, ..State::default() }) })
    }

    /// A snapshot of all that is committed. It holds flushes back until it is dropped.
    #[must_use]
    pub fn acquire(self: &Arc<Self>) -> Snapshot {
        let mut state = self.state.lock();
        let seq = state.committed;
        Snapshot { seq, id: state.hold(seq), registry: Arc::clone(self) }
    }

    /// Ends the snapshots that have been idle since before `before_ms`: they hold nothing back any more.
    pub fn end_idle(&self, before_ms: i64) {
        let mut state = self.state.lock();
        let ended: Vec<(u64, SeqId)> = state
            .idle
            .iter()
            .filter(|(_, (_, since))| *since < before_ms)
            .map(|(id, (seq, _))| (*id, *seq))
            .collect();
        for (id, seq) in ended {
            state.idle.remove(&id);
            state.ended.insert(id);
            state.release(seq);
        }
    }

    /// Makes all up to `seq` visible to snapshots taken from here on.
    pub fn publish(&self, seq: SeqId) {
        let mut state = self.state.lock();
        state.committed = state.committed.max(seq);
    }

    /// The highest `_seq` that every reader, present or future, includes. A flush goes no further.
    #[must_use]
    pub fn flush_horizon(&self) -> SeqId {
        let state = self.state.lock();
        state.live.keys().next().copied().unwrap_or(state.committed)
    }

    /// Whether a reader is older than the last commit.
    #[must_use]
    pub fn any_older_than_committed(&self) -> bool {
        let state = self.state.lock();
        state.live.keys().next().is_some_and(|s| *s < state.committed)
    }
}

/// One moment of the history, kept readable while this lives.
#[derive(Debug)]
pub struct Snapshot {
    seq: SeqId,
    id: u64,
    registry: Arc<Snapshots>,
}

impl Snapshot {
    /// The last `_seq` it includes.
    #[must_use]
    pub fn seq(&self) -> SeqId {
        self.seq
    }

    /// Another of the same moment, which lives by itself. This one must not have been idle for too long.
    #[must_use]
    pub fn again(&self) -> Self {
        let id = self.registry.state.lock().hold(self.seq);
        Self { seq: self.seq, id, registry: Arc::clone(&self.registry) }
    }

    /// Says that nobody reads on it from `now_ms` on, until [`Self::resume`].
    pub fn rest(&self, now_ms: i64) {
        let mut state = self.registry.state.lock();
        if !state.ended.contains(&self.id) {
            state.idle.insert(self.id, (self.seq, now_ms));
        }
    }

    /// Says that it is read on again; `false` when it was idle for too long, and what it showed may be gone.
    #[must_use]
    pub fn resume(&self) -> bool {
        let mut state = self.registry.state.lock();
        state.idle.remove(&self.id);
        !state.ended.contains(&self.id)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let mut state = self.registry.state.lock();
        state.idle.remove(&self.id);
        if !state.ended.remove(&self.id) {
            state.release(self.seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_horizon_is_the_oldest_reader() {
        let snapshots = Snapshots::starting_at(SeqId::from_i64(5));
        let old = snapshots.acquire();
        let again = snapshots.acquire();
        snapshots.publish(SeqId::from_i64(9));
        assert_eq!(snapshots.acquire().seq(), SeqId::from_i64(9));
        assert_eq!(snapshots.flush_horizon(), SeqId::from_i64(5));
        drop(old);
        assert_eq!(snapshots.flush_horizon(), SeqId::from_i64(5));
        drop(again);
        assert_eq!(snapshots.flush_horizon(), SeqId::from_i64(9));
    }

    #[test]
    fn another_of_the_same_moment_outlives_the_first() {
        let snapshots = Snapshots::starting_at(SeqId::from_i64(5));
        let first = snapshots.acquire();
        snapshots.publish(SeqId::from_i64(9));
        let again = first.again();
        drop(first);
        assert_eq!((again.seq(), snapshots.flush_horizon()), (SeqId::from_i64(5), SeqId::from_i64(5)));
        drop(again);
        assert_eq!(snapshots.flush_horizon(), SeqId::from_i64(9));
    }

    #[test]
    fn an_idle_snapshot_ends_and_a_busy_one_does_not() {
        let snapshots = Snapshots::starting_at(SeqId::from_i64(5));
        let (idle, busy, back) = (snapshots.acquire(), snapshots.acquire(), snapshots.acquire());
        idle.rest(100);
        back.rest(100);
        assert!(back.resume());
        snapshots.publish(SeqId::from_i64(9));
        snapshots.end_idle(100);
        assert!(idle.resume(), "not yet idle for long enough");
        idle.rest(100);
        snapshots.end_idle(101);
        assert!(!idle.resume() && busy.resume() && back.resume());
        drop((busy, back));
        assert_eq!(snapshots.flush_horizon(), SeqId::from_i64(9));
        drop(idle);
        assert_eq!(snapshots.flush_horizon(), SeqId::from_i64(9));
    }
}
