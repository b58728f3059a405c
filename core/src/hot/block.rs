//! The bytes of a hot block: the row versions that one commit gave one scope.
//!
//! ```text
//! offset  bytes  field
//!      0      4  magic "FRNB"
//!      4      1  format version, 1
//!      5      4  schema version of the table, big-endian
//!      9      4  rows, big-endian
//!     13      4  length of the Arrow IPC message, big-endian
//!     17      4  CRC-32C of bytes 0..17 and of all after this field, big-endian
//!     21      …  Arrow IPC record batch message, without a schema, padded to 8 bytes
//!      …      …  its body
//! ```
//!
//! The columns are `_seq`, `_deleted`, then the table's as of the schema version.

use std::collections::HashMap;

use arrow::array::{Array, Int64Array, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::read_record_batch;
use arrow::ipc::root_as_message;
use arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use bytes::Bytes;

use crate::catalog::TableDef;
use crate::error::{Error, Result};
use crate::types::SeqId;

const MAGIC: &[u8; 4] = b"FRNB";
const FORMAT: u8 = 1;
const HEADER: usize = 21;

/// A block with its header checked and its rows not yet decoded.
#[derive(Debug, Clone)]
pub struct Block {
    /// The schema version its columns follow.
    pub schema_version: u32,
    /// How many row versions it holds.
    pub rows: u32,
    message: usize,
    bytes: Bytes,
}

/// Encodes `batch` as a block.
///
/// # Errors
/// `LimitExceeded` when the batch has more rows or bytes than a block can count.
pub fn encode(schema_version: u32, batch: &RecordBatch) -> Result<Bytes> {
    let mut dictionaries = DictionaryTracker::new(false);
    let options = IpcWriteOptions::default();
    let mut context = IpcWriteContext::default();
    let (_, data) = IpcDataGenerator::default().encode(batch, &mut dictionaries, &options, &mut context)?;
    let message = data.ipc_message.len().next_multiple_of(8);
    let too_large = |_| Error::limit("a block holds at most 4 Gi rows and a 4 GiB message");
    let rows = u32::try_from(batch.num_rows()).map_err(too_large)?;
    let message_len = u32::try_from(message).map_err(too_large)?;

    let mut out = Vec::with_capacity(HEADER + message + data.arrow_data.len());
    out.extend_from_slice(MAGIC);
    out.push(FORMAT);
    out.extend_from_slice(&schema_version.to_be_bytes());
    out.extend_from_slice(&rows.to_be_bytes());
    out.extend_from_slice(&message_len.to_be_bytes());
    let head_crc = crc32c::crc32c(&out);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&data.ipc_message);
    out.resize(HEADER + message, 0);
    out.extend_from_slice(&data.arrow_data);
    let crc = crc32c::crc32c_append(head_crc, out.get(HEADER..).unwrap_or_default());
    for (to, from) in out.iter_mut().skip(HEADER - 4).zip(crc.to_be_bytes()) {
        *to = from;
    }
    Ok(out.into())
}

impl Block {
    /// Reads the header of `bytes` and verifies the checksum. `name` is for messages.
    ///
    /// # Errors
    /// `Corrupt` when the bytes are not what was written, `Unsupported` for another format version.
    pub fn parse(bytes: Bytes, name: &dyn std::fmt::Display) -> Result<Self> {
        let bad = |what: &str| Error::corrupt(format!("hot block {name}: {what}"));
        let (head, rest) =
            bytes.split_first_chunk::<HEADER>().ok_or_else(|| bad("shorter than its header"))?;
        let [m0, m1, m2, m3, format, s0, s1, s2, s3, r0, r1, r2, r3, l0, l1, l2, l3, c0, c1, c2, c3] = *head;
        if [m0, m1, m2, m3] != *MAGIC {
            return Err(bad("does not start with the magic FRNB"));
        }
        if format != FORMAT {
            return Err(Error::unsupported(format!(
                "hot block {name}: format version {format}; this FirnDB reads version {FORMAT}"
            )));
        }
        let expected = u32::from_be_bytes([c0, c1, c2, c3]);
        let found = crc32c::crc32c_append(crc32c::crc32c(head.get(..HEADER - 4).unwrap_or_default()), rest);
        if expected != found {
            return Err(bad(&format!("checksum {found:08x}, expected {expected:08x}")));
        }
        let message = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        if message > rest.len() {
            return Err(bad("shorter than its message"));
        }
        Ok(Self {
            schema_version: u32::from_be_bytes([s0, s1, s2, s3]),
            rows: u32::from_be_bytes([r0, r1, r2, r3]),
            message,
            bytes,
        })
    }

    /// Decodes the rows as `schema`, which must be that of [`Self::schema_version`].
    ///
    /// # Errors
    /// `Corrupt` when the message does not fit the schema.
    pub fn decode(&self, schema: SchemaRef) -> Result<RecordBatch> {
        let bad = |what: String| Error::corrupt(format!("hot block: {what}"));
        let message = self.bytes.get(HEADER..HEADER + self.message).unwrap_or_default();
        let body = Buffer::from(self.bytes.slice(HEADER + self.message..));
        let message = root_as_message(message).map_err(|e| bad(format!("bad Arrow message: {e}")))?;
        let header = message.header_as_record_batch().ok_or_else(|| bad("no record batch".to_owned()))?;
        let batch = read_record_batch(&body, header, schema, &HashMap::new(), None, &message.version())
            .map_err(|e| bad(e.to_string()))?;
        if batch.num_rows() != self.rows as usize {
            return Err(bad(format!("{} rows, expected {}", batch.num_rows(), self.rows)));
        }
        Ok(batch)
    }
}

/// The highest `_seq` in the block `bytes` of `def`. `name` is for messages.
///
/// # Errors
/// As [`Block::parse`] and [`Block::decode`]; `Corrupt` for a block without versions.
pub fn last_seq(def: &TableDef, bytes: Bytes, name: &dyn std::fmt::Display) -> Result<SeqId> {
    let block = Block::parse(bytes, name)?;
    let rows = block.decode(def.row_schema_at(block.schema_version)?)?;
    let seqs = rows.columns().first().and_then(|seqs| seqs.as_any().downcast_ref::<Int64Array>());
    let last = seqs.filter(|seqs| seqs.null_count() == 0).and_then(arrow::compute::max);
    last.map(SeqId::from_i64).ok_or_else(|| Error::corrupt(format!("hot block {name}: no _seq")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BooleanArray, StringArray};

    use super::*;

    fn batch() -> RecordBatch {
        RecordBatch::try_from_iter(vec![
            ("_seq", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
            ("_deleted", Arc::new(BooleanArray::from(vec![false, true]))),
            ("body", Arc::new(StringArray::from(vec![Some("snow"), None]))),
        ])
        .unwrap()
    }

    #[test]
    fn a_block_round_trips() {
        let bytes = encode(7, &batch()).unwrap();
        let block = Block::parse(bytes, &"t").unwrap();
        assert_eq!((block.schema_version, block.rows), (7, 2));
        assert_eq!(block.decode(batch().schema()).unwrap(), batch());
    }

    #[test]
    fn every_altered_byte_is_noticed() {
        let bytes = encode(7, &batch()).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.to_vec();
            altered[at] ^= 0x40;
            assert!(Block::parse(altered.into(), &"t").is_err(), "byte {at}");
        }
        for length in 0..bytes.len() {
            assert!(Block::parse(bytes.slice(..length), &"t").is_err(), "length {length}");
        }
    }
}
