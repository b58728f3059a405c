//! M, C and E of what changes the files of a scope and none of its rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::catalog::TableDef;
use crate::cold::state::ColdState;
use crate::error::{Error, Result};
use crate::flush::write::{doubt, next_manifest};
use crate::hot::scope::ScopeState;
use crate::manifest::store::{self as manifest_store, Pointer};
use crate::manifest::{BatchEntry, Manifest};
use crate::tiers::Tiers;
use crate::types::Durability;

/// What a commit changes.
#[derive(Debug)]
pub struct Change {
    /// The manifest that follows.
    pub manifest: Manifest,
    /// The dead rows of the files in it that are live.
    pub dead: BTreeMap<u64, Arc<RoaringBitmap>>,
    /// Whether the live files are those of before.
    pub same_rows: bool,
}

/// The manifest of `version` that follows that of `before`. Until another is written, the commit note of `before` is
/// that of this one too.
#[must_use]
pub fn following(
    tiers: &Tiers,
    def: &TableDef,
    scope: &ScopeState,
    before: &ColdState,
    pointer: &Pointer,
    version: u64,
    batches: Vec<BatchEntry>,
) -> Manifest {
    Manifest {
        last_deletes: before.newest_deletes(),
        ..next_manifest(tiers, def, scope, before, pointer.flushed_through, version, batches)
    }
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
    let Change { manifest, dead, same_rows } = change;
    manifest.check().map_err(|e| Error::internal(format!("a compaction made a bad manifest: {e}")))?;
    let stores = &tiers.stores;
    let created = manifest_store::create(stores.blobs.as_ref(), &before.dir, &manifest).await?;
    let after = Pointer {
        version: manifest.version,
        checksum: Some(created.checksum),
        noted: manifest.noted.clone(),
        doubt: doubt(tiers, pointer),
        ..pointer.clone()
    };
    let mut batch = tiers.fenced_batch();
    manifest_store::move_pointer(&mut batch, scope.table, &scope.scope, pointer, &after)?;
    tiers.commit(batch, Durability::Strict).await?;
    let mut cold = ColdState::new(&stores.blobs, before.dir.clone(), after, Some(manifest), dead);
    if same_rows {
        // What the hot versions hide was looked up in the same files.
        *cold.hidden.get_mut() = Arc::clone(&before.hidden.lock());
    }
    let cold = Arc::new(cold);
    scope.publish_cold(Arc::clone(&cold))?;
    tiers.note_archived(scope, before);
    tiers.manifest_published(def, scope, &cold, &created.bytes, created.e_tag).await;
    Ok(())
}
