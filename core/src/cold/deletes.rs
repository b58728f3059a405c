//! `deletes-N.dv`: deletion vectors, the dead rows of batch files.
//!
//! A flush that hides rows writes one file with, for each batch file it touched, the *full* set of
//! dead rows: the newest vector of a batch is all one needs. Each file names the one before it, so
//! that a lost one shows when a manifest is rebuilt, instead of rows coming back to life. A compaction
//! writes the vectors of every live file anew, empty ones too, into a file that names none: older ones are not
//! needed, and a batch file with a lower number that is not in it is not live.
//!
//! ```text
//! offset  size  what
//! 0       4     magic "FDEL"
//! 4       2     version: 1, or 2 with a commit note
//! 6       2     length s of the scope's directory name
//! 8       4     table id
//! 12      4     number n of vectors
//! 16      8     number of this file
//! 24      8     number of the file before it, or all ones when it is the first
//! 32      s     the scope's directory name
//! 32+s    …     n vectors, by ascending batch number:
//!                 8     batch number
//!                 4     length b
//!                 b     row numbers, as a Roaring bitmap in the portable format
//!                       (github.com/RoaringBitmap/RoaringFormatSpec)
//! …             in version 2 the commit note (`notes.rs`):
//!                 4     length c
//!                 c     JSON
//! end-4   4     CRC-32C of all bytes before
//! ```
//! Integers are little-endian.

use std::collections::BTreeMap;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use roaring::RoaringBitmap;

use crate::cold::file::missing;
use crate::cold::names;
use crate::cold::notes::CommitNote;
use crate::error::{Error, Result};
use crate::manifest::BatchEntry;
use crate::types::TableId;

const MAGIC: [u8; 4] = *b"FDEL";
const VERSION: u16 = 1;
/// The version of a file with a commit note.
const NOTED_VERSION: u16 = 2;
const NO_PREVIOUS: u64 = u64::MAX;

/// The contents of one file of deletion vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct DeletionVectors {
    /// The table.
    pub table: TableId,
    /// The directory name of the scope.
    pub scope: String,
    /// The number of the file.
    pub number: u64,
    /// The number of the file written before it in this scope, if any.
    pub previous: Option<u64>,
    /// The dead rows of batch files, by batch number.
    pub vectors: BTreeMap<u64, RoaringBitmap>,
    /// What the commit that wrote the file made of the scope, if that is noted here.
    pub note: Option<CommitNote>,
}

impl DeletionVectors {
    /// Reads the file `name` of the scope's directory `dir`.
    ///
    /// # Errors
    /// As [`DeletionVectors::decode`]; `Corrupt` too when the file is missing or belongs to another
    /// table or scope; the blob store's own otherwise.
    pub async fn load(
        store: &dyn ObjectStore,
        dir: &Path,
        name: &str,
        table: TableId,
        scope: &str,
    ) -> Result<Self> {
        let path = dir.clone().join(name);
        let bytes = match store.get(&path).await {
            Ok(found) => found.bytes().await?,
            Err(e) => return Err(missing(&path, e)),
        };
        let vectors = Self::decode(path.as_ref(), &bytes)?;
        let found = names::deletes(vectors.number);
        if (vectors.table, vectors.scope.as_str(), found.as_str()) != (table, scope, name) {
            return Err(Error::corrupt(format!(
                "deletion vectors {path}: expected those of table {table}, scope {scope}, \
                 found {found} of table {}, scope {}",
                vectors.table, vectors.scope
            )));
        }
        Ok(vectors)
    }

