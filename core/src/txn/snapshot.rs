//! Which moments of the history are being read, and since when.

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
    /// How many read files as they were at an age: snapshots and pins.
    ages: BTreeMap<ReaderAge, usize>,
    /// How many of them read manifests and deletion vectors too: pins.
    pins: usize,
    next_id: u64,
    /// Snapshots that nobody reads on at the moment, by id: since when, in milliseconds since 1970.
    idle: HashMap<u64, (SeqId, ReaderAge, i64)>,
    /// Snapshots that were idle for too long.
    ended: HashSet<u64>,
}

impl State {
    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn hold(&mut self, seq: SeqId, age: ReaderAge) {
        *self.live.entry(seq).or_default() += 1;
        *self.ages.entry(age).or_default() += 1;
    }

    fn release(&mut self, seq: SeqId, age: ReaderAge) {
        count_down(&mut self.live, seq);
        count_down(&mut self.ages, age);
    }
}

fn count_down<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

/// When a reader began, against other readers and against a DROP; not against commits.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReaderAge(u64);

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
        let id = state.next_id();
        let age = ReaderAge(id);
        state.hold(seq, age);
        Snapshot { seq, id, age, registry: Arc::clone(self) }
    }

    /// Keeps the files of what is dropped from here on, until the pin goes. It holds no flush back.
    #[must_use]
    pub fn pin_files(self: &Arc<Self>) -> FilePin {
        let mut state = self.state.lock();
        let age = ReaderAge(state.next_id());
        *state.ages.entry(age).or_default() += 1;
        state.pins += 1;
        FilePin { age, registry: Arc::clone(self) }
    }

    /// Whether somebody reads files that are not those of a snapshot.
    #[must_use]
    pub fn any_pin(&self) -> bool {
        self.state.lock().pins > 0
    }

    /// Keeps the batch files of what is dropped or replaced from here on, until the answer goes, as a snapshot
    /// does; but it holds no flush back.
    #[must_use]
    pub fn read_batches(self: &Arc<Self>) -> BatchesPin {
        let mut state = self.state.lock();
        let age = ReaderAge(state.next_id());
        *state.ages.entry(age).or_default() += 1;
        BatchesPin { age, registry: Arc::clone(self) }
    }

    /// The age of the youngest reader there has been.
    #[must_use]
    pub fn youngest(&self) -> ReaderAge {
        ReaderAge(self.state.lock().next_id)
    }

    /// Whether a reader of that age or older is still there.
    #[must_use]
    pub fn any_from(&self, age: ReaderAge) -> bool {
        self.state.lock().ages.keys().next().is_some_and(|oldest| *oldest <= age)
    }

    /// Ends the snapshots that have been idle since before `before_ms`: they hold nothing back any more.
    pub fn end_idle(&self, before_ms: i64) {
        let mut state = self.state.lock();
        let ended: Vec<(u64, SeqId, ReaderAge)> = state
            .idle
            .iter()
            .filter(|(_, (_, _, since))| *since < before_ms)
            .map(|(id, (seq, age, _))| (*id, *seq, *age))
            .collect();
        for (id, seq, age) in ended {
            state.idle.remove(&id);
            state.ended.insert(id);
            state.release(seq, age);
        }
    }

    /// Makes all up to `seq` visible to snapshots taken from here on.
    pub fn publish(&self, seq: SeqId) {
        let mut state = self.state.lock();
        state.committed = state.committed.max(seq);
    }

    /// The last commit.
    pub fn committed(&self) -> SeqId {
        self.state.lock().committed
    }

    /// The highest `_seq` that every reader, present or future, includes. A flush goes no further.
    #[must_use]
    pub fn flush_horizon(&self) -> SeqId {
        let state = self.state.lock();
        state.live.keys().next().copied().unwrap_or(state.committed)
    }

    /// Whether a statement reads as of before `seq`. Snapshots that nobody has read on since `idle_ms`, of transactions and
    /// streams that wait for whoever began them, do not count.
    #[must_use]
    pub fn any_reading_before(&self, seq: SeqId, idle_ms: i64) -> bool {
        let state = self.state.lock();
        let alive: usize = state.live.range(..seq).map(|(_, count)| count).sum();
        let idle = state.idle.values().filter(|(of, _, since)| *of < seq && *since <= idle_ms).count();
        alive > idle
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
    age: ReaderAge,
    registry: Arc<Snapshots>,
}

/// Files that were there when it was taken stay there while this lives.
#[derive(Debug)]
pub struct FilePin {
    age: ReaderAge,
    registry: Arc<Snapshots>,
}

impl Drop for FilePin {
    fn drop(&mut self) {
        let mut state = self.registry.state.lock();
        count_down(&mut state.ages, self.age);
        state.pins -= 1;
    }
}

/// Batch files that were there when it was taken stay there while this lives.
#[derive(Debug)]
pub struct BatchesPin {
    age: ReaderAge,
    registry: Arc<Snapshots>,
}

impl Drop for BatchesPin {
    fn drop(&mut self) {
        count_down(&mut self.registry.state.lock().ages, self.age);
    }
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
        let mut state = self.registry.state.lock();
        let id = state.next_id();
        state.hold(self.seq, self.age);
        Self { seq: self.seq, id, age: self.age, registry: Arc::clone(&self.registry) }
    }

    /// Says that nobody reads on it from `now_ms` on, until [`Self::resume`].
    pub fn rest(&self, now_ms: i64) {
        let mut state = self.registry.state.lock();
        if !state.ended.contains(&self.id) {
            state.idle.insert(self.id, (self.seq, self.age, now_ms));
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
            state.release(self.seq, self.age);
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

    #[test]
    fn who_reads_as_of_before_a_commit_is_told_from_who_rests() {
        let snapshots = Snapshots::starting_at(SeqId::from_i64(5));
        let (resting, reading) = (snapshots.acquire(), snapshots.acquire());
        snapshots.publish(SeqId::from_i64(9));
        let (before, last) = (SeqId::from_i64(5), SeqId::from_i64(9));
        resting.rest(100);
        assert!(snapshots.any_reading_before(last, 100) && !snapshots.any_reading_before(before, 100));
        drop(reading);
        assert!(snapshots.any_reading_before(last, 99), "it may be between two batches");
        assert!(!snapshots.any_reading_before(last, 100));
        let _later = snapshots.acquire();
        assert!(!snapshots.any_reading_before(last, 100));
    }

    #[test]
    fn what_a_reader_had_begun_to_read_is_known_until_it_ends() {
        let snapshots = Snapshots::starting_at(SeqId::from_i64(5));
        let (first, pin) = (snapshots.acquire(), snapshots.pin_files());
        let dropped = snapshots.youngest();
        let later = snapshots.acquire();
        assert!(snapshots.any_from(dropped) && snapshots.any_pin());
        let again = first.again();
        drop((first, pin));
        assert!(snapshots.any_from(dropped), "another of the same moment reads what that one did");
        again.rest(100);
        snapshots.end_idle(101);
        assert!(!snapshots.any_from(dropped) && snapshots.any_from(snapshots.youngest()));
        drop((again, later));
        assert!(!snapshots.any_from(snapshots.youngest()) && !snapshots.any_pin());
        let batches = snapshots.read_batches();
        assert!(snapshots.any_from(snapshots.youngest()) && !snapshots.any_pin());
        drop(batches);
        assert!(!snapshots.any_from(snapshots.youngest()));
    }
}
