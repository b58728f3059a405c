//! What both tiers of every table share: stores, order of commits, open scopes, caches.

mod archived;
mod manifests;
mod open_scopes;
mod settle;
mod without_manifest;

use std::collections::HashMap;
use std::sync::Arc;

use async_lock::{Mutex as AsyncMutex, MutexGuard};
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use crate::access::audit;
use crate::catalog::{Catalog, TableDef};
use crate::cold::ColdCaches;
use crate::cold::state::ColdState;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::hot::block::Block;
use crate::hot::scope::ScopeState;
use crate::jobs::record::JobTable;
use crate::key::KeyEncoder;
use crate::manifest::cache::ManifestCache;
use crate::stats::Stats;
use crate::storage::keys::{parse_scope_key, scope_key, seq_key};
use crate::storage::{KeyRange, Keyspace, Stores, WriteBatch};
use crate::tiers::archived::ArchivedUnder;
use crate::tiers::open_scopes::OpenScopes;
pub use crate::tiers::settle::drop_blocks;
use crate::txn::feed::Feed;
use crate::txn::fence::Fence;
use crate::txn::seq::SeqAllocator;
use crate::txn::snapshot::{ReaderAge, Snapshots};
use crate::txn::statement_times::StatementTimes;
use crate::types::{Durability, Scope, SeqId, TableId, UserId};
use crate::users::Users;

/// How many pairs are read from the key-value store at a time.
const PAGE: usize = 256;

/// The shared state below the planner.
#[derive(Debug)]
pub struct Tiers {
    /// The platform.
    pub stores: Stores,
    /// The settings.
    pub config: Config,
    /// This engine's right to write.
    pub fence: Arc<Fence>,
    /// The source of `_seq`.
    pub seqs: SeqAllocator,
    /// Who is told of commits.
    pub feed: Feed,
    /// Who reads what.
    pub snapshots: Arc<Snapshots>,
    /// When the statements began that read rows which expire.
    pub statement_times: Arc<StatementTimes>,
    /// Held by whoever commits; DDL holds it too.
    pub commit_order: AsyncMutex<()>,
    /// Footers and filters of cold files.
    pub caches: Arc<ColdCaches>,
    /// Manifests in memory, as cold states.
    manifests: ManifestCache<ColdState>,
    /// Counters.
    pub stats: Stats,
    /// The jobs of the store.
    pub jobs: JobTable,
    /// Readers that may be reading a table dropped since this engine was opened.
    dropped_under: Mutex<HashMap<TableId, ReaderAge>>,
    /// Readers that may be reading rows of users that are erased.
    erased_under: Mutex<HashMap<UserId, ReaderAge>>,
    /// Readers that may be reading batch files that were archived since.
    archived_under: Mutex<ArchivedUnder>,
    catalog: RwLock<Arc<Catalog>>,
    /// Who may do what; whoever changes it holds [`Self::commit_order`] and has committed it.
    pub users: RwLock<Users>,
    /// Where the audit log ends; whoever changes it holds [`Self::commit_order`] and has committed it.
    pub audit: RwLock<audit::Head>,
    scopes: Mutex<OpenScopes>,
    opening: AsyncMutex<()>,
}

impl Tiers {
    /// Shared state over `stores`, which an engine has the right to write to.
    pub fn new(
        stores: Stores,
        config: Config,
        fence: Arc<Fence>,
        seqs: SeqAllocator,
        committed: SeqId,
        catalog: Catalog,
        (users, audit): (Users, audit::Head),
    ) -> Self {
        Self {
            caches: Arc::new(ColdCaches::new(config.cache.footer_bytes, config.cache.bloom_bytes)),
            manifests: ManifestCache::new(config.manifest_cache, stores.clock.now_ms()),
            stores,
            config,
            fence,
            seqs,
            snapshots: Snapshots::starting_at(committed),
            feed: Feed::default(),
            statement_times: Arc::default(),
            commit_order: AsyncMutex::new(()),
            stats: Stats::default(),
            jobs: JobTable::default(),
            dropped_under: Mutex::default(),
            erased_under: Mutex::default(),
            archived_under: Mutex::default(),
            catalog: RwLock::new(Arc::new(catalog)),
            users: RwLock::new(users),
            audit: RwLock::new(audit),
            scopes: Mutex::default(),
            opening: AsyncMutex::new(()),
        }
    }

