//! FirnDB's storage on servers: keys and values in RocksDB, blobs in a filesystem that syncs or in an
//! object store, a directory that holds both, and the files that COPY reads and writes.
//!
//! ```text
//! DIR/firndb.toml    settings, if there are any: nothing here writes it
//! DIR/firndb-store   says that DIR is a store, and of which layout
//! DIR/kv/            RocksDB
//! DIR/blobs/         blobs, unless they are at a URL
//! ```
//!
//! Calls that wait for a disk do so in place. On a tokio runtime with several threads they tell it so,
//! which tokio does not allow inside of a `LocalSet`.
#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

mod backup;
mod blocking;
mod dir;
mod files;
mod load;
mod local_fs;
mod making;
mod rocks;
mod settings;
mod url;

use std::path::Path;
use std::sync::Arc;

use firndb_core::Result;
use firndb_core::storage::{KvStore, Rng, Stores, SystemClock};
use object_store::ObjectStore;

pub use backup::{backup, backup_engine};
pub use files::{LocalFile, LocalFiles};
pub use load::load;
pub use local_fs::LocalFs;
pub use rocks::RocksKv;
pub use settings::config;
pub use url::{blob_store, blob_store_with};

/// Opens the store in `dir`, or makes one there if `dir` is absent or empty. Blobs are at the URL `blobs`
/// ([`blob_store`]), or else in the directory too; the store does not remember which.
///
/// # Errors
/// `InvalidInput` when `dir` holds something else, which is left untouched. `Locked` when the store is open
/// elsewhere. `Unsupported` when its layout is of a later version. Else as [`RocksKv::open`],
/// [`LocalFs::open`] and [`blob_store`].
pub fn open(dir: &Path, blobs: Option<&str>) -> Result<Stores> {
    dir::prepare(dir)?;
    open_prepared(dir, blobs)
}

/// Opens the store in `dir`, and never makes one.
///
/// # Errors
/// `NotFound` when `dir` is absent or not a store; else as [`open`].
pub fn open_existing(dir: &Path, blobs: Option<&str>) -> Result<Stores> {
    dir::require(dir)?;
    open_prepared(dir, blobs)
}

/// Opens the store in `dir` to read what it holds at this moment, also while another process writes to
/// it; changes fail with `PermissionDenied`. What that process deletes meanwhile is missing here.
///
/// # Errors
/// `NotFound` when `dir` is absent or not a store; else as [`RocksKv::open_read_only`],
/// [`LocalFs::open_read_only`] and [`blob_store`].
pub fn open_read_only(dir: &Path, blobs: Option<&str>) -> Result<Stores> {
    dir::require(dir)?;
    let kv = RocksKv::open_read_only(&dir.join(dir::KV))?;
    let blobs_at = blobs;
    let blobs: Arc<dyn ObjectStore> = match blobs {
        Some(url) => blob_store(url)?,
        None => Arc::new(LocalFs::open_read_only(&dir.join(dir::BLOBS))?),
    };
    Ok(stores(Arc::new(kv), blobs).with_files(Arc::new(LocalFiles::outside_of(dir, blobs_at)?)))
}

fn open_prepared(dir: &Path, blobs: Option<&str>) -> Result<Stores> {
    // RocksDB's lock comes first, so that two openings never meet in the directory of the blobs.
    let kv = RocksKv::open(&dir.join(dir::KV))?;
    let blobs_at = blobs;
    let blobs: Arc<dyn ObjectStore> = match blobs {
        Some(url) => blob_store(url)?,
        None => Arc::new(LocalFs::open(&dir.join(dir::BLOBS))?),
    };
    dir::sync(dir)?;
    Ok(stores(Arc::new(kv), blobs).with_files(Arc::new(LocalFiles::outside_of(dir, blobs_at)?)))
}

fn stores(kv: Arc<dyn KvStore>, blobs: Arc<dyn ObjectStore>) -> Stores {
    Stores::new(kv, blobs, Arc::new(SystemClock), Arc::new(OsRng))
}

/// Random bytes from a generator that the operating system seeds; fit for secrets.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRng;

impl Rng for OsRng {
    fn fill(&self, bytes: &mut [u8]) {
        rand::RngCore::fill_bytes(&mut rand::rng(), bytes);
    }
}
