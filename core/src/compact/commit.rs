//! M, C and E of what changes the files of a scope and none of its rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::catalog::TableDef;
use crate::cold::state::ColdState;
use crate::error::{Error, Result};
use crate::flush::write::{doubt, next_manifest};
use crate::hot::scope::ScopeState;
use crate::manifest::BatchEntry;
use crate::manifest::store::{self as manifest_store, Pointer};
use crate::tiers::Tiers;
use crate::types::Durability;

/// What a manifest is to say.
#[derive(Debug)]
pub struct Change {
    /// Its number.
    pub version: u64,
    /// The batch files.
    pub batches: Vec<BatchEntry>,
    /// The dead rows of those that are live.
    pub dead: BTreeMap<u64, Arc<RoaringBitmap>>,
    /// The newest file of deletion vectors that needs none before it.
    pub checkpoint: Option<u64>,
    /// Whether the live files are those of before.
    pub same_rows: bool,
}

/// Commits a manifest over that of `before`, and makes it the cold state of the scope; the caller holds its
/// publish lock, and has written the files. `pointer` is what the key-value store has.
///
/// # Errors
/// What the stores report. Whether the commit is there is unknown only if that itself failed, unless with
/// `LimitExceeded`.
pub async fn commit(
    tiers: &Tiers,
    def: &TableDef,
    scope: &ScopeState,
    before: &ColdState,
    pointer: &Pointer,
    change: Change,
) -> Result<()> {
    let Change { version, batches, dead, checkpoint, same_rows } = change;
    let mut manifest = next_manifest(tiers, def, scope, before, pointer.flushed_through, version, batches);
    manifest.deletes_checkpoint = checkpoint;
    manifest.last_deletes = before.newest_deletes();
    manifest.check().map_err(|e| Error::internal(format!("a compaction made a bad manifest: {e}")))?;
    let stores = &tiers.stores;
    let (bytes, checksum) = manifest_store::create(stores.blobs.as_ref(), &before.dir, &manifest).await?;
    let doubt = doubt(tiers, pointer);
    let after = Pointer { version, checksum: Some(checksum), doubt, ..pointer.clone() };
    let mut batch = tiers.fenced_batch();
    manifest_store::move_pointer(&mut batch, scope.table, &scope.scope, pointer, &after)?;
    tiers.commit(batch, Durability::Strict).await?;
    let mut cold = ColdState::new(&stores.blobs, before.dir.clone(), after, Some(manifest), dead);
    if same_rows {
        // What the hot versions hide was looked up in the same files.
        *cold.hidden.get_mut() = Arc::clone(&before.hidden.lock());
    }
    scope.publish_cold(Arc::new(cold))?;
    tiers.note_archived(scope, before);
    manifest_store::try_refresh_copy(stores.blobs.as_ref(), &before.dir, &bytes).await;
    Ok(())
}
