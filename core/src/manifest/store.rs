//! Manifests at rest: the numbered files, the pointer in the key-value store that says which of them
//! counts, and the copy for people.
//!
//! The pointer is the commit. A manifest that it does not name is an attempt that was cut short.

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::codec;
use crate::manifest::model::{Checksum, Manifest, Noted};
use crate::storage::keys::scope_key;
use crate::storage::{Keyspace, KvStore, WriteBatch};
use crate::types::{Scope, SeqId, TableId};

/// The name of the copy of the newest manifest.
pub const COPY: &str = "manifest.json";

/// What the key-value store knows of a scope's cold tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The manifest that counts; 0 when there is none yet.
    pub version: u64,
    /// Its checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// Every commit up to here is cold.
    pub flushed_through: SeqId,
    /// The next number for a batch file, a deletion vector or a manifest. Raised, and synced, before
    /// the number is used.
    pub next_number: u64,
    /// The change feed knows every change above this.
    pub feed_floor: SeqId,
    /// Where the note is of the files that the manifest lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noted: Option<Noted>,
    /// Present while the names of files may be lost that the manifest refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
    /// Nothing was left that is not needed of the files with lower numbers, when that was looked at last.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub swept: u64,
    /// Files with lower numbers that no manifest lists were left out by a recovery, for somebody to look at.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What a pointer goes back to when files are gone whose names could not be synced. The blocks of all
/// commits after `flushed_through` are still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// The writer epoch of the last flush that added to it.
    pub epoch: u64,
    /// When that was, in milliseconds since 1970.
    pub since_ms: i64,
    /// The manifest whose files are beyond doubt; 0 when there was none.
    pub version: u64,
    /// Its checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// What was cold in it.
    pub flushed_through: SeqId,
    /// Where the note of its files is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noted: Option<Noted>,
}

impl Default for Pointer {
    fn default() -> Self {
        Self {
            version: 0,
            checksum: None,
            flushed_through: SeqId::ZERO,
            next_number: 1,
            feed_floor: SeqId::ZERO,
            noted: None,
            doubt: None,
            swept: 0,
            left_out: 0,
        }
    }
}

/// The pointer of a scope; the default one when the scope was never flushed.
///
/// # Errors
/// `Corrupt` when it cannot be read as a pointer.
pub async fn read_pointer(kv: &dyn KvStore, table: TableId, scope: &Scope) -> Result<Pointer> {
    match kv.get(Keyspace::Manifest, &scope_key(table, scope)).await? {
        None => Ok(Pointer::default()),
        Some(bytes) => parse_pointer(table, scope, &bytes),
    }
}

/// The pointer of a scope that `bytes` are.
///
/// # Errors
/// `Corrupt` when they are none.
pub fn parse_pointer(table: TableId, scope: &Scope, bytes: &[u8]) -> Result<Pointer> {
    serde_json::from_slice(bytes).map_err(|e| {
        Error::corrupt(format!("manifest pointer of table {table}, scope {scope}: {e}")).with_source(e)
    })
}

/// Adds to `batch` that the pointer changes from `from`, as it must be, to `to`.
///
/// # Errors
/// `Internal` when a pointer has no JSON.
pub fn move_pointer(
    batch: &mut WriteBatch,
    table: TableId,
    scope: &Scope,
    from: &Pointer,
    to: &Pointer,
) -> Result<()> {
    let key = scope_key(table, scope);
    if *from == Pointer::default() {
        batch.expect_absent(Keyspace::Manifest, key.clone());
    } else {
        batch.expect_value(Keyspace::Manifest, key.clone(), pointer_bytes(from)?);
    }
    batch.put(Keyspace::Manifest, key, pointer_bytes(to)?);
    Ok(())
}

fn pointer_bytes(pointer: &Pointer) -> Result<Bytes> {
    let bytes = serde_json::to_vec(pointer).map_err(|e| Error::internal(format!("manifest pointer: {e}")))?;
    Ok(bytes.into())
}

/// The numbered manifest of `version` in `dir`.
#[must_use]
pub fn manifest_path(dir: &Path, version: u64) -> Path {
    dir.clone().join(format!("manifest-{version:020}.json"))
}

/// A manifest as its file has it.
#[derive(Debug)]
pub struct ReadManifest {
    /// The manifest.
    pub manifest: Manifest,
    /// The bytes of the file.
    pub bytes: Bytes,
    /// What the blob store calls this content of the file, if it does.
    pub e_tag: Option<String>,
}

