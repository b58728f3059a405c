//! Making a store of empty stores, so that two never share a blob store.
//!
//! The key-value store gets the store's id in the state *creating*; then `store.json`, which must not be
//! there, is created with that id; then the state goes. Cut short, it is completed by the next opening of
//! the same key-value store, and by no other.

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use crate::config::Config;
use crate::engine::open::{
    FORMAT, FORMAT_KEY, STORE_FILE, STORE_ID, StoreFile, opened_elsewhere, read_store_file,
};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{KeyRange, Keyspace, Stores, WriteBatch};
use crate::txn::fence::EPOCH_KEY;
use crate::types::Durability;

const STATE_KEY: &[u8] = b"state";
const CREATING: &[u8] = b"creating";
const LOADING: &[u8] = b"loading";
/// How many keys are removed at a time; more than one, or the state of the store would be all that is seen.
const UNDO_PAGE: usize = 256;

/// Whether the creation of a store that has an id was cut short.
///
/// # Errors
/// `Corrupt` for a state that there is not; what the store reports.
pub async fn is_unfinished(stores: &Stores) -> Result<bool> {
    match stores.kv.get(Keyspace::Meta, STATE_KEY).await?.as_deref() {
        None => Ok(false),
        Some(CREATING) => Ok(true),
        Some(LOADING) => Err(Error::corrupt(
            "an archive was being loaded here, or a backup made, and not to its end: delete what is here, and do it again",
        )),
        Some(other) => Err(Error::corrupt(format!("meta key state: expected creating, found {other:02x?}"))),
    }
}

/// Makes a store of `stores`, of which the key-value store is empty.
///
/// # Errors
/// `Corrupt` when the blob store has a `store.json`, `Locked` when another engine is at it, `NotFound` when
/// it may only be read.
pub async fn create(stores: &Stores, config: &Config) -> Result<()> {
    refuse_read_only(config)?;
    if let Some(file) = read_store_file(stores.blobs.as_ref()).await? {
        return Err(taken(&file));
    }
    let mut id = [0; 16];
    stores.rng.fill(&mut id);
    let id = data_encoding::HEXLOWER.encode(&id);
    let mut batch = WriteBatch::new();
    batch.expect_absent(Keyspace::Meta, STORE_ID);
    batch.put(Keyspace::Meta, STORE_ID, id.clone().into_bytes());
    batch.put(Keyspace::Meta, STATE_KEY, CREATING);
    batch.put(Keyspace::Meta, FORMAT_KEY, FORMAT.to_be_bytes().to_vec());
    batch.put(Keyspace::Meta, EPOCH_KEY, 0_u64.to_be_bytes().to_vec());
    stores.kv.commit(batch, Durability::Strict).await.map_err(opened_elsewhere)?;
    complete(stores, config, &id).await
}

/// Makes `store.json` for the key-value store that has this id, and ends the creation.
///
/// # Errors
/// As [`create`]. If the blob store is of another store, the key-value store is empty again.
pub async fn complete(stores: &Stores, config: &Config, id: &str) -> Result<()> {
    refuse_read_only(config)?;
    let file = StoreFile { format: FORMAT, store_id: id.to_owned() };
    let bytes = serde_json::to_vec_pretty(&file).map_err(|e| Error::internal(e.to_string()))?;
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    match stores.blobs.put_opts(&Path::from(STORE_FILE), PutPayload::from(bytes), options).await {
        Ok(_) => {}
        Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
            let found = read_store_file(stores.blobs.as_ref()).await?;
            let found = found.ok_or_else(|| Error::locked(format!("{STORE_FILE} comes and goes")))?;
            if found != file {
                undo(stores, id).await;
                return Err(taken(&found));
            }
        }
        Err(e) => return Err(e.into()),
    }
    let mut batch = WriteBatch::new();
    batch.expect_value(Keyspace::Meta, STORE_ID, id.as_bytes().to_vec());
    batch.delete(Keyspace::Meta, STATE_KEY);
    stores.kv.commit(batch, Durability::Strict).await.map_err(opened_elsewhere)
}

