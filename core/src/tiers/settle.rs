//! Files whose names may be lost in a power failure, although their bytes are not.
//!
//! Some platforms cannot sync a directory: the Origin Private File System of browsers is one. There a flush
//! keeps the blocks that it made cold, and its pointer remembers the last state that is beyond doubt. A
//! later opening either finds every file, and lets the blocks go, or goes back to that state, in which the
//! blocks are hot rows again.

use std::sync::Arc;

use object_store::ObjectStoreExt;

use super::Tiers;
use crate::catalog::TableDef;
use crate::cold::names;
use crate::cold::state::ColdState;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::store::{self as manifest_store, Pointer};
use crate::storage::keys::{scope_key, seq_key};
use crate::storage::{KeyRange, Keyspace, WriteBatch};
use crate::types::{Durability, Scope, SeqId, TableId};

/// After so long a system has written its directories back: a minute, where Linux takes half.
const SETTLED_MS: i64 = 60_000;

/// Adds to `batch` that the blocks up to `through` go.
pub fn drop_blocks(batch: &mut WriteBatch, table: TableId, scope: &Scope, through: SeqId) {
    let end = SeqId::from_i64(through.as_i64().saturating_add(1));
    batch.delete_range(
        Keyspace::Hot,
        KeyRange::half_open(scope_key(table, scope), seq_key(table, scope, end)),
    );
}

impl Tiers {
    /// The cold tier of `scope` as its pointer says, or, where files are missing whose names were in doubt,
    /// as it was before them.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, for damage that is no lost name; what the stores report.
    pub(super) async fn load_cold(&self, def: &TableDef, scope: &Scope) -> Result<Arc<ColdState>> {
        let pointer = manifest_store::read_pointer(self.stores.kv.as_ref(), def.id, scope).await?;
        let in_doubt = pointer.doubt.as_ref().is_some_and(|doubt| doubt.epoch != self.fence.epoch());
        if self.config.writer.read_only || !in_doubt {
            return match self.cached_cold(def, scope, pointer).await {
                Err(e) if e.kind() == ErrorKind::Corrupt => {
                    Box::pin(self.without_manifest(def, scope, e)).await.map(Arc::new)
                }
                loaded => loaded,
            };
        }
        // Past the cache: whether the manifest's own file is there is a part of the question.
        let found = match ColdState::load(&self.stores, def, scope, true).await {
            Ok(cold) => self.find_files(&cold).await.map(|()| cold),
            Err(e) => Err(e),
        };
        let settled = match found {
            Ok(cold) => self.settle(def, scope, cold).await,
            Err(e) if e.kind() == ErrorKind::Corrupt => self.go_back(def, scope, &pointer, e).await,
            Err(e) => Err(e),
        };
        settled.map(Arc::new)
    }

    /// Looks for every file that the manifest refers to and that was not read to load it.
    async fn find_files(&self, cold: &ColdState) -> Result<()> {
        for entry in cold.manifest.iter().flat_map(|m| m.live()) {
            let batch = cold.dir.clone().join(entry.path.clone());
            let sums = cold.dir.clone().join(names::sums(entry.number));
            for (path, size) in [(batch, Some(entry.bytes)), (sums, None)] {
                match self.stores.blobs.head(&path).await {
                    Ok(meta) if size.is_none_or(|size| size == meta.size) => {}
                    Ok(meta) => {
                        return Err(Error::corrupt(format!(
                            "{path}: has {} bytes, not those written",
                            meta.size
                        )));
                    }
                    Err(object_store::Error::NotFound { .. }) => {
                        return Err(Error::corrupt(format!("{path}: the file is missing")));
                    }
                    Err(e) => return Err(e.into()),
                }
            }
        }
        Ok(())
    }

    /// Lets the blocks go once the names have had the time to become durable.
    async fn settle(&self, def: &TableDef, scope: &Scope, mut cold: ColdState) -> Result<ColdState> {
        let pointer = cold.pointer.clone();
        let Some(doubt) = &pointer.doubt else { return Ok(cold) };
        let age_ms = self.stores.clock.now_ms() - doubt.since_ms;
        if !(0..SETTLED_MS).contains(&age_ms) {
            let settled = Pointer { doubt: None, ..pointer.clone() };
            let mut batch = self.fenced_batch();
            manifest_store::move_pointer(&mut batch, def.id, scope, &pointer, &settled)?;
            drop_blocks(&mut batch, def.id, scope, settled.flushed_through);
            self.commit(batch, Durability::Strict).await?;
            cold.pointer = settled;
        }
        Ok(cold)
    }

    /// Moves the pointer to the state before the files in doubt, of which some are not there.
    async fn go_back(
        &self,
        def: &TableDef,
        scope: &Scope,
        pointer: &Pointer,
        lost: Error,
    ) -> Result<ColdState> {
        let Some(doubt) = &pointer.doubt else { return Err(lost) };
        let before = Pointer {
            version: doubt.version,
            checksum: doubt.checksum,
            flushed_through: doubt.flushed_through,
            noted: doubt.noted.clone(),
            doubt: None,
            ..pointer.clone()
        };
        tracing::warn!(
            table = %def.full_name(), %scope, error = %lost,
            "files of a flush are gone; its rows are hot again"
        );
        let mut batch = self.fenced_batch();
        manifest_store::move_pointer(&mut batch, def.id, scope, pointer, &before)?;
        self.commit(batch, Durability::Strict).await?;
        match ColdState::load(&self.stores, def, scope, true).await {
            // What was in doubt was made in its place.
            Err(e) if e.kind() == ErrorKind::Corrupt => Box::pin(self.without_manifest(def, scope, e)).await,
            loaded => loaded,
        }
    }
}