    /// The dead rows of a batch file, which must be as many as its manifest entry says.
    ///
    /// # Errors
    /// `Corrupt` when they are not, or point past the file's rows.
    pub fn dead_rows(&self, entry: &BatchEntry) -> Result<RoaringBitmap> {
        let expected = entry.deletes.as_ref().map_or(0, |d| d.count);
        let dead = self.vectors.get(&entry.number).cloned().unwrap_or_default();
        if dead.len() != expected || dead.max().is_some_and(|row| u64::from(row) >= entry.rows) {
            return Err(Error::corrupt(format!(
                "deletion vectors {}: expected {expected} dead rows among the {} of {}, found {} up to row {}",
                names::deletes(self.number),
                entry.rows,
                entry.path,
                dead.len(),
                dead.max().unwrap_or(0)
            )));
        }
        Ok(dead)
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// `Internal` when a part is too long for its field.
    pub fn encode(&self) -> Result<Bytes> {
        let too_long = |_| Error::internal("deletion vectors are too long for their format");
        let mut out = Vec::new();
        out.extend_from_slice(&MAGIC);
        let version = if self.note.is_some() { NOTED_VERSION } else { VERSION };
        out.extend_from_slice(&version.to_le_bytes());
        out.extend_from_slice(&u16::try_from(self.scope.len()).map_err(too_long)?.to_le_bytes());
        out.extend_from_slice(&self.table.0.to_le_bytes());
        out.extend_from_slice(&u32::try_from(self.vectors.len()).map_err(too_long)?.to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&self.previous.unwrap_or(NO_PREVIOUS).to_le_bytes());
        out.extend_from_slice(self.scope.as_bytes());
        for (batch, dead) in &self.vectors {
            out.extend_from_slice(&batch.to_le_bytes());
            let length = u32::try_from(dead.serialized_size()).map_err(too_long)?;
            out.extend_from_slice(&length.to_le_bytes());
            dead.serialize_into(&mut out)
                .map_err(|e| Error::internal("a deletion vector cannot be written").with_source(e))?;
        }
        if let Some(note) = &self.note {
            let note = note.encode()?;
            out.extend_from_slice(&u32::try_from(note.len()).map_err(too_long)?.to_le_bytes());
            out.extend_from_slice(note.as_bytes());
        }
        let sum = crc32c::crc32c(&out);
        out.extend_from_slice(&sum.to_le_bytes());
        Ok(out.into())
    }

    /// Reads the file called `name`.
    ///
    /// # Errors
    /// `Unsupported` for another version, `Corrupt`, naming the file, for anything not as written.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self> {
        let damaged = |why: &str| Error::corrupt(format!("deletion vectors {name}: {why}"));
        let (body, sum) =
            bytes.split_last_chunk::<4>().ok_or_else(|| damaged("expected a checksum, found no bytes"))?;
        let mut reader = Reader { rest: body };
        let short = || damaged("expected more bytes, found the end");
        if reader.array().ok_or_else(short)? != MAGIC {
            return Err(damaged("expected the magic FDEL, found other bytes"));
        }
        let version = u16::from_le_bytes(reader.array().ok_or_else(short)?);
        if version != VERSION && version != NOTED_VERSION {
            return Err(Error::unsupported(format!(
                "deletion vectors {name} have version {version}, this version reads {VERSION} and {NOTED_VERSION}"
            )));
        }
        let (expected, found) = (u32::from_le_bytes(*sum), crc32c::crc32c(body));
        if expected != found {
            return Err(damaged(&format!("expected checksum {expected:08x}, found {found:08x}")));
        }
        let mut vectors =
            reader.file().ok_or_else(|| damaged("expected fields in order, found other bytes"))?;
        if version == NOTED_VERSION {
            let note = reader.note().ok_or_else(short)?;
            vectors.note = Some(CommitNote::decode(name, note)?);
        }
        if !reader.rest.is_empty() {
            return Err(damaged("expected the end, found more bytes"));
        }
        Ok(vectors)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*field)
    }

    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(field)
    }

    /// All after magic and version.
    fn file(&mut self) -> Option<DeletionVectors> {
        let scope_length = usize::from(u16::from_le_bytes(self.array()?));
        let table = TableId(u32::from_le_bytes(self.array()?));
        let count = u32::from_le_bytes(self.array()?);
        let number = u64::from_le_bytes(self.array()?);
        let previous = Some(u64::from_le_bytes(self.array()?)).filter(|p| *p != NO_PREVIOUS);
        let scope = std::str::from_utf8(self.slice(scope_length)?).ok()?.to_owned();
        let mut vectors = BTreeMap::new();
        for _ in 0..count {
            let batch = u64::from_le_bytes(self.array()?);
            let length = usize::try_from(u32::from_le_bytes(self.array()?)).ok()?;
            let mut bytes = self.slice(length)?;
            let dead = RoaringBitmap::deserialize_from(&mut bytes).ok()?;
            if !bytes.is_empty() || vectors.last_key_value().is_some_and(|(last, _)| *last >= batch) {
                return None;
            }
            vectors.insert(batch, dead);
        }
        Some(DeletionVectors { table, scope, number, previous, vectors, note: None })
    }

    /// The bytes of the note that follows.
    fn note(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(u32::from_le_bytes(self.array()?)).ok()?;
        self.slice(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::types::SeqId;

    fn sample() -> DeletionVectors {
        let runs: RoaringBitmap = (10..100_000).collect();
        let sparse: RoaringBitmap = (0..5000).map(|i| i * 7919).collect();
        DeletionVectors {
            table: TableId(7),
            scope: "u-alice".into(),
            number: 10,
            previous: Some(4),
            vectors: BTreeMap::from([(3, runs), (9, sparse), (11, RoaringBitmap::new())]),
            note: None,
        }
    }

    #[test]
    fn vectors_come_back() {
        let mut vectors = sample();
        let bytes = vectors.encode().unwrap();
        assert_eq!(DeletionVectors::decode("d", &bytes).unwrap(), vectors);
        vectors.vectors.values_mut().for_each(|v| {
            v.optimize();
        });
        vectors.previous = None;
        let smaller = vectors.encode().unwrap();
        assert!(smaller.len() < bytes.len());
        assert_eq!(DeletionVectors::decode("d", &smaller).unwrap(), vectors);
        vectors.vectors.clear();
        vectors.note = Some(note());
        let bytes = vectors.encode().unwrap();
        assert_eq!(DeletionVectors::decode("d", &bytes).unwrap(), vectors);
    }

    fn note() -> CommitNote {
        CommitNote {
            version: 11,
            epoch: 1,
            flushed_through: SeqId::from_i64(5),
            schema_version: 1,
            user: None,
            live: BTreeMap::from([(3, Some(10)), (9, None)]),
        }
    }

    #[test]
    fn any_altered_byte_is_found() {
        let good = DeletionVectors { note: Some(note()), ..sample() }.encode().unwrap();
        for at in (0..good.len()).step_by(97).chain([0, 6, 8, 12, 16, 24, 32, good.len() - 1]) {
            let mut bad = good.to_vec();
            bad[at] ^= 0x20;
            let error = DeletionVectors::decode("deletes-10.dv", &bad).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported), "{at}");
            assert!(error.to_string().contains("deletes-10.dv"));
        }
        for length in [0, 3, 4, 40, good.len() - 1] {
            let error = DeletionVectors::decode("d", &good[..length]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{length}");
        }
    }

    #[test]
    fn a_valid_checksum_does_not_excuse_wrong_fields() {
        let good = sample().encode().unwrap();
        for (at, value) in [(6, 200u8), (12, 99), (12, 1)] {
            let mut bad = good[..good.len() - 4].to_vec();
            bad[at] = value;
            let sum = crc32c::crc32c(&bad);
            bad.extend_from_slice(&sum.to_le_bytes());
            assert_eq!(DeletionVectors::decode("d", &bad).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }
}