/// Says of empty stores that an archive is being loaded into them, or a backup made.
///
/// # Errors
/// `AlreadyExists` when they are not empty.
pub async fn begin_load(stores: &Stores) -> Result<()> {
    let mut listed = stores.blobs.list(None);
    let mut pairs = 0;
    for space in Keyspace::ALL {
        pairs += stores.kv.page(space, KeyRange::all(), 1).await?.len();
    }
    if pairs > 0 || listed.try_next().await?.is_some() {
        return Err(Error::new(
            ErrorKind::AlreadyExists,
            "an archive is loaded into an empty store, and a backup is made in one; this is none",
        ));
    }
    let mut batch = WriteBatch::new();
    batch.expect_absent(Keyspace::Meta, STORE_ID);
    batch.expect_absent(Keyspace::Meta, STATE_KEY);
    batch.put(Keyspace::Meta, STATE_KEY, LOADING);
    stores.kv.commit(batch, Durability::Strict).await.map_err(opened_elsewhere)
}

/// Says that the whole store with this id has been loaded.
///
/// # Errors
/// `Corrupt` when it has another id.
pub async fn end_load(stores: &Stores, id: &str) -> Result<()> {
    if stores.kv.get(Keyspace::Meta, STORE_ID).await?.as_deref() != Some(id.as_bytes()) {
        return Err(Error::corrupt("the archive holds no store, or two"));
    }
    let mut batch = WriteBatch::new();
    batch.expect_value(Keyspace::Meta, STATE_KEY, LOADING);
    batch.delete(Keyspace::Meta, STATE_KEY);
    stores.kv.commit(batch, Durability::Strict).await
}

/// Empties the stores again, into which an archive was being loaded: the files in `written` first, so
/// that whoever is stopped in the middle leaves stores that are known to be of no use. A file that somebody
/// else wrote is not touched.
///
/// # Errors
/// What the stores report; `Conflict` when they are not being loaded into, and then nothing is removed.
pub async fn undo_load(stores: &Stores, written: &[Path]) -> Result<()> {
    if stores.kv.get(Keyspace::Meta, STATE_KEY).await?.as_deref() != Some(LOADING) {
        return Err(Error::conflict("the store is not being loaded any more"));
    }
    for file in written {
        stores.blobs.delete(file).await?;
    }
    // The space with the state of the store is the last to be emptied, and that state the last in it.
    let others = Keyspace::ALL.into_iter().filter(|space| *space != Keyspace::Meta);
    for space in others.chain([Keyspace::Meta]) {
        loop {
            let page = stores.kv.page(space, KeyRange::all(), UNDO_PAGE).await?;
            let keys: Vec<_> = page.into_iter().map(|(key, _)| key).filter(|key| key != STATE_KEY).collect();
            if keys.is_empty() {
                break;
            }
            let mut batch = WriteBatch::new();
            batch.expect_value(Keyspace::Meta, STATE_KEY, LOADING);
            for key in keys {
                batch.delete(space, key);
            }
            stores.kv.commit(batch, Durability::Strict).await?;
        }
    }
    let mut batch = WriteBatch::new();
    batch.expect_value(Keyspace::Meta, STATE_KEY, LOADING);
    batch.delete(Keyspace::Meta, STATE_KEY);
    stores.kv.commit(batch, Durability::Strict).await
}

/// Empties the key-value store again, which holds no more than its creation put there.
async fn undo(stores: &Stores, id: &str) {
    let mut batch = WriteBatch::new();
    batch.expect_value(Keyspace::Meta, STORE_ID, id.as_bytes().to_vec());
    batch.expect_value(Keyspace::Meta, STATE_KEY, CREATING);
    for key in [STORE_ID, STATE_KEY, FORMAT_KEY, EPOCH_KEY] {
        batch.delete(Keyspace::Meta, key);
    }
    if let Err(error) = stores.kv.commit(batch, Durability::Strict).await {
        tracing::warn!(%error, "a store that could not be made left its id in the key-value store");
    }
}

fn refuse_read_only(config: &Config) -> Result<()> {
    if config.writer.read_only { Err(Error::not_found("there is no store here to read")) } else { Ok(()) }
}

fn taken(file: &StoreFile) -> Error {
    Error::corrupt(format!(
        "the key-value store is empty, but the blob store has a {STORE_FILE}, of store {}: if its key-value \
         store is lost, rebuild it with `firndb recover`; if it is known to be unused, remove its files",
        file.store_id
    ))
}
