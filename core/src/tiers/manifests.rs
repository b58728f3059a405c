//! Cold states through the manifest cache: memory, then the key-value store, then the blob store; and what
//! is done for the cache when a manifest has been committed.
//!
//! The cache is written after the commit and by itself: what goes wrong with it leaves the commit as it is, and
//! costs the next opening of the scope a read of the blob store.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;

use super::Tiers;
use crate::catalog::TableDef;
use crate::cold::state::{ColdState, LostManifest};
use crate::error::Result;
use crate::hot::scope::ScopeState;
use crate::manifest::cache::{self, CacheHeader, Held, SyncState, cache_key, hold_against, is_expired};
use crate::manifest::store::{self as manifest_store, Pointer, manifest_path};
use crate::manifest::{Manifest, decode};
use crate::storage::Keyspace;
use crate::types::{Durability, Scope, TableId};

/// The longest manifest that the key-value store keeps. A longer one, of some hundreds of files, would be written
/// twice by every flush to save one read after a restart.
const MOST_KEPT_BYTES: usize = 256 << 10;

/// Where a manifest is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Memory.
    Memory,
    /// The key-value store.
    Kv,
}

impl Layer {
    /// Its name, as people see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Kv => "kv",
        }
    }
}

/// A manifest that is cached.
#[derive(Debug)]
pub struct CachedManifest {
    /// What is known of it.
    pub header: CacheHeader,
    /// When it was last used, in milliseconds since 1970; not known of one that is not in memory.
    pub accessed_ms: Option<i64>,
    /// The nearest layer that has it.
    pub source: Layer,
}

impl Tiers {
    /// The cold tier that `pointer` names, by the nearest layer that has its manifest.
    ///
    /// # Errors
    /// As [`ColdState::load`].
    pub(super) async fn cached_cold(
        &self,
        def: &TableDef,
        scope: &Scope,
        pointer: Pointer,
    ) -> Result<Arc<ColdState>> {
        let dir = ColdState::dir(def, scope);
        if pointer.version == 0 {
            return Ok(Arc::new(ColdState::without_files(&self.stores, dir, pointer)));
        }
        let now_ms = self.stores.clock.now_ms();
        if let Some(kept) = self.manifests.get(def.id, scope, &pointer, now_ms) {
            self.stats.manifests_from_memory.add(1);
            let altered = match kept.expired {
                true => self.validate(def.id, scope, &dir, kept.header, None).await,
                false => None,
            };
            let same = kept.value.pointer == pointer && altered.is_none();
            return Ok(if same {
                kept.value
            } else {
                Arc::new(ColdState { lost: altered, ..kept.value.at(&self.stores, pointer) })
            });
        }
        if let Some((header, manifest, bytes)) = self.kept_in_kv(def, scope, &pointer).await {
            let cold = ColdState::of_manifest(&self.stores, def, scope, pointer, manifest).await?;
            self.stats.manifests_from_kv.add(1);
            let cold = Arc::new(cold);
            self.manifests.insert(def.id, scope.clone(), Arc::clone(&cold), header.clone(), now_ms);
            let altered = self.look_after(def, scope, &dir, header, bytes, now_ms).await;
            return Ok(match altered {
                None => cold,
                altered => {
                    Arc::new(ColdState { lost: altered, ..cold.at(&self.stores, cold.pointer.clone()) })
                }
            });
        }
        let read = manifest_store::read(self.stores.blobs.as_ref(), &dir, &pointer).await?;
        self.stats.manifests_from_blobs.add(1);
        let cold = ColdState::of_manifest(&self.stores, def, scope, pointer, read.manifest).await?;
        let cold = Arc::new(cold);
        let copied = !self.config.writer.read_only
            && manifest_store::try_refresh_copy(self.stores.blobs.as_ref(), &dir, &read.bytes).await;
        self.keep(def, scope, &cold, &read.bytes, read.e_tag, copied).await;
        Ok(cold)
    }

    /// Notes that the manifest of a scope in memory is used, and looks after it when it is time to.
    pub(super) async fn manifest_used(&self, def: &TableDef, state: &ScopeState) {
        let scope = &state.scope;
        let Some(expired) = self.manifests.touch(def.id, scope, self.stores.clock.now_ms()) else { return };
        self.stats.manifests_from_memory.add(1);
        let Some((header, _)) = self.manifests.look(def.id, scope).filter(|_| expired) else { return };
        let cold = state.view().cold;
        let is_same = header.is_of(&cold.pointer);
        let lost = self.validate(def.id, scope, &cold.dir, header, None).await;
        if is_same && lost.is_some() && cold.lost.is_none() {
            let without = ColdState { lost, ..cold.at(&self.stores, cold.pointer.clone()) };
            state.replace_cold(&cold, Arc::new(without));
        }
    }

