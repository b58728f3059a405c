//! What both tiers of every table share: stores, order of commits, open scopes, caches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_lock::Mutex as AsyncMutex;
use bytes::Bytes;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};

use crate::catalog::{Catalog, TableDef};
use crate::cold::ColdCaches;
use crate::cold::state::ColdState;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::hot::block::Block;
use crate::hot::scope::ScopeState;
use crate::key::KeyEncoder;
use crate::stats::Stats;
use crate::storage::keys::{parse_scope_key, scope_key, seq_key};
use crate::storage::{KeyRange, Keyspace, Stores, WriteBatch};
use crate::txn::seq::SeqAllocator;
use crate::txn::snapshot::Snapshots;
use crate::types::{Durability, Scope, SeqId, TableId};

/// Where the writer epoch lies in `meta`.
pub const EPOCH_KEY: &[u8] = b"writer_epoch";
/// How many pairs are read from the key-value store at a time.
const PAGE: usize = 256;

/// The shared state below the planner.
#[derive(Debug)]
pub struct Tiers {
    /// The platform.
    pub stores: Stores,
    /// The settings.
    pub config: Config,
    /// The writer epoch of this engine.
    pub epoch: u64,
    /// The source of `_seq`.
    pub seqs: SeqAllocator,
    /// Who reads what.
    pub snapshots: Arc<Snapshots>,
    /// Held by whoever commits; DDL holds it too.
    pub commit_order: AsyncMutex<()>,
    /// Footers and filters of cold files.
    pub caches: Arc<ColdCaches>,
    /// Counters.
    pub stats: Stats,
    catalog: RwLock<Arc<Catalog>>,
    scopes: Mutex<HashMap<(TableId, Scope), Arc<ScopeState>>>,
    opening: AsyncMutex<()>,
    failed: AtomicBool,
    uses: AtomicU64,
}

impl Tiers {
    /// Shared state over `stores`, which an engine has opened at `epoch`.
    pub fn new(
        stores: Stores,
        config: Config,
        epoch: u64,
        seqs: SeqAllocator,
        committed: SeqId,
        catalog: Catalog,
    ) -> Self {
        Self {
            caches: Arc::new(ColdCaches::new(config.footer_cache_bytes, config.bloom_cache_bytes)),
            stores,
            config,
            epoch,
            seqs,
            snapshots: Snapshots::starting_at(committed),
            commit_order: AsyncMutex::new(()),
            stats: Stats::default(),
            catalog: RwLock::new(Arc::new(catalog)),
            scopes: Mutex::default(),
            opening: AsyncMutex::new(()),
            failed: AtomicBool::new(false),
            uses: AtomicU64::new(0),
        }
    }

