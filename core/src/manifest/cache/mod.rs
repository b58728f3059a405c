//! The manifest cache: memory → key-value store → blob store.
//!
//! The pointer of a scope says which manifest counts, by version and checksum, wherever it is read from: what
//! is kept and is not that one is as good as absent. So a commit invalidates by moving the pointer, and a
//! damaged value costs a read of the blob store and nothing else.
//!
//! This is the memory: what the caller keeps with a manifest, by table and scope, and which of it goes.

mod validate;
mod value;

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;

pub use validate::{Held, hold_against};
pub use value::{CacheHeader, SyncState, cache_key, decode, encode};

use crate::config::ManifestCacheSettings;
use crate::manifest::store::Pointer;
use crate::types::{Scope, TableId};

/// When there are too many, one part in this many is made free, so that not every statement has to.
const ROOM: usize = 8;
/// After the blob store could not be asked, it is not asked again for so long.
const RETRY_MS: i64 = 60_000;

/// The manifests in memory, each with what `V` it has been made into.
#[derive(Debug)]
pub struct ManifestCache<V> {
    config: ManifestCacheSettings,
    state: Mutex<State<V>>,
}

#[derive(Debug)]
struct State<V> {
    tables: HashMap<TableId, HashMap<Scope, Entry<V>>>,
    count: usize,
    /// More than so many are too many: what may not go counts on top, or every statement would look at it.
    most: usize,
    evicted_ms: i64,
}

#[derive(Debug)]
struct Entry<V> {
    value: Arc<V>,
    header: CacheHeader,
    accessed_ms: i64,
    /// When the blob store was last asked, answered or not.
    asked_ms: i64,
}

/// A manifest that was found in memory.
#[derive(Debug)]
pub struct Kept<V> {
    /// What it was made into.
    pub value: Arc<V>,
    /// What is known of it.
    pub header: CacheHeader,
    /// Whether it is time to hold it against the blob store. Whoever is told so does it: nobody else is.
    pub expired: bool,
}

impl<V> Entry<V> {
    fn use_at(&mut self, now_ms: i64, config: &ManifestCacheSettings) -> bool {
        self.accessed_ms = now_ms;
        let is_old = is_expired(&self.header, now_ms, config) || self.header.sync_state == SyncState::Altered;
        let expired = is_old && !is_within(self.asked_ms, now_ms, RETRY_MS);
        if expired {
            self.asked_ms = now_ms;
        }
        expired
    }
}

/// Whether a manifest was last held against the blob store longer ago than the settings allow. A time that is
/// yet to come, since the clock was set back, tells nothing.
#[must_use]
pub fn is_expired(header: &CacheHeader, now_ms: i64, config: &ManifestCacheSettings) -> bool {
    !is_within(header.refreshed_ms, now_ms, config.ttl_ms())
}

fn is_within(since_ms: i64, now_ms: i64, length_ms: i64) -> bool {
    (0..length_ms).contains(&now_ms.saturating_sub(since_ms))
}

impl<V> ManifestCache<V> {
    /// An empty cache, whose first eviction is due an interval after `now_ms`.
    #[must_use]
    pub fn new(config: ManifestCacheSettings, now_ms: i64) -> Self {
        let state = State { tables: HashMap::new(), count: 0, most: config.max_entries, evicted_ms: now_ms };
        Self { config, state: Mutex::new(state) }
    }

