//! The files of views as the catalog has them.
//!
//! A view's file is written before the commit that makes the view and removed after the one that drops it, so a
//! crash between the two leaves a file that a recovery would believe. Whoever opens the store to write mends that.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::catalog::{view_dir, view_file};
use crate::error::Result;
use crate::tiers::Tiers;

/// Makes the files of views in the namespaces of the catalog those of its views.
///
/// # Errors
/// What the blob store reports. Nothing but a recovery reads these files.
pub async fn settle(tiers: &Tiers) -> Result<()> {
    let (blobs, catalog) = (tiers.stores.blobs.as_ref(), tiers.catalog());
    let mut wanted: BTreeMap<Path, Bytes> =
        catalog.views().map(|view| view_file(view)).collect::<Result<_>>()?;
    for namespace in catalog.namespaces() {
        let listed: Vec<_> = blobs.list(Some(&view_dir(namespace))).try_collect().await?;
        for object in listed {
            let path = object.location;
            match wanted.remove(&path) {
                None => blobs.delete(&path).await?,
                Some(bytes)
                    if object.size != bytes.len() as u64
                        || blobs.get(&path).await?.bytes().await? != bytes =>
                {
                    blobs.put(&path, PutPayload::from_bytes(bytes)).await?;
                }
                Some(_) => {}
            }
        }
    }
    // Views of a store that had no files for them.
    for (path, bytes) in wanted {
        blobs.put(&path, PutPayload::from_bytes(bytes)).await?;
    }
    Ok(())
}