/// Reads the manifest that `pointer` names.
///
/// # Errors
/// `Corrupt`, naming the file, when it is missing, altered, or not the one that was committed.
pub async fn read(blobs: &dyn ObjectStore, dir: &Path, pointer: &Pointer) -> Result<ReadManifest> {
    let path = manifest_path(dir, pointer.version);
    let (bytes, e_tag) = match blobs.get(&path).await {
        Ok(found) => {
            let e_tag = found.meta.e_tag.clone();
            (found.bytes().await?, e_tag)
        }
        Err(object_store::Error::NotFound { .. }) => {
            return Err(Error::corrupt(format!("{path}: the manifest is missing")));
        }
        Err(e) => return Err(e.into()),
    };
    let (manifest, checksum) = codec::decode(path.as_ref(), &bytes)?;
    match pointer.checksum {
        Some(expected) if expected != checksum => {
            Err(Error::corrupt(format!("{path}: checksum {checksum}, but {expected} was committed")))
        }
        _ => Ok(ReadManifest { manifest, bytes, e_tag }),
    }
}

/// The copy of the newest manifest in `dir`, if it is whole and the one that `pointer` names.
///
/// # Errors
/// What the blob store reports.
pub async fn read_copy(blobs: &dyn ObjectStore, dir: &Path, pointer: &Pointer) -> Result<Option<Manifest>> {
    let path = dir.clone().join(COPY);
    let bytes = match blobs.get(&path).await {
        Ok(found) => found.bytes().await?,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let read = codec::decode(path.as_ref(), &bytes).ok();
    let named = read.filter(|(copy, checksum)| {
        copy.version == pointer.version && pointer.checksum.is_none_or(|expected| expected == *checksum)
    });
    Ok(named.map(|(copy, _)| copy))
}

/// A manifest that has been written.
#[derive(Debug)]
pub struct Created {
    /// The bytes of the file.
    pub bytes: Bytes,
    /// What the pointer to it repeats.
    pub checksum: Checksum,
    /// What the blob store calls this content of the file, if it does.
    pub e_tag: Option<String>,
}

/// Writes a manifest under its number, which nothing may have used before.
///
/// # Errors
/// `Internal` when the number was used; what the blob store reports.
pub async fn create(blobs: &dyn ObjectStore, dir: &Path, manifest: &Manifest) -> Result<Created> {
    let (bytes, checksum) = codec::encode(manifest)?;
    let path = manifest_path(dir, manifest.version);
    let e_tag = create_blob(blobs, &path, bytes.clone()).await?;
    Ok(Created { bytes, checksum, e_tag })
}

/// Writes a file that must not exist yet; what the blob store calls its content.
///
/// # Errors
/// `Internal` when it exists; what the blob store reports.
pub async fn create_blob(blobs: &dyn ObjectStore, path: &Path, bytes: Bytes) -> Result<Option<String>> {
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    match blobs.put_opts(path, PutPayload::from_bytes(bytes), options).await {
        Ok(put) => Ok(put.e_tag),
        Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
            Err(Error::new(ErrorKind::Internal, format!("{path}: the name was given out twice")))
        }
        Err(e) => Err(e.into()),
    }
}

/// Replaces the copy of the newest manifest, unless it is that already; whether it is that now. No row depends
/// on it, so that a failure is only logged; the next opening of the scope tries again.
pub async fn try_refresh_copy(blobs: &dyn ObjectStore, dir: &Path, bytes: &Bytes) -> bool {
    logged(refresh_copy(blobs, dir, bytes).await, dir)
}

/// As [`try_refresh_copy`], where the manifest is known to be another than the copy.
pub async fn try_write_copy(blobs: &dyn ObjectStore, dir: &Path, bytes: &Bytes) -> bool {
    logged(write_copy(blobs, dir, bytes).await, dir)
}

fn logged(replaced: Result<()>, dir: &Path) -> bool {
    if let Err(error) = &replaced {
        tracing::warn!(%error, %dir, "the copy of the newest manifest could not be replaced");
    }
    replaced.is_ok()
}

async fn refresh_copy(blobs: &dyn ObjectStore, dir: &Path, bytes: &Bytes) -> Result<()> {
    let path = dir.clone().join(COPY);
    let current = match blobs.get(&path).await {
        Ok(found) => Some(found.bytes().await?),
        Err(object_store::Error::NotFound { .. }) => None,
        Err(e) => return Err(e.into()),
    };
    if current.as_ref() == Some(bytes) {
        return Ok(());
    }
    write_copy(blobs, dir, bytes).await
}

async fn write_copy(blobs: &dyn ObjectStore, dir: &Path, bytes: &Bytes) -> Result<()> {
    blobs.put(&dir.clone().join(COPY), PutPayload::from_bytes(bytes.clone())).await?;
    Ok(())
}
