//! Changing definitions, and clearing away what dropped tables leave.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_lock::MutexGuard;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use crate::catalog::{Catalog, TableDef, view_file, write_difference};
use crate::engine::Engine;
use crate::error::{ErrorKind, Result};
use crate::hot::scope::ScopeState;
use crate::storage::keys::table_prefix;
use crate::storage::{KeyRange, Keyspace};
use crate::tiers::Tiers;
use crate::types::Durability;

impl Engine {
    /// Commits what `change` makes of the catalog; `None` means that there is nothing to change.
    ///
    /// Definition files are in the blob store, synced, before the commit that refers to them.
    pub(crate) async fn change_catalog(
        &self,
        change: impl Fn(&Catalog) -> Result<Option<Catalog>>,
    ) -> Result<bool> {
        let tiers = &self.shared.tiers;
        tiers.check_writable()?;
        let gone = loop {
            let order = tiers.commit_order.lock().await;
            let old = tiers.catalog();
            let Some(new) = change(&old)? else { return Ok(false) };
            let gone: Vec<Arc<TableDef>> =
                old.tables().filter(|t| new.table_by_id(t.id).is_none()).cloned().collect();
            let mut scopes = tiers.open_scopes();
            scopes.retain(|scope| gone.iter().any(|table| table.id == scope.table));
            // A flush of a table must not publish while the table goes.
            let publishing = match try_publish_all(&scopes) {
                Ok(publishing) => publishing,
                Err(busy) => {
                    // Not waited for with the other lock held: who publishes may wait for that.
                    drop(order);
                    drop(busy.publish.lock().await);
                    continue;
                }
            };
            store_catalog(tiers, &old, &new).await?;
            tiers.set_catalog(new);
            for table in &gone {
                tiers.forget_table(table.id);
            }
            drop(publishing);
            drop(order);
            break gone;
        };
        if !gone.is_empty()
            && let Err(error) = self.clear_dropped().await
        {
            tracing::warn!(%error, "the remains of a dropped table could not be removed yet");
        }
        Ok(true)
    }

    /// Removes rows and files of dropped tables that nobody reads any more; whether there were any. What cannot
    /// be removed, or is still read, is tried again when the store is next opened, and by [`Engine::step`].
    ///
    /// # Errors
    /// The first table's that could not be cleared away; the others are.
    pub(crate) async fn clear_dropped(&self) -> Result<bool> {
        let tiers = &self.shared.tiers;
        if tiers.config.writer.read_only {
            return Ok(false);
        }
        tiers.end_idle_snapshots();
        let dropped: Vec<Arc<TableDef>> =
            tiers.catalog().dropped().filter(|table| !tiers.is_read(table.id)).cloned().collect();
        let mut failed = None;
        for table in &dropped {
            if let Err(e) = clear(tiers, table).await {
                failed.get_or_insert(e.context(format!("removing the dropped table {}", table.full_name())));
            }
        }
        failed.map_or(Ok(!dropped.is_empty()), Err)
    }
}

/// The locks of publishing of all of `scopes`, or one that is held.
fn try_publish_all(scopes: &[Arc<ScopeState>]) -> Result<Vec<MutexGuard<'_, ()>>, Arc<ScopeState>> {
    scopes.iter().map(|scope| scope.publish.try_lock().ok_or_else(|| Arc::clone(scope))).collect()
}

async fn clear(tiers: &Tiers, table: &TableDef) -> Result<()> {
    remove_rows(tiers, table).await?;
    let order = tiers.commit_order.lock().await;
    let old = tiers.catalog();
    let new = old.forget_dropped(table.id);
    store_catalog(tiers, &old, &new).await?;
    tiers.set_catalog(new);
    tiers.cleared(table.id);
    drop(order);
    Ok(())
}

/// Commits what makes the stored catalog `new`, after the definition files that the commit refers to.
async fn store_catalog(tiers: &Tiers, old: &Catalog, new: &Catalog) -> Result<()> {
    let mut batch = tiers.fenced_batch();
    let mut written = Vec::new();
    for (path, bytes) in write_difference(old, new, &mut batch)? {
        // Also a file whose writing failed may be there.
        written.push(path.clone());
        if let Err(e) = tiers.stores.blobs.put(&path, PutPayload::from_bytes(bytes)).await {
            take_back(tiers, old, &written).await;
            return Err(e.into());
        }
    }
    let committed = tiers.commit(batch, Durability::Strict).await;
    // After any other failure the commit may be there, and refer to them.
    if committed.as_ref().is_err_and(|e| e.kind() == ErrorKind::LimitExceeded) {
        take_back(tiers, old, &written).await;
    }
    if committed.is_ok() {
        let gone = old.views().filter(|view| new.view(&view.namespace, &view.name).is_none());
        let gone: Result<Vec<Path>> = gone.map(|view| view_file(view).map(|(path, _)| path)).collect();
        if let Err(error) = remove_files(tiers, gone?).await {
            tracing::warn!(%error, "a dropped view would be brought back by a recovery");
        }
    }
    committed
}

/// Makes definition files again what they are in `old`, or removes them, as far as possible: a recovery would
/// believe what was not committed.
async fn take_back(tiers: &Tiers, old: &Catalog, written: &[Path]) {
    // Another engine's files of the same names are not ours to remove.
    if !tiers.fence.is_held().await.unwrap_or(false) {
        return;
    }
    let views: BTreeMap<Path, Bytes> = old.views().filter_map(|view| view_file(view).ok()).collect();
    for path in written {
        let taken = match views.get(path) {
            Some(before) => {
                tiers.stores.blobs.put(path, PutPayload::from_bytes(before.clone())).await.map(|_| ())
            }
            None => tiers.stores.blobs.delete(path).await,
        };
        match taken {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => {
                tracing::warn!(%error, %path, "a definition that was not committed could not be removed");
            }
        }
    }
}

async fn remove_rows(tiers: &Tiers, table: &TableDef) -> Result<()> {
    let mut batch = tiers.fenced_batch();
    for space in [Keyspace::Hot, Keyspace::Manifest, Keyspace::Tombstones] {
        batch.delete_range(space, KeyRange::prefix(table_prefix(table.id)));
    }
    tiers.commit(batch, Durability::Strict).await?;
    // Definitions go last: a recovery that comes in between must still see that the table was dropped.
    let dir = Path::from(table.dir());
    let files: Vec<Path> = tiers.stores.blobs.list(Some(&dir)).map_ok(|o| o.location).try_collect().await?;
    let (definitions, rows): (Vec<Path>, Vec<Path>) =
        files.into_iter().partition(|p| p.parts().count() == dir.parts().count() + 1);
    remove_files(tiers, rows).await?;
    remove_files(tiers, definitions).await
}

/// Removes every file that can be; the first that cannot is the error.
pub(super) async fn remove_files(tiers: &Tiers, paths: Vec<Path>) -> Result<()> {
    let mut failed = None;
    for path in paths {
        match tiers.stores.blobs.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => tiers.caches.forget(&path),
            Err(e) => {
                failed.get_or_insert(e);
            }
        }
    }
    failed.map_or(Ok(()), |e| Err(e.into()))
}