    /// The definitions, as of the last DDL.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read())
    }

    /// Replaces the definitions; the caller holds [`Self::commit_order`] and has committed them.
    pub fn set_catalog(&self, catalog: Catalog) {
        *self.catalog.write() = Arc::new(catalog);
    }

    /// Refuses when this engine may not write.
    pub fn check_writable(&self) -> Result<()> {
        if self.config.read_only {
            return Err(Error::new(ErrorKind::PermissionDenied, "the store was opened for reading only"));
        }
        if self.failed.load(Ordering::Acquire) {
            return Err(Error::unavailable(
                "an earlier write to the store failed, so what it holds is not known; close it and open it again",
            ));
        }
        Ok(())
    }

    /// An empty batch that applies only while this engine is the store's writer.
    pub fn fenced_batch(&self) -> WriteBatch {
        let mut batch = WriteBatch::new();
        batch.expect_value(Keyspace::Meta, EPOCH_KEY, self.epoch.to_be_bytes().to_vec());
        batch
    }

    /// Refuses every later write: memory and stores no longer agree.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// Commits a fenced batch. After any failure the engine writes no more, but for one: a store that is
    /// full has applied nothing, and goes on when it has room.
    pub async fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<()> {
        self.check_writable()?;
        self.stores.kv.commit(batch, durability).await.map_err(|e| {
            if e.kind() == ErrorKind::LimitExceeded {
                return e;
            }
            self.fail();
            match e.kind() {
                ErrorKind::Conflict => Error::unavailable(
                    "another writer has opened this store since; this engine writes no more",
                )
                .with_source(e),
                _ => e,
            }
        })
    }

    /// The two tiers of `scope`, read from the stores if they are not in memory.
    pub async fn scope(&self, def: &TableDef, scope: &Scope) -> Result<Arc<ScopeState>> {
        if let Some(open) = self.opened(def.id, scope) {
            return Ok(open);
        }
        let opening = self.opening.lock().await;
        if let Some(open) = self.opened(def.id, scope) {
            return Ok(open);
        }
        let state = Arc::new(self.read_scope(def.id, scope).await?);
        self.scopes.lock().insert((def.id, scope.clone()), Arc::clone(&state));
        drop(opening);
        Ok(state)
    }

    fn opened(&self, table: TableId, scope: &Scope) -> Option<Arc<ScopeState>> {
        let tick = self.uses.fetch_add(1, Ordering::Relaxed);
        let open = self.scopes.lock().get(&(table, scope.clone())).cloned()?;
        open.touch(tick);
        Some(open)
    }

    async fn read_scope(&self, table: TableId, scope: &Scope) -> Result<ScopeState> {
        let def = self.catalog().table_by_id(table).cloned();
        let def = def.ok_or_else(|| Error::conflict("the table was dropped meanwhile"))?;
        let cold = ColdState::load(&self.stores, &def, scope, !self.config.read_only).await?;
        let through = cold.pointer.flushed_through;
        let encoder = Arc::new(KeyEncoder::new(&def.key_types())?);
        let state = ScopeState::new(table, scope.clone(), encoder, Arc::new(cold));
        // Blocks up to the watermark may still lie there on stores that cannot drop them in the same
        // commit; they are cold already.
        let first = SeqId::from_i64(through.as_i64().saturating_add(1));
        let mut range = KeyRange::half_open(seq_key(table, scope, first), seq_key(table, scope, SeqId::MAX));
        loop {
            let page = self.stores.kv.page(Keyspace::Hot, range.clone(), PAGE).await?;
            let full = page.len() == PAGE;
            for (key, value) in &page {
                let name = format!("{}.{} {} {:02x?}", def.namespace, def.name, scope, key);
                let block = Block::parse(value.clone(), &name)?;
                let rows = block.decode(def.row_schema_at(block.schema_version)?)?;
                let key_columns = def.row_key_columns(block.schema_version)?;
                state.append(rows, block.schema_version, key_columns)?;
            }
            match page.into_iter().next_back() {
                Some((last, _)) if full => range = range.after(last),
                _ => return Ok(state),
            }
        }
    }

    /// The scopes of `table` that have anything, hot or cold, in either store.
    pub async fn scopes_of(&self, table: TableId) -> Result<Vec<Scope>> {
        let mut found = std::collections::BTreeSet::new();
        for space in [Keyspace::Hot, Keyspace::Manifest] {
            let mut from = Bytes::from(crate::storage::keys::table_prefix(table));
            let end = KeyRange::prefix(from.clone()).end;
            // One key of a scope is enough; the next look starts behind all of that scope's.
            loop {
                let range = KeyRange { start: std::ops::Bound::Included(from), end: end.clone() };
                let Some((key, _)) = self.stores.kv.page(space, range, 1).await?.into_iter().next() else {
                    break;
                };
                let (_, scope, _) = parse_scope_key(&key)?;
                let prefix = scope_key(table, &scope);
                found.insert(scope);
                match KeyRange::prefix(prefix).end {
                    std::ops::Bound::Excluded(next) => from = next,
                    _ => break,
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Every scope in memory.
    pub fn open_scopes(&self) -> Vec<Arc<ScopeState>> {
        self.scopes.lock().values().cloned().collect()
    }

    /// Drops `table`'s scopes from memory.
    pub fn forget_table(&self, table: TableId) {
        self.scopes.lock().retain(|(t, _), _| *t != table);
    }

    /// Drops the least recently used scopes that nobody holds, until the rest fits the budget.
    pub fn enforce_budget(&self) {
        let mut scopes = self.scopes.lock();
        let mut total: usize = scopes.values().map(|s| s.hot_bytes()).sum();
        if total <= self.config.hot_bytes {
            return;
        }
        let mut by_age: Vec<_> = scopes.iter().map(|(k, s)| (s.last_used(), k.clone())).collect();
        by_age.sort_unstable_by_key(|(used, _)| *used);
        for (_, key) in by_age {
            if total <= self.config.hot_bytes {
                break;
            }
            // A scope is handed out under this lock only: a count of one means that nobody has it.
            let idle = scopes.get(&key).filter(|s| Arc::strong_count(s) == 1).map(|s| s.hot_bytes());
            if let Some(bytes) = idle {
                scopes.remove(&key);
                total -= bytes.min(total);
                self.stats.scopes_evicted.add(1);
            }
        }
    }
}