    /// The definitions, as of the last DDL.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read())
    }

    /// Replaces the definitions; the caller holds [`Self::commit_order`] and has committed them.
    pub fn set_catalog(&self, catalog: Catalog) {
        *self.catalog.write() = Arc::new(catalog);
        self.feed.redefined(&self.snapshots, self.stores.clock.now_ms());
    }

    /// Refuses when this engine may not write.
    pub fn check_writable(&self) -> Result<()> {
        if self.config.writer.read_only {
            return Err(Error::new(ErrorKind::PermissionDenied, "the store was opened for reading only"));
        }
        self.fence.check()
    }

    /// An empty batch that applies only while this engine is the store's writer.
    pub fn fenced_batch(&self) -> WriteBatch {
        self.fence.batch()
    }

    /// Refuses every later write: memory and stores no longer agree.
    pub fn fail(&self) {
        self.fence.fail();
    }

    /// Commits a fenced batch, as [`Fence::commit`].
    pub async fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<()> {
        self.check_writable()?;
        self.fence.commit(batch, durability).await
    }

    /// The two tiers of `scope`, read from the stores if they are not in memory.
    pub async fn scope(&self, def: &TableDef, scope: &Scope) -> Result<Arc<ScopeState>> {
        let open = || self.scopes.lock().get(def.id, scope);
        if let Some(state) = open() {
            self.manifest_used(def, &state).await;
            return Ok(state);
        }
        let opening = self.opening.lock().await;
        if let Some(state) = open() {
            return Ok(state);
        }
        if self.is_erased(scope) {
            return Err(Error::conflict(format!("the rows of {scope} are being removed")));
        }
        let state = Arc::new(self.read_scope(def.id, scope).await?);
        self.scopes.lock().insert(Arc::clone(&state));
        drop(opening);
        Ok(state)
    }

    /// Held while a scope is read from the stores: whoever has it knows that none is.
    pub async fn opening(&self) -> MutexGuard<'_, ()> {
        self.opening.lock().await
    }

    async fn read_scope(&self, table: TableId, scope: &Scope) -> Result<ScopeState> {
        let def = self.catalog().table_by_id(table).cloned();
        let def = def.ok_or_else(|| Error::conflict("the table was dropped meanwhile"))?;
        let cold = self.load_cold(&def, scope).await?;
        let through = cold.pointer.flushed_through;
        let encoder = Arc::new(KeyEncoder::new(&def.key_types())?);
        let state = ScopeState::new(table, scope.clone(), encoder, cold);
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
        self.scopes_in(table, &[Keyspace::Hot, Keyspace::Manifest]).await
    }

    /// The scopes of `table` that have a key in one of `spaces`.
    pub async fn scopes_in(&self, table: TableId, spaces: &[Keyspace]) -> Result<Vec<Scope>> {
        let mut found = std::collections::BTreeSet::new();
        for &space in spaces {
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

    /// The two tiers of `scope`, if they are in memory.
    pub fn scope_in_memory(&self, table: TableId, scope: &Scope) -> Option<Arc<ScopeState>> {
        self.scopes.lock().peek(table, scope)
    }

    /// Every scope in memory.
    pub fn open_scopes(&self) -> Vec<Arc<ScopeState>> {
        self.scopes.lock().all()
    }

    /// The table of `scope`, unless it was dropped or the rows of the scope are to go. To be asked by whoever holds the
    /// scope's lock of publishing: what makes either so holds it too.
    pub fn table_of(&self, scope: &ScopeState) -> Option<Arc<TableDef>> {
        if self.is_erased(&scope.scope) {
            return None;
        }
        self.catalog().table_by_id(scope.table).cloned()
    }

    /// Whether the rows of `scope` are removed, or are to be.
    pub fn is_erased(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Shared => false,
            Scope::User(id) => self.users.read().is_erased(id),
        }
    }

    /// Drops `scope` from memory, after its rows: who reads it has begun by now.
    pub fn forget_scope(&self, table: TableId, scope: &Scope) {
        self.scopes.lock().forget(table, scope);
        self.manifests.forget(table, scope);
    }

    /// Drops `table`'s scopes from memory, after its definition: who reads it has begun by now.
    pub fn forget_table(&self, table: TableId) {
        self.dropped_under.lock().insert(table, self.snapshots.youngest());
        self.scopes.lock().forget_table(table);
        self.manifests.forget_table(table);
    }

    /// Ends the snapshots that nobody has read on for longer than the settings allow.
    pub fn end_idle_snapshots(&self) {
        let idle_ms = i64::try_from(self.config.transaction.idle_ms).unwrap_or(i64::MAX);
        self.snapshots.end_idle(self.stores.clock.now_ms().saturating_sub(idle_ms));
    }

    /// Whether somebody may still be reading a table that was dropped.
    pub fn is_read(&self, dropped: TableId) -> bool {
        self.dropped_under.lock().get(&dropped).is_some_and(|age| self.snapshots.any_from(*age))
    }

    /// Readers of that age and older may be reading rows of `user`, which are gone from the key-value store.
    pub fn erased_under(&self, user: &UserId) -> ReaderAge {
        *self.erased_under.lock().entry(user.clone()).or_insert_with(|| self.snapshots.youngest())
    }

    /// Says that nothing is left of the rows of `user`.
    pub fn erased(&self, user: &UserId) {
        self.erased_under.lock().remove(user);
    }

    /// Says that nothing is left of a table that was dropped.
    pub fn cleared(&self, dropped: TableId) {
        self.dropped_under.lock().remove(&dropped);
    }

    /// Drops the least recently used scopes that nobody holds, until the rest fits the budget.
    pub fn enforce_budget(&self) {
        let evicted = self.scopes.lock().enforce(self.config.hot.bytes, self.config.hot.scopes);
        self.stats.scopes_evicted.add(evicted);
        if self.manifests.is_full() {
            self.evict_manifests();
        }
    }
}