    /// What is left to do once a manifest is committed and shown: the copy for people, and the cache. The caller
    /// holds the scope's `publish`. Nothing of it can fail the commit.
    pub async fn manifest_published(
        &self,
        def: &TableDef,
        scope: &ScopeState,
        cold: &Arc<ColdState>,
        bytes: &Bytes,
        e_tag: Option<String>,
    ) {
        let copied = manifest_store::try_write_copy(self.stores.blobs.as_ref(), &cold.dir, bytes).await;
        self.keep(def, &scope.scope, cold, bytes, e_tag, copied).await;
    }

    /// Drops manifests from memory that were not used for long, or are too many, and with each its scope, if
    /// nobody has it and it has nothing hot.
    pub fn evict_manifests(&self) {
        let now_ms = self.stores.clock.now_ms();
        let evicted =
            self.manifests.evict(now_ms, |table, scope| self.scopes.lock().drop_unused(table, scope));
        self.stats.manifests_evicted.add(evicted);
    }

    /// As [`Self::evict_manifests`], when an interval has gone by since the last time.
    pub fn evict_manifests_when_due(&self) {
        if self.manifests.is_eviction_due(self.stores.clock.now_ms()) {
            self.evict_manifests();
        }
    }

    /// What the cache has of a scope.
    ///
    /// # Errors
    /// What the key-value store reports.
    pub async fn cached_manifest(&self, table: TableId, scope: &Scope) -> Result<Option<CachedManifest>> {
        let kv = self.stores.kv.as_ref();
        let pointer = manifest_store::read_pointer(kv, table, scope).await?;
        let in_memory = self.manifests.look(table, scope).filter(|(header, _)| header.is_of(&pointer));
        if let Some((header, accessed_ms)) = in_memory {
            return Ok(Some(CachedManifest {
                header,
                accessed_ms: Some(accessed_ms),
                source: Layer::Memory,
            }));
        }
        let value = kv.get(Keyspace::Manifest, &cache_key(table, scope)).await?;
        let header = value.as_ref().and_then(cache::decode).map(|(header, _)| header);
        let header = header.filter(|header| self.manifests.is_on() && header.is_of(&pointer));
        Ok(header.map(|header| CachedManifest { header, accessed_ms: None, source: Layer::Kv }))
    }

    /// The manifest that `pointer` names, if the key-value store keeps it undamaged.
    async fn kept_in_kv(
        &self,
        def: &TableDef,
        scope: &Scope,
        pointer: &Pointer,
    ) -> Option<(CacheHeader, Manifest, Bytes)> {
        if !self.manifests.is_on() {
            return None;
        }
        let key = cache_key(def.id, scope);
        let value = match self.stores.kv.get(Keyspace::Manifest, &key).await {
            Ok(value) => value?,
            Err(error) => {
                tracing::warn!(table = %def.full_name(), %scope, %error, "the cached manifest cannot be read");
                return None;
            }
        };
        let Some((header, bytes)) = cache::decode(&value) else {
            tracing::warn!(table = %def.full_name(), %scope, "the cached manifest is damaged, and left aside");
            return None;
        };
        if !header.is_of(pointer) {
            return None;
        }
        // The value's checksum tells of damage at rest, that of the manifest whether it is what the pointer names.
        match decode("in the key-value store", &bytes) {
            Ok((manifest, found)) if Some(found) == pointer.checksum => Some((header, manifest, bytes)),
            _ => {
                tracing::warn!(table = %def.full_name(), %scope, "the cached manifest is not the one committed");
                None
            }
        }
    }

    /// Sees to what a restart may have cut short, and to what was kept for long. What became of the manifest, if
    /// the blob store does not have it as it was committed.
    async fn look_after(
        &self,
        def: &TableDef,
        scope: &Scope,
        dir: &Path,
        mut header: CacheHeader,
        bytes: Bytes,
        now_ms: i64,
    ) -> Option<LostManifest> {
        if header.sync_state == SyncState::Pending && !self.config.writer.read_only {
            let copied = manifest_store::try_refresh_copy(self.stores.blobs.as_ref(), dir, &bytes).await;
            if copied {
                header.sync_state = SyncState::InSync;
                self.manifests.update(def.id, scope, &header);
                self.put_cached(def.id, scope, &header, Some(&bytes)).await;
            }
        }
        if header.sync_state == SyncState::Altered || is_expired(&header, now_ms, &self.config.manifest_cache)
        {
            return self.validate(def.id, scope, dir, header, Some(bytes)).await;
        }
        None
    }