    /// Whether anything is kept at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.config.max_entries > 0
    }

    /// Notes that the manifest of a scope is used, and tells whether it is time to hold it against the blob
    /// store, as [`Kept::expired`] does; `None` when it is not kept.
    pub fn touch(&self, table: TableId, scope: &Scope, now_ms: i64) -> Option<bool> {
        let mut state = self.state.lock();
        let entry = state.tables.get_mut(&table)?.get_mut(scope)?;
        Some(entry.use_at(now_ms, &self.config))
    }

    /// The manifest that `pointer` names, if it is here.
    pub fn get(&self, table: TableId, scope: &Scope, pointer: &Pointer, now_ms: i64) -> Option<Kept<V>> {
        let mut state = self.state.lock();
        let entry = state.tables.get_mut(&table)?.get_mut(scope)?;
        if !entry.header.is_of(pointer) {
            return None;
        }
        let expired = entry.use_at(now_ms, &self.config);
        Some(Kept { value: Arc::clone(&entry.value), header: entry.header.clone(), expired })
    }

    /// What is known of the manifest in memory, and when it was last used; a look that is no use.
    #[must_use]
    pub fn look(&self, table: TableId, scope: &Scope) -> Option<(CacheHeader, i64)> {
        let state = self.state.lock();
        let entry = state.tables.get(&table)?.get(scope)?;
        Some((entry.header.clone(), entry.accessed_ms))
    }

    /// Takes the manifest of a scope in, in place of the one before.
    pub fn insert(&self, table: TableId, scope: Scope, value: Arc<V>, header: CacheHeader, now_ms: i64) {
        if !self.is_on() {
            return;
        }
        let mut state = self.state.lock();
        let entry = Entry { value, asked_ms: header.refreshed_ms, header, accessed_ms: now_ms };
        if state.tables.entry(table).or_default().insert(scope, entry).is_none() {
            state.count += 1;
        }
    }

    /// Replaces what is known of the manifest, if it is still that version.
    pub fn update(&self, table: TableId, scope: &Scope, header: &CacheHeader) {
        let mut state = self.state.lock();
        let entry = state.tables.get_mut(&table).and_then(|scopes| scopes.get_mut(scope));
        if let Some(entry) = entry.filter(|entry| entry.header.version == header.version) {
            entry.header = header.clone();
        }
    }

    /// Drops the manifest of a scope.
    pub fn forget(&self, table: TableId, scope: &Scope) {
        let mut state = self.state.lock();
        let scopes = state.tables.get_mut(&table);
        if scopes.is_some_and(|scopes| scopes.remove(scope).is_some()) {
            state.count -= 1;
        }
    }

    /// Drops the manifests of a table.
    pub fn forget_table(&self, table: TableId) {
        let mut state = self.state.lock();
        let gone = state.tables.remove(&table).map_or(0, |scopes| scopes.len());
        state.count -= gone;
    }

    /// Whether there are more than may be.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let state = self.state.lock();
        state.count > state.most
    }

    /// Whether an interval has gone by since the last time that this was so, or the clock was set back.
    pub fn is_eviction_due(&self, now_ms: i64) -> bool {
        let mut state = self.state.lock();
        let due = !is_within(state.evicted_ms, now_ms, self.config.eviction_interval_ms());
        if due {
            state.evicted_ms = now_ms;
        }
        due
    }

    /// Drops what was not used within the window, and of the rest the least recently used while there is too
    /// much; but only what `may_go`. How many went.
    pub fn evict(&self, now_ms: i64, may_go: impl Fn(TableId, &Scope) -> bool) -> u64 {
        let mut state = self.state.lock();
        let most = self.config.max_entries;
        let room = if state.count > most { most - most / ROOM } else { most };
        let mut by_age: Vec<(i64, TableId, Scope)> = Vec::new();
        for (table, scopes) in &state.tables {
            by_age.extend(scopes.iter().map(|(scope, entry)| (entry.accessed_ms, *table, scope.clone())));
        }
        by_age.sort_unstable();
        let mut evicted = 0;
        for (accessed_ms, table, scope) in by_age {
            let idle = now_ms.saturating_sub(accessed_ms) >= self.config.last_accessed_window_ms();
            if !idle && state.count <= room {
                break;
            }
            if may_go(table, &scope)
                && state.tables.get_mut(&table).is_some_and(|scopes| scopes.remove(&scope).is_some())
            {
                state.count -= 1;
                evicted += 1;
            }
        }
        state.tables.retain(|_, scopes| !scopes.is_empty());
        state.most = if state.count > most { state.count + (most / ROOM).max(1) } else { most };
        evicted
    }
}

#[cfg(test)]
mod tests;
