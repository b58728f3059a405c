//! Losing parts of a store, and what is to be there afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use firndb_core::storage::fault::FaultStores;
use firndb_core::storage::{ManualClock, SeededRng, Stores};
use firndb_core::{Config, Engine, RecoveryReport};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::lasting::START_MS;

/// Stores over `faults`, with a clock and randomness that are the same every time.
#[must_use]
pub fn stores(faults: &FaultStores) -> Stores {
    faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)))
}

/// An engine on `faults`.
///
/// # Panics
/// When it cannot be opened.
pub async fn open(faults: &FaultStores) -> Engine {
    Engine::open(stores(faults), crate::setting::without_manifest_cache(Config::default())).await.unwrap()
}

/// Rebuilds the lost key-value store of `faults`.
///
/// # Panics
/// When that fails.
pub async fn recover(faults: &FaultStores) -> RecoveryReport {
    Engine::recover(stores(faults), Config::default()).await.unwrap()
}

/// As [`recover`], going back to what is certain (`--force`).
///
/// # Panics
/// When that fails.
pub async fn recover_by_force(faults: &FaultStores) -> RecoveryReport {
    Engine::recover_with_older_manifests(stores(faults), Config::default()).await.unwrap()
}

/// The paths of blobs that contain each of `parts`.
#[must_use]
pub fn blobs(faults: &FaultStores, parts: &[&str]) -> Vec<String> {
    let all = faults.blob_paths().into_iter();
    all.filter(|path| parts.iter().all(|part| path.contains(part))).collect()
}

/// Removes the blobs that contain each of `parts`; at least one.
///
/// # Panics
/// When there are none.
pub fn lose(faults: &FaultStores, parts: &[&str]) {
    let lost = blobs(faults, parts);
    assert!(!lost.is_empty(), "no blob has {parts:?} in its name: {:?}", faults.blob_paths());
    lost.iter().for_each(|path| faults.delete_blob(path).unwrap());
}

/// The bytes of a blob.
///
/// # Panics
/// Without such a blob.
pub async fn read(faults: &FaultStores, path: &str) -> Bytes {
    stores(faults).blobs.get(&Path::from(path)).await.unwrap().bytes().await.unwrap()
}

/// Writes a blob behind the engine's back.
///
/// # Panics
/// When that fails.
pub async fn write(faults: &FaultStores, path: &str, bytes: impl Into<Bytes>) {
    stores(faults).blobs.put(&Path::from(path), bytes.into().into()).await.unwrap();
}

/// The newest numbered manifest below `dir`, as JSON, and its path.
///
/// # Panics
/// Without one.
pub async fn manifest(faults: &FaultStores, dir: &str) -> (String, BTreeMap<String, serde_json::Value>) {
    let path = blobs(faults, &[dir, "/manifest-"]).pop().unwrap();
    let json = serde_json::from_slice(&read(faults, &path).await).unwrap();
    (path, json)
}

/// A manifest with the checksum that its content has, as if its writer had meant it.
///
/// # Panics
/// When `text` is no JSON object.
#[must_use]
pub fn signed(text: &str) -> Bytes {
    let mut document: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).unwrap();
    document.remove("checksum");
    // Members of a map come out sorted, which is the canonical form.
    let canonical = serde_json::to_vec(&sorted(&serde_json::to_value(&document).unwrap())).unwrap();
    let checksum = format!("crc32c:{:08x}", crc32c(&canonical));
    document.insert("checksum".to_owned(), checksum.into());
    serde_json::to_vec(&document).unwrap().into()
}

fn sorted(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(members) => {
            let members: BTreeMap<&String, serde_json::Value> =
                members.iter().map(|(name, member)| (name, sorted(member))).collect();
            members.into_iter().map(|(name, member)| (name.clone(), member)).collect()
        }
        serde_json::Value::Array(items) => items.iter().map(sorted).collect(),
        scalar => scalar.clone(),
    }
}

/// CRC-32C by its definition, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
    !bytes.iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}