    /// Holds a manifest that is kept against the blob store. The pointer has its checksum, so what is kept is
    /// what was committed, whatever the blob store has by now: that is told, and no reader is refused for it. The
    /// answer has the next step write the manifest again.
    async fn validate(
        &self,
        table: TableId,
        scope: &Scope,
        dir: &Path,
        mut header: CacheHeader,
        bytes: Option<Bytes>,
    ) -> Option<LostManifest> {
        let mut lost = None;
        let path = manifest_path(dir, header.version);
        match hold_against(self.stores.blobs.as_ref(), &path, &header).await {
            Ok(Held::Same(e_tag)) => {
                header.e_tag = e_tag;
                if header.sync_state == SyncState::Altered {
                    header.sync_state = SyncState::Pending;
                }
            }
            Ok(Held::Altered(why)) => {
                tracing::error!(%table, %scope, %why, "a manifest in the blob store is not what was committed");
                header.sync_state = SyncState::Altered;
                // Beside a writer, a reader may come late for a manifest that was followed by others.
                lost = (!self.config.writer.read_only).then_some(LostManifest { why, ranges_known: true });
            }
            Err(error) => {
                tracing::warn!(%table, %scope, %path, %error, "a cached manifest could not be validated");
                return None;
            }
        }
        self.stats.manifests_validated.add(1);
        header.refreshed_ms = self.stores.clock.now_ms();
        self.manifests.update(table, scope, &header);
        self.put_cached(table, scope, &header, bytes.as_ref()).await;
        lost
    }

    /// Keeps a manifest that is in the blob store, in memory and in the key-value store.
    async fn keep(
        &self,
        def: &TableDef,
        scope: &Scope,
        cold: &Arc<ColdState>,
        bytes: &Bytes,
        e_tag: Option<String>,
        copied: bool,
    ) {
        let Pointer { version, checksum: Some(checksum), .. } = cold.pointer else { return };
        let now_ms = self.stores.clock.now_ms();
        let sync_state = if copied { SyncState::InSync } else { SyncState::Pending };
        let header = CacheHeader { version, checksum, refreshed_ms: now_ms, e_tag, sync_state };
        self.manifests.insert(def.id, scope.clone(), Arc::clone(cold), header.clone(), now_ms);
        let kept = self.put_cached(def.id, scope, &header, Some(bytes)).await;
        let (namespace, table) = (def.namespace.as_str(), def.name.as_str());
        if self.config.writer.read_only {
            // Whether the copy is as it should be is the writer's affair.
        } else if copied && kept {
            tracing::info!(namespace, table, %scope, version, "manifest_cache_sync_success");
        } else {
            tracing::warn!(namespace, table, %scope, version, copied, kept, "manifest_cache_sync_failure");
        }
    }

    /// Puts what is known of a manifest, and its `bytes` or those already there, into the key-value store;
    /// whether that is as it should be. Not synced: what is lost is read again.
    async fn put_cached(
        &self,
        table: TableId,
        scope: &Scope,
        header: &CacheHeader,
        bytes: Option<&Bytes>,
    ) -> bool {
        if !self.manifests.is_on() || self.config.writer.read_only {
            return true;
        }
        match self.try_put_cached(table, scope, header, bytes).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%table, %scope, %error, "a manifest could not be kept in the key-value store");
                false
            }
        }
    }

    async fn try_put_cached(
        &self,
        table: TableId,
        scope: &Scope,
        header: &CacheHeader,
        bytes: Option<&Bytes>,
    ) -> Result<()> {
        let key = cache_key(table, scope);
        let there;
        let bytes = match bytes {
            Some(bytes) => bytes,
            None => {
                let value = self.stores.kv.get(Keyspace::Manifest, &key).await?;
                let same =
                    value.as_ref().and_then(cache::decode).filter(|(h, _)| h.version == header.version);
                let Some((_, bytes)) = same else { return Ok(()) };
                there = bytes;
                &there
            }
        };
        let mut batch = self.fenced_batch();
        if bytes.len() <= MOST_KEPT_BYTES {
            batch.put(Keyspace::Manifest, key, cache::encode(header, bytes)?);
        } else {
            batch.delete(Keyspace::Manifest, key);
        }
        self.commit(batch, Durability::Relaxed).await
    }
}
