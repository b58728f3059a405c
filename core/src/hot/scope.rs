//! One scope of one table: its memtable and its cold state, changed together.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arrow::array::RecordBatch;
use parking_lot::RwLock;

use crate::catalog::TableDef;
use crate::cold::state::ColdState;
use crate::error::Result;
use crate::hot::memtable::{Chunk, Memtable, Version};
use crate::hot::ordered::{Hits, IndexSearch};
use crate::key::KeyEncoder;
use crate::types::{Scope, SeqId, TableId};

/// The two tiers of a scope.
///
/// **Invariant**: the memtable holds every committed version above `flushed_through` of the cold state, but those that have
/// expired and were evicted, and none up to it; both change under one lock, so a [`ScopeView`] never sees a row twice or
/// not at all.
#[derive(Debug)]
pub struct ScopeState {
    /// The table.
    pub table: TableId,
    /// The scope.
    pub scope: Scope,
    /// Encodes the primary key.
    pub encoder: Arc<KeyEncoder>,
    /// Held while something publishes a manifest: flush, compaction.
    pub publish: async_lock::Mutex<()>,
    /// Held while its batch files are rewritten, or those removed that are no longer needed.
    pub upkeep: async_lock::Mutex<Upkeep>,
    tiers: RwLock<TwoTiers>,
    last_used: AtomicU64,
    evicting_through: AtomicI64,
}

/// What is remembered of the upkeep of a scope's files.
#[derive(Debug, Default)]
pub struct Upkeep {
    /// The manifest in which nothing was to be rewritten.
    pub settled_at: u64,
    /// Below this number nothing was left that is not needed.
    pub swept: u64,
    /// Until then no compaction is tried again that failed, in milliseconds since 1970.
    pub compact_at_ms: i64,
    /// Batch files that were picked together, and one of them could not be read: a command tries them again, else
    /// the next opening.
    pub damaged: BTreeSet<u64>,
    /// Until then no collection is tried again that failed, or left what it could not remove yet.
    pub collect_at_ms: i64,
}

#[derive(Debug)]
struct TwoTiers {
    memtable: Memtable,
    cold: Arc<ColdState>,
}

/// Both tiers at one moment. What a snapshot at S reads is the hot versions up to S over the cold rows.
#[derive(Debug, Clone)]
pub struct ScopeView {
    /// The hot versions.
    pub chunks: Arc<Vec<Arc<Chunk>>>,
    /// The cold rows.
    pub cold: Arc<ColdState>,
}

impl ScopeState {
    /// A scope with nothing hot over `cold`.
    #[must_use]
    pub fn new(table: TableId, scope: Scope, encoder: Arc<KeyEncoder>, cold: Arc<ColdState>) -> Self {
        let memtable = Memtable::new(Arc::clone(&encoder));
        Self {
            table,
            scope,
            encoder,
            publish: async_lock::Mutex::new(()),
            upkeep: async_lock::Mutex::default(),
            tiers: RwLock::new(TwoTiers { memtable, cold }),
            last_used: AtomicU64::new(0),
            evicting_through: AtomicI64::new(0),
        }
    }

    /// Both tiers as they are.
    #[must_use]
    pub fn view(&self) -> ScopeView {
        let tiers = self.tiers.read();
        ScopeView { chunks: tiers.memtable.chunks(), cold: Arc::clone(&tiers.cold) }
    }

    /// Both tiers, and the hot rows that `search` finds at `seq`, as [`Memtable::search`].
    ///
    /// # Errors
    /// As [`Memtable::search`].
    pub fn search(
        &self,
        def: &TableDef,
        search: &IndexSearch,
        seq: SeqId,
    ) -> Result<(ScopeView, Option<Vec<Hits>>)> {
        let tiers = self.tiers.read();
        let found = tiers.memtable.search(def, search, seq)?;
        Ok((ScopeView { chunks: tiers.memtable.chunks(), cold: Arc::clone(&tiers.cold) }, found))
    }

    /// The hot version of each key at `seq`, and the cold state for the keys that have none.
    #[must_use]
    pub fn look_up<'a>(
        &self,
        keys: impl Iterator<Item = &'a [u8]>,
        seq: SeqId,
    ) -> (Vec<Option<Version>>, Arc<ColdState>) {
        let tiers = self.tiers.read();
        (keys.map(|key| tiers.memtable.latest(key, seq)).collect(), Arc::clone(&tiers.cold))
    }

    /// Appends committed versions, whose key columns lie at `key_columns`.
    ///
    /// # Errors
    /// As [`Memtable::append`].
    pub fn append(&self, rows: RecordBatch, schema_version: u32, key_columns: Arc<[usize]>) -> Result<()> {
        self.tiers.write().memtable.append(rows, schema_version, key_columns)
    }

    /// Replaces the cold state and forgets the hot versions that are in it.
    ///
    /// # Errors
    /// As [`Memtable::truncate_through`].
    pub fn publish_cold(&self, cold: Arc<ColdState>) -> Result<()> {
        let mut tiers = self.tiers.write();
        let through = cold.pointer.flushed_through;
        tiers.memtable.truncate_through(through)?;
        tiers.cold = cold;
        Ok(())
    }

    /// Says that versions up to `seq` are being evicted: who begins to read takes them as expired from here on, whatever
    /// its clock says, so that it sees all of them gone or none.
    pub fn begin_eviction(&self, seq: SeqId) {
        self.evicting_through.fetch_max(seq.as_i64(), Ordering::AcqRel);
    }

    /// The highest `_seq` that evictions were begun through.
    #[must_use]
    pub fn evicting_through(&self) -> SeqId {
        SeqId::from_i64(self.evicting_through.load(Ordering::Acquire))
    }

    /// Forgets the hot versions up to `seq`, which have expired.
    ///
    /// # Errors
    /// As [`Memtable::truncate_through`].
    pub fn evict_through(&self, seq: SeqId) -> Result<()> {
        self.tiers.write().memtable.truncate_through(seq)
    }

    /// How many hot versions are not above `seq`.
    #[must_use]
    pub fn hot_rows_through(&self, seq: SeqId) -> usize {
        self.tiers.read().memtable.rows_through(seq)
    }

    /// Puts `cold` in the place of `before`, if that is still the cold state.
    pub fn replace_cold(&self, before: &Arc<ColdState>, cold: Arc<ColdState>) {
        let mut tiers = self.tiers.write();
        if Arc::ptr_eq(&tiers.cold, before) {
            tiers.cold = cold;
        }
    }

    /// Bytes of memory of its hot versions.
    #[must_use]
    pub fn hot_bytes(&self) -> usize {
        self.tiers.read().memtable.bytes()
    }

    /// How many versions are hot.
    #[must_use]
    pub fn hot_rows(&self) -> usize {
        self.tiers.read().memtable.rows()
    }

    /// The `_seq` of the oldest hot version.
    #[must_use]
    pub fn oldest_hot(&self) -> Option<SeqId> {
        self.tiers.read().memtable.first_seq()
    }

    /// Notes that it was used at `tick`, a count of uses.
    pub fn touch(&self, tick: u64) {
        self.last_used.store(tick, Ordering::Relaxed);
    }

    /// When it was last used.
    #[must_use]
    pub fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }
}
