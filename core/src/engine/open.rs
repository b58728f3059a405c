//! Opening a store: what it is, who may write to it, and since when.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};

use crate::access::audit;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::engine::create::{complete, create, is_unfinished};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Keyspace, Stores, WriteBatch};
use crate::tiers::Tiers;
use crate::txn::fence::{EPOCH_KEY, Fence};
use crate::txn::seq::SeqAllocator;
use crate::types::Durability;
use crate::users::{self, Users};

/// The version of everything at rest.
pub const FORMAT: u32 = 1;
/// Names the store in the blob store.
pub const STORE_FILE: &str = "store.json";
pub(super) const STORE_ID: &[u8] = b"store_id";
pub(super) const FORMAT_KEY: &[u8] = b"format";

/// What `store.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreFile {
    /// The version of everything at rest.
    pub format: u32,
    /// The store's id, random.
    pub store_id: String,
}

/// Opens `stores`, making them a store if they are empty, and raises the writer epoch: whoever had the
/// store open before cannot commit any more.
///
/// # Errors
/// `Corrupt` when key-value store and blob store are not of one store, `Locked` when another engine opens
/// it at the same moment, `Unsupported` for another format version.
pub async fn open(stores: Stores, config: Config) -> Result<Tiers> {
    config.validate()?;
    let kv = stores.kv.clone();
    match kv.get(Keyspace::Meta, STORE_ID).await? {
        None => {
            is_unfinished(&stores).await?;
            create(&stores, &config).await?;
        }
        Some(id) if is_unfinished(&stores).await? => {
            let id =
                std::str::from_utf8(&id).map_err(|_| Error::corrupt("meta key store_id: expected text"))?;
            complete(&stores, &config, id).await?;
        }
        Some(id) => match read_store_file(stores.blobs.as_ref()).await? {
            Some(file) => same_store(&id, &file)?,
            None => {
                return Err(Error::corrupt(format!(
                    "the blob store has no {STORE_FILE}: it is not the one that this store's rows are in"
                )));
            }
        },
    }
    check_format(&stores).await?;
    // Before anything is changed: a store that cannot be read is left as it is.
    let mut catalog = Catalog::load(kv.as_ref()).await?;
    let mut users = users::load(kv.as_ref()).await?;
    let mut log = audit::load(kv.as_ref()).await?;
    let epoch = raise_epoch(&stores, &config).await?;
    if !config.writer.read_only {
        // Whoever could write until now may have changed it since.
        catalog = Catalog::load(kv.as_ref()).await?;
        users = users::load(kv.as_ref()).await?;
        log = audit::load(kv.as_ref()).await?;
    }
    let fence = Arc::new(Fence::new(kv, epoch));
    let seqs = SeqAllocator::open(Arc::clone(&fence), stores.clock.clone(), config.writer.node).await?;
    let committed = seqs.last().await;
    Ok(Tiers::new(stores, config, fence, seqs, committed, catalog, (Users::new(users), log)))
}

fn same_store(id: &Bytes, file: &StoreFile) -> Result<()> {
    if id.as_ref() == file.store_id.as_bytes() {
        return Ok(());
    }
    Err(Error::corrupt(format!(
        "the key-value store belongs to store {}, the blob store to {}",
        String::from_utf8_lossy(id),
        file.store_id
    )))
}

/// Reads `store.json`.
///
/// # Errors
/// `Corrupt` when it is not one, `Unsupported` for another format.
pub async fn read_store_file(blobs: &dyn ObjectStore) -> Result<Option<StoreFile>> {
    let bytes = match blobs.get(&Path::from(STORE_FILE)).await {
        Ok(found) => found.bytes().await?,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let damaged = |e| Error::corrupt(format!("{STORE_FILE}: {e}")).with_source(e);
    // First, because another format may say other things.
    let Format { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if format != FORMAT {
        return Err(other_format(format));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

fn other_format(found: u32) -> Error {
    let error = format!("the store has format version {found}; this FirnDB reads version {FORMAT}");
    Error::unsupported(error).with_hint("open it with a later FirnDB: nothing of it was changed")
}

async fn check_format(stores: &Stores) -> Result<()> {
    let bytes = stores.kv.get(Keyspace::Meta, FORMAT_KEY).await?;
    let format = bytes.as_deref().and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
    match format {
        Some(FORMAT) => Ok(()),
        Some(other) => Err(other_format(other)),
        None => Err(Error::corrupt("meta key format: expected 4 bytes")),
    }
}

async fn raise_epoch(stores: &Stores, config: &Config) -> Result<u64> {
    let bytes = stores.kv.get(Keyspace::Meta, EPOCH_KEY).await?;
    let bytes = bytes.ok_or_else(|| Error::corrupt("meta key writer_epoch is missing"))?;
    let epoch = bytes.as_ref().try_into().map(u64::from_be_bytes);
    let epoch = epoch.map_err(|_| Error::corrupt("meta key writer_epoch: expected 8 bytes"))?;
    if config.writer.read_only {
        return Ok(epoch);
    }
    let raised = epoch + 1;
    let mut batch = WriteBatch::new();
    batch.expect_value(Keyspace::Meta, EPOCH_KEY, bytes);
    batch.put(Keyspace::Meta, EPOCH_KEY, raised.to_be_bytes().to_vec());
    stores.kv.commit(batch, Durability::Strict).await.map_err(opened_elsewhere)?;
    Ok(raised)
}

/// What a refused commit of an opening means.
pub(super) fn opened_elsewhere(e: Error) -> Error {
    match e.kind() {
        ErrorKind::Conflict => {
            Error::locked("another engine is opening this store; wait, then try again").with_source(e)
        }
        _ => e,
    }
}
