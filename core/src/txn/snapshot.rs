//! Which moments of the history are being read.

use std::collections::BTreeMap;
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
}

impl Snapshots {
    /// A history that ends at `committed`.
    #[must_use]
    pub fn starting_at(committed: SeqId) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { committed, live: BTreeMap::new() }) })
    }

    /// A snapshot of all that is committed. It holds flushes back until it is dropped.
    #[must_use]
    pub fn acquire(self: &Arc<Self>) -> Snapshot {
        let mut state = self.state.lock();
        let seq = state.committed;
        *state.live.entry(seq).or_default() += 1;
        Snapshot { seq, registry: Arc::clone(self) }
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
    registry: Arc<Snapshots>,
}

impl Snapshot {
    /// The last `_seq` it includes.
    #[must_use]
    pub fn seq(&self) -> SeqId {
        self.seq
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let mut state = self.registry.state.lock();
        if let Some(count) = state.live.get_mut(&self.seq) {
            *count -= 1;
            if *count == 0 {
                state.live.remove(&self.seq);
            }
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
}
