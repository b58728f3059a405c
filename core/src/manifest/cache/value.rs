//! A manifest as the key-value store keeps it, so that a scope can be opened without asking the blob store.
//!
//! ```text
//! offset  size  what
//! 0       4     magic "FMAN"
//! 4       2     version, 1
//! 6       4     length h of the header
//! 10      h     header, JSON
//! 10+h    …     the bytes of the manifest, as in its file
//! end-4   4     CRC-32C of all bytes before
//! ```
//! Integers are little-endian. The key is that of the scope's pointer and a byte 01. The header:
//!
//! ```json
//! {"version": 12, "checksum": "crc32c:…", "refreshed_ms": 1795341600000, "e_tag": "…", "sync_state": "in_sync"}
//! ```

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::manifest::model::Checksum;
use crate::manifest::store::Pointer;
use crate::storage::keys::scope_key;
use crate::types::{Scope, TableId};

const MAGIC: [u8; 4] = *b"FMAN";
const VERSION: u16 = 1;
/// What follows the scope in the key of a cached manifest; a pointer's key ends with its scope.
const CACHED: u8 = 1;

/// What is known of a manifest that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheHeader {
    /// Its version.
    pub version: u64,
    /// Its checksum, as the pointer had it.
    pub checksum: Checksum,
    /// When it was written, or last held against the blob store, in milliseconds since 1970.
    pub refreshed_ms: i64,
    /// What the blob store calls this content of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
    /// Whether the blob store has the same.
    #[serde(default)]
    pub sync_state: SyncState,
}

/// How a kept manifest and the blob store stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// `manifest.json` is not known to be the copy of it; opening the scope for writing sees to that.
    #[default]
    Pending,
    /// The blob store has it, and the copy of it for people.
    InSync,
    /// Its file in the blob store is missing, or has another content than was committed.
    Altered,
}

impl SyncState {
    /// Its name, as people see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InSync => "in_sync",
            Self::Altered => "altered",
        }
    }
}

impl CacheHeader {
    /// Whether `pointer` names this manifest. Nothing else makes it count.
    #[must_use]
    pub fn is_of(&self, pointer: &Pointer) -> bool {
        pointer.version == self.version && pointer.checksum == Some(self.checksum)
    }
}

/// Where the manifest of a scope is kept in the keyspace of manifests.
#[must_use]
pub fn cache_key(table: TableId, scope: &Scope) -> Vec<u8> {
    let mut key = scope_key(table, scope);
    key.push(CACHED);
    key
}

/// The value that keeps a manifest, of which `manifest` are the bytes.
///
/// # Errors
/// `Internal` when the header has no JSON.
pub fn encode(header: &CacheHeader, manifest: &[u8]) -> Result<Bytes> {
    let head = serde_json::to_vec(header).map_err(|e| Error::internal(format!("cached manifest: {e}")))?;
    let length = u32::try_from(head.len()).map_err(|_| Error::internal("cached manifest: a long header"))?;
    let mut out = Vec::with_capacity(head.len() + manifest.len() + 14);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(manifest);
    let sum = crc32c::crc32c(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    Ok(out.into())
}

/// The header and the manifest's bytes in `value`; `None` for anything that is not as written, or is of
/// another version: what a cache holds may always be left aside.
#[must_use]
pub fn decode(value: &Bytes) -> Option<(CacheHeader, Bytes)> {
    let (body, sum) = value.split_last_chunk::<4>()?;
    if u32::from_le_bytes(*sum) != crc32c::crc32c(body) {
        return None;
    }
    let (magic, rest) = body.split_first_chunk::<4>()?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    if *magic != MAGIC || u16::from_le_bytes(*version) != VERSION {
        return None;
    }
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let header = serde_json::from_slice(rest.get(..length)?).ok()?;
    Some((header, value.slice_ref(rest.get(length..)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> CacheHeader {
        CacheHeader {
            version: 12,
            checksum: Checksum(0xABCD),
            refreshed_ms: 1_795_341_600_000,
            e_tag: Some("\"tag\"".into()),
            sync_state: SyncState::InSync,
        }
    }

    #[test]
    fn values_come_back() {
        let bytes = encode(&header(), b"{ the manifest }").unwrap();
        assert_eq!(decode(&bytes).unwrap(), (header(), Bytes::from_static(b"{ the manifest }")));
        let plain = CacheHeader { e_tag: None, sync_state: SyncState::Pending, ..header() };
        assert_eq!(decode(&encode(&plain, b"").unwrap()).unwrap(), (plain, Bytes::new()));
    }

    #[test]
    fn any_altered_byte_and_any_missing_end_is_nothing() {
        let good = encode(&header(), b"{ the manifest }").unwrap();
        for at in 0..good.len() {
            let mut bad = good.to_vec();
            bad[at] ^= 0x04;
            assert_eq!(decode(&bad.into()), None, "byte {at}");
            assert_eq!(decode(&good.slice(..at)), None, "cut at {at}");
        }
    }

    #[test]
    fn fields_that_are_added_later_have_defaults() {
        let head = br#"{"version":1,"checksum":"crc32c:00000002","refreshed_ms":3,"later":true}"#;
        let found: CacheHeader = serde_json::from_slice(head).unwrap();
        assert_eq!((found.e_tag, found.sync_state), (None, SyncState::Pending));
    }

    #[test]
    fn only_the_pointer_makes_it_count() {
        let pointer = Pointer { version: 12, checksum: Some(Checksum(0xABCD)), ..Pointer::default() };
        assert!(header().is_of(&pointer));
        for other in [
            Pointer { version: 13, ..pointer.clone() },
            Pointer { checksum: Some(Checksum(1)), ..pointer.clone() },
            Pointer { checksum: None, ..pointer },
        ] {
            assert!(!header().is_of(&other), "{other:?}");
        }
    }
}
