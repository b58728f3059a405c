//! Changing definitions, and clearing away what dropped tables leave.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use crate::catalog::{Catalog, TableDef, write_difference};
use crate::engine::Engine;
use crate::error::Result;
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
        change: impl FnOnce(&Catalog) -> Result<Option<Catalog>>,
    ) -> Result<bool> {
        let tiers = &self.shared.tiers;
        tiers.check_writable()?;
        let order = tiers.commit_order.lock().await;
        let old = tiers.catalog();
        let Some(new) = change(&old)? else { return Ok(false) };
        let gone: Vec<Arc<TableDef>> =
            old.tables().filter(|t| new.table_by_id(t.id).is_none()).cloned().collect();
        // A flush of a table must not publish while the table goes.
        let scopes: Vec<_> =
            tiers.open_scopes().into_iter().filter(|s| gone.iter().any(|t| t.id == s.table)).collect();
        let mut publishing = Vec::with_capacity(scopes.len());
        for scope in &scopes {
            publishing.push(scope.publish.lock().await);
        }
        store_catalog(tiers, &old, &new).await?;
        tiers.set_catalog(new);
        for table in &gone {
            tiers.forget_table(table.id);
        }
        drop(publishing);
        drop(order);
        if !gone.is_empty() {
            self.clear_dropped().await?;
        }
        Ok(true)
    }

    /// Removes rows and files of dropped tables; whether there were any. Cut short, it is done again when
    /// the store is next opened.
    pub(crate) async fn clear_dropped(&self) -> Result<bool> {
        let tiers = &self.shared.tiers;
        if tiers.config.read_only {
            return Ok(false);
        }
        let dropped: Vec<Arc<TableDef>> = tiers.catalog().dropped().cloned().collect();
        for table in &dropped {
            remove_rows(tiers, table).await?;
            let order = tiers.commit_order.lock().await;
            let old = tiers.catalog();
            let new = old.forget_dropped(table.id);
            store_catalog(tiers, &old, &new).await?;
            tiers.set_catalog(new);
            drop(order);
        }
        Ok(!dropped.is_empty())
    }
}

async fn store_catalog(tiers: &Tiers, old: &Catalog, new: &Catalog) -> Result<()> {
    let mut batch = tiers.fenced_batch();
    for (path, bytes) in write_difference(old, new, &mut batch)? {
        tiers.stores.blobs.put(&path, PutPayload::from_bytes(bytes)).await?;
    }
    tiers.commit(batch, Durability::Strict).await
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
    for path in rows.into_iter().chain(definitions) {
        match tiers.stores.blobs.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => tiers.caches.forget(&path),
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}
