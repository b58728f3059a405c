//! Row versions of a memtable by the values of some columns, in order: what an index is over hot rows.
//!
//! Every version is in it under its own values, so that one structure serves every snapshot: whoever searches keeps
//! the versions that are the latest at its own. An index is brought up to date when it is searched, with the versions
//! appended since; it is of positions, which never change.
//!
//! ```text
//! entry:  per column as in `key.rs`, then the version's position, 8 bytes, big-endian
//! ```

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};

use crate::catalog::TableDef;
use crate::error::{Error, Result};
use crate::hot::memtable::{Chunk, locate};
use crate::key::KeyEncoder;
use crate::types::{ColumnId, SeqId};

/// Bytes of an entry beside its own: its allocation, and its share of a node.
const ENTRY_BYTES: usize = 40;

/// Entries of versions that are no longer hot go once there are so many more of them than of others.
const STALE: usize = 1024;

/// What is sought by an index.
#[derive(Debug, Clone)]
pub struct IndexSearch {
    /// The index's name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<ColumnId>,
    /// Where the values lie, as the bytes of the columns or of the first of them.
    pub ranges: Vec<ByteRange>,
}

/// Bytes from the first on, up to the second, which is not included; absent, to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteRange {
    /// The lowest.
    pub low: Vec<u8>,
    /// The lowest that is above.
    pub high: Option<Vec<u8>>,
}

impl ByteRange {
    /// What begins with `low` or more, and with `high` or less.
    #[must_use]
    pub fn between(low: Vec<u8>, high: Vec<u8>) -> Self {
        Self { low, high: after_all_that_begin_with(high) }
    }
}

/// The lowest bytes above all that begin with `prefix`; `None` when there are none.
fn after_all_that_begin_with(mut prefix: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = prefix.pop() {
        if last < u8::MAX {
            prefix.push(last + 1);
            return Some(prefix);
        }
    }
    None
}

/// Rows of one chunk.
#[derive(Debug, Clone)]
pub struct Hits {
    /// The chunk.
    pub chunk: Arc<Chunk>,
    /// The rows of it, ascending.
    pub rows: Vec<u32>,
}

impl Hits {
    /// What lies at `positions` of `chunks` and is a row at `seq`; both ascend.
    pub(super) fn at(chunks: &[Arc<Chunk>], positions: &[u64], seq: SeqId) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for (chunk, row) in positions.iter().filter_map(|at| locate(chunks, *at)) {
            if !chunk.is_row_at(row, seq) {
                continue;
            }
            match found.last_mut() {
                Some(last) if Arc::ptr_eq(&last.chunk, chunk) => last.rows.push(row as u32),
                _ => found.push(Self { chunk: Arc::clone(chunk), rows: vec![row as u32] }),
            }
        }
        found
    }
}

/// The versions of a memtable, ordered by some columns.
#[derive(Debug)]
pub struct OrderedIndex {
    columns: Vec<ColumnId>,
    encoder: KeyEncoder,
    entries: BTreeSet<Box<[u8]>>,
    /// Versions from this position on are not in it yet.
    end: u64,
    bytes: usize,
}

impl OrderedIndex {
    /// An empty one over `columns` of `def`.
    ///
    /// # Errors
    /// `Internal` when the table has no such columns.
    pub fn new(def: &TableDef, columns: &[ColumnId]) -> Result<Self> {
        let types = columns.iter().map(|id| def.column_by_id(*id).map(|c| c.ty.arrow()));
        let types = types.collect::<Option<Vec<_>>>();
        let types =
            types.ok_or_else(|| Error::internal("an index of columns that the table does not have"))?;
        let encoder = KeyEncoder::new(&types)?;
        Ok(Self { columns: columns.to_vec(), encoder, entries: BTreeSet::new(), end: 0, bytes: 0 })
    }

    /// How many bytes of memory it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes in the versions of `chunks` that it does not have, and drops some that are in none of them; whether
    /// it has all, which it has not when a chunk is younger than `def`.
    ///
    /// # Errors
    /// `Internal` when a chunk lacks a column.
    pub fn catch_up(&mut self, def: &TableDef, chunks: &[Arc<Chunk>]) -> Result<bool> {
        let rows: usize = chunks.iter().map(|chunk| chunk.batch.num_rows()).sum();
        if self.entries.len() > rows * 2 + STALE {
            let first = chunks.first().map_or(u64::MAX, |chunk| chunk.first_row());
            self.entries.retain(|entry| position(entry).is_some_and(|at| at >= first));
            self.bytes = self.entries.iter().map(|entry| entry.len() + ENTRY_BYTES).sum();
        }
        for chunk in chunks {
            let rows = chunk.batch.num_rows();
            let from = usize::try_from(self.end.saturating_sub(chunk.first_row())).unwrap_or(usize::MAX);
            if from < rows {
                if chunk.schema_version > def.schema_version {
                    return Ok(false);
                }
                self.add(def, chunk, from)?;
                self.end = chunk.first_row() + rows as u64;
            }
        }
        Ok(true)
    }

    fn add(&mut self, def: &TableDef, chunk: &Chunk, from: usize) -> Result<()> {
        let rows = chunk.batch.slice(from, chunk.batch.num_rows() - from);
        let keys = self.encoder.encode(&self.values(def, &rows, chunk.schema_version)?)?;
        for (row, key) in keys.iter().enumerate() {
            if chunk.is_deleted(from + row) {
                continue;
            }
            let at = chunk.first_row() + (from + row) as u64;
            let entry = [key.data(), &at.to_be_bytes()].concat();
            self.bytes += entry.len() + ENTRY_BYTES;
            self.entries.insert(entry.into_boxed_slice());
        }
        Ok(())
    }

    /// Its columns of `rows`, which schema version `version` wrote.
    fn values(&self, def: &TableDef, rows: &RecordBatch, version: u32) -> Result<Vec<ArrayRef>> {
        let stored = def.columns_at(version)?;
        let value = |id: &ColumnId| -> Result<ArrayRef> {
            let place = stored.iter().position(|(column, _, _)| column == id);
            if let Some(values) = place.and_then(|at| rows.columns().get(at + 2)) {
                return Ok(Arc::clone(values));
            }
            let column = def.column_by_id(*id);
            let column = column.ok_or_else(|| Error::internal(format!("column {id} of an index is gone")))?;
            Ok(def.missing_value(column)?.to_array_of_size(rows.num_rows())?)
        };
        self.columns.iter().map(value).collect()
    }

    /// The positions of the versions in `ranges`, ascending; `None` when there are more than `limit`.
    #[must_use]
    pub fn positions(&self, ranges: &[ByteRange], limit: usize) -> Option<Vec<u64>> {
        let mut found = Vec::new();
        for range in ranges {
            let high = range.high.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            if range.high.as_ref().is_some_and(|high| *high <= range.low) {
                continue;
            }
            for entry in self.entries.range::<[u8], _>((Bound::Included(range.low.as_slice()), high)) {
                if found.len() == limit {
                    return None;
                }
                found.extend(position(entry));
            }
        }
        found.sort_unstable();
        found.dedup();
        Some(found)
    }
}

/// The position at the end of an entry.
fn position(entry: &[u8]) -> Option<u64> {
    entry.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_behind_all_that_begin_alike() {
        assert_eq!(after_all_that_begin_with(vec![1, 2]), Some(vec![1, 3]));
        assert_eq!(after_all_that_begin_with(vec![1, 0xFF, 0xFF]), Some(vec![2]));
        assert_eq!(after_all_that_begin_with(vec![0xFF]), None);
        assert_eq!(after_all_that_begin_with(vec![]), None);
    }
}
