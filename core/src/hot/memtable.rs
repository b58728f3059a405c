//! The row versions of one scope that are not yet cold, in memory.
//!
//! Versions lie in the order of their commits, so in the order of `_seq`: those up to a snapshot are a
//! prefix, and a flush removes a prefix. A row is named by its position in that order, which never
//! changes while chunks are merged. Readers hold `Arc`s of chunks and are not disturbed by writers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{Array, BooleanArray, BooleanBufferBuilder, Int64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::row::Rows;
use hashbrown::hash_map::EntryRef;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use parking_lot::Mutex;
use std::hash::BuildHasher;

use crate::catalog::TableDef;
use crate::error::{Error, Result};
use crate::hot::ordered::{Hits, IndexSearch, OrderedIndex};
use crate::key::KeyEncoder;
use crate::types::{ColumnId, SeqId};

/// Chunks of at most this many rows are merged with their neighbours.
const MERGE_ROWS: usize = 4096;
/// So many neighbours of one size class are merged at a time: a row is copied once per class.
const MERGE_FAN: usize = 16;
/// Chunks are merged up to so many bytes: copying large rows again and again buys nothing.
const MERGE_BYTES: usize = 16 << 20;
/// So many rows are fetched by an index, however few there are.
const FEW_ROWS: usize = 64;
/// "No earlier version in this memtable."
const NONE: u64 = u64::MAX;

/// Some consecutive row versions of one schema version.
#[derive(Debug)]
pub struct Chunk {
    /// `_seq`, `_deleted`, the table's columns as of `schema_version`.
    pub batch: RecordBatch,
    /// The schema version of `batch`.
    pub schema_version: u32,
    /// The primary key of every row, encoded.
    pub keys: Rows,
    /// Where the key columns lie in `batch`, in key order; it depends on the schema version.
    pub key_columns: Arc<[usize]>,
    first_row: u64,
    /// Per row the `_seq` of the next version of its key, or `i64::MAX`.
    superseded: Vec<AtomicI64>,
    /// Per row the position of the previous version of its key, or `NONE`.
    previous: Vec<u64>,
    bytes: usize,
}

impl Chunk {
    /// The `_seq` of every row, ascending.
    #[must_use]
    pub fn seqs(&self) -> &[i64] {
        self.batch.column(0).as_any().downcast_ref::<Int64Array>().map_or(&[], |a| a.values())
    }

    /// Whether `row` of this chunk is a tombstone.
    #[must_use]
    pub fn is_deleted(&self, row: usize) -> bool {
        let flags = self.batch.column(1).as_any().downcast_ref::<BooleanArray>();
        flags.is_some_and(|f| row < f.len() && f.value(row))
    }

    /// How many of its rows a snapshot at `seq` includes; they come first.
    #[must_use]
    pub fn rows_through(&self, seq: SeqId) -> usize {
        self.seqs().partition_point(|s| *s <= seq.as_i64())
    }

    /// The rows that are the latest version of their key at `seq`; tombstones only if asked for.
    #[must_use]
    pub fn latest_at(&self, seq: SeqId, tombstones: bool) -> BooleanArray {
        self.latest_after(SeqId::ZERO, seq, tombstones)
    }

    /// Of [`Self::latest_at`] those above `expired`: a key whose latest version is not has no row.
    #[must_use]
    pub fn latest_after(&self, expired: SeqId, seq: SeqId, tombstones: bool) -> BooleanArray {
        let mut mask = BooleanBufferBuilder::new(self.batch.num_rows());
        let included = self.rows_through(seq);
        let gone = self.rows_through(expired).min(included);
        mask.append_n(gone, false);
        for (row, superseded) in self.superseded.iter().enumerate().take(included).skip(gone) {
            let next = superseded.load(Ordering::Acquire);
            let latest = next == i64::MAX || next > seq.as_i64();
            mask.append(latest && (tombstones || !self.is_deleted(row)));
        }
        mask.append_n(self.batch.num_rows() - included, false);
        BooleanArray::new(mask.finish(), None)
    }

    /// Whether `row` is the latest version of its key at `seq`, and no tombstone.
    #[must_use]
    pub fn is_row_at(&self, row: usize, seq: SeqId) -> bool {
        let included = self.seqs().get(row).is_some_and(|s| *s <= seq.as_i64());
        let next = self.superseded.get(row).map_or(i64::MIN, |s| s.load(Ordering::Acquire));
        included && next > seq.as_i64() && !self.is_deleted(row)
    }

    /// The position of its first row.
    #[must_use]
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    fn row_count(&self) -> usize {
        self.superseded.len()
    }

    /// The rows from `from` on, as a chunk of their own.
    fn tail(&self, from: usize, encoder: &KeyEncoder) -> Result<Self> {
        let batch = self.batch.slice(from, self.batch.num_rows() - from);
        let keys = encode_keys(&batch, encoder, &self.key_columns)?;
        let superseded = self.superseded.iter().skip(from).map(|s| AtomicI64::new(s.load(Ordering::Acquire)));
        Ok(Self {
            bytes: batch_bytes(&batch, &keys),
            schema_version: self.schema_version,
            first_row: self.first_row + from as u64,
            superseded: superseded.collect(),
            previous: self.previous.iter().skip(from).copied().collect(),
            key_columns: Arc::clone(&self.key_columns),
            batch,
            keys,
        })
    }
}

/// The versions of one scope, and the latest position of every key.
#[derive(Debug)]
pub struct Memtable {
    encoder: Arc<KeyEncoder>,
    chunks: Arc<Vec<Arc<Chunk>>>,
    /// (hash of the key, position of its latest version).
    index: HashTable<(u64, u64)>,
    hasher: DefaultHashBuilder,
    next_row: u64,
    bytes: usize,
    /// What of it is searched by other columns, by these.
    ordered: Mutex<HashMap<Vec<ColumnId>, OrderedIndex>>,
}

/// The latest version of one key at a snapshot.
#[derive(Debug, Clone)]
pub struct Version {
    /// The chunk it lies in.
    pub chunk: Arc<Chunk>,
    /// Its row there.
    pub row: usize,
}

impl Version {
    /// Its `_seq`.
    #[must_use]
    pub fn seq(&self) -> SeqId {
        SeqId::from_i64(self.chunk.seqs().get(self.row).copied().unwrap_or_default())
    }

    /// Whether it is a tombstone.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.chunk.is_deleted(self.row)
    }
}

impl Memtable {
    /// An empty memtable for keys of `encoder`.
    #[must_use]
    pub fn new(encoder: Arc<KeyEncoder>) -> Self {
        Self {
            encoder,
            chunks: Arc::default(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            next_row: 0,
            bytes: 0,
            ordered: Mutex::default(),
        }
    }

    /// The rows that `search` finds at `seq`, in the order of their commits; `None` when a look at every row is
    /// less work, or `def` is too old for some.
    ///
    /// # Errors
    /// As [`OrderedIndex::catch_up`].
    pub fn search(&self, def: &TableDef, search: &IndexSearch, seq: SeqId) -> Result<Option<Vec<Hits>>> {
        let mut ordered = self.ordered.lock();
        let index = match ordered.entry_ref(&search.columns) {
            EntryRef::Occupied(found) => found.into_mut(),
            EntryRef::Vacant(none) => none.insert(OrderedIndex::new(def, &search.columns)?),
        };
        if !index.catch_up(def, &self.chunks)? {
            return Ok(None);
        }
        let found = index.positions(&search.ranges, self.rows() / 4 + FEW_ROWS);
        Ok(found.map(|positions| Hits::at(&self.chunks, &positions, seq)))
    }

    /// The chunks, in the order of their commits; what is appended later is not in them.
    #[must_use]
    pub fn chunks(&self) -> Arc<Vec<Arc<Chunk>>> {
        Arc::clone(&self.chunks)
    }

    /// How many versions it holds.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.chunks.iter().map(|c| c.row_count()).sum()
    }

    /// How many bytes of memory it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let ordered: usize = self.ordered.lock().values().map(OrderedIndex::bytes).sum();
        self.bytes + self.index.capacity() * 17 + ordered
    }

    /// The `_seq` of its oldest version.
    #[must_use]
    pub fn first_seq(&self) -> Option<SeqId> {
        self.chunks.first().and_then(|c| c.seqs().first()).map(|s| SeqId::from_i64(*s))
    }

    /// How many of its versions are not above `seq`.
    #[must_use]
    pub fn rows_through(&self, seq: SeqId) -> usize {
        let chunks = self.chunks.iter().map(|chunk| chunk.rows_through(seq));
        // What lies behind a chunk that is not included whole is above.
        chunks.take_while(|included| *included > 0).sum()
    }

    /// The latest version of `key` that a snapshot at `seq` includes.
    #[must_use]
    pub fn latest(&self, key: &[u8], seq: SeqId) -> Option<Version> {
        let hash = self.hasher.hash_one(key);
        let found = self.index.find(hash, |(h, row)| *h == hash && self.key_is(*row, key))?;
        let mut at = found.1;
        loop {
            let version = self.version(at)?;
            if version.seq() <= seq {
                return Some(version);
            }
            at = *version.chunk.previous.get(version.row)?;
            if at == NONE {
                return None;
            }
        }
    }

    /// Appends versions whose `_seq` ascend and are higher than all before; a key may repeat.
    ///
    /// # Errors
    /// `Internal` when the batch has not the columns of a row version.
    pub fn append(
        &mut self,
        batch: RecordBatch,
        schema_version: u32,
        key_columns: Arc<[usize]>,
    ) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let keys = encode_keys(&batch, &self.encoder, &key_columns)?;
        let rows = batch.num_rows();
        let chunk = Chunk {
            bytes: batch_bytes(&batch, &keys),
            batch,
            schema_version,
            keys,
            first_row: self.next_row,
            superseded: (0..rows).map(|_| AtomicI64::new(i64::MAX)).collect(),
            previous: vec![NONE; rows],
            key_columns,
        };
        self.next_row += rows as u64;
        self.bytes += chunk.bytes;
        self.link(chunk);
        self.merge_small();
        Ok(())
    }

    /// Points the index at the rows of `chunk`, ties them to the versions they supersede, and adds it.
    fn link(&mut self, mut chunk: Chunk) {
        for row in 0..chunk.row_count() {
            let key = chunk.keys.row(row);
            let hash = self.hasher.hash_one(key.data());
            let position = chunk.first_row + row as u64;
            let seq = chunk.seqs().get(row).copied().unwrap_or_default();
            let chunks = &self.chunks;
            let same = |(h, at): &(u64, u64)| {
                *h == hash
                    && match at.checked_sub(chunk.first_row) {
                        Some(own) => chunk.keys.row(own as usize) == key,
                        None => locate(chunks, *at).is_some_and(|(c, r)| c.keys.row(r).data() == key.data()),
                    }
            };
            match self.index.find_mut(hash, same) {
                Some(entry) => {
                    let previous = std::mem::replace(&mut entry.1, position);
                    let superseded = match previous.checked_sub(chunk.first_row) {
                        Some(own) => chunk.superseded.get(own as usize),
                        None => locate(&self.chunks, previous).and_then(|(c, r)| c.superseded.get(r)),
                    };
                    if let Some(superseded) = superseded {
                        superseded.store(seq, Ordering::Release);
                    }
                    if let Some(slot) = chunk.previous.get_mut(row) {
                        *slot = previous;
                    }
                }
                None => {
                    self.index.insert_unique(hash, (hash, position), |(h, _)| *h);
                }
            }
        }
        Arc::make_mut(&mut self.chunks).push(Arc::new(chunk));
    }

    /// Merges the newest chunks while there are many of one size class, so that ten thousand
    /// single-row commits do not leave ten thousand chunks to scan.
    fn merge_small(&mut self) {
        let mut class = MERGE_FAN;
        while class <= MERGE_ROWS {
            let mut bytes = 0;
            let version = self.chunks.last().map(|c| c.schema_version);
            let run = self
                .chunks
                .iter()
                .rev()
                .take_while(|c| c.row_count() <= class && Some(c.schema_version) == version)
                .take_while(|c| {
                    bytes += c.bytes;
                    bytes <= MERGE_BYTES
                })
                .count();
            // A chunk more costs reads a little; versions that are committed must not be lost to merging.
            if run >= MERGE_FAN
                && let Err(error) = self.merge_last(run)
            {
                tracing::warn!(%error, "chunks of hot rows could not be merged");
            }
            class *= MERGE_FAN;
        }
    }

    fn merge_last(&mut self, count: usize) -> Result<()> {
        let kept = self.chunks.len().saturating_sub(count);
        let run = self.chunks.get(kept..).unwrap_or_default();
        let Some(first) = run.first() else { return Ok(()) };
        let batch = concat_batches(first.batch.schema_ref(), run.iter().map(|c| &c.batch))?;
        let keys = encode_keys(&batch, &self.encoder, &first.key_columns)?;
        let superseded = run.iter().flat_map(|c| &c.superseded);
        let merged = Chunk {
            bytes: batch_bytes(&batch, &keys),
            schema_version: first.schema_version,
            first_row: first.first_row,
            superseded: superseded.map(|s| AtomicI64::new(s.load(Ordering::Acquire))).collect(),
            previous: run.iter().flat_map(|c| c.previous.iter().copied()).collect(),
            key_columns: Arc::clone(&first.key_columns),
            batch,
            keys,
        };
        let before: usize = run.iter().map(|c| c.bytes).sum();
        self.bytes = self.bytes + merged.bytes - before;
        let chunks = Arc::make_mut(&mut self.chunks);
        chunks.truncate(kept);
        chunks.push(Arc::new(merged));
        Ok(())
    }

    /// Forgets every version up to `seq`: a flush has made them cold, or they have expired.
    ///
    /// # Errors
    /// `Internal` when a chunk cannot be divided.
    pub fn truncate_through(&mut self, seq: SeqId) -> Result<()> {
        let mut kept = Vec::new();
        let dropped: Vec<Arc<Chunk>> = self.chunks.iter().map(Arc::clone).collect();
        for chunk in &dropped {
            let gone = chunk.rows_through(seq);
            for row in 0..gone {
                let hash = self.hasher.hash_one(chunk.keys.row(row).data());
                let position = chunk.first_row + row as u64;
                if let Ok(entry) = self.index.find_entry(hash, |(_, at)| *at == position) {
                    entry.remove();
                }
            }
            if gone == 0 {
                kept.push(Arc::clone(chunk));
            } else if gone < chunk.row_count() {
                kept.push(Arc::new(chunk.tail(gone, &self.encoder)?));
            }
        }
        if self.index.len() * 4 < self.index.capacity() {
            self.index.shrink_to_fit(|(h, _)| *h);
        }
        self.bytes = kept.iter().map(|c| c.bytes).sum();
        self.chunks = Arc::new(kept);
        Ok(())
    }

    fn key_is(&self, position: u64, key: &[u8]) -> bool {
        locate(&self.chunks, position).is_some_and(|(chunk, row)| chunk.keys.row(row).data() == key)
    }

    fn version(&self, position: u64) -> Option<Version> {
        let (chunk, row) = locate(&self.chunks, position)?;
        Some(Version { chunk: Arc::clone(chunk), row })
    }
}

/// The chunk and the row in it at `position`.
pub(super) fn locate(chunks: &[Arc<Chunk>], position: u64) -> Option<(&Arc<Chunk>, usize)> {
    let after = chunks.partition_point(|c| c.first_row <= position);
    let chunk = chunks.get(after.checked_sub(1)?)?;
    let row = usize::try_from(position - chunk.first_row).ok()?;
    (row < chunk.row_count()).then_some((chunk, row))
}

fn encode_keys(batch: &RecordBatch, encoder: &KeyEncoder, key_columns: &[usize]) -> Result<Rows> {
    let columns: Option<Vec<_>> = key_columns.iter().map(|i| batch.columns().get(*i).cloned()).collect();
    let columns = columns.ok_or_else(|| Error::internal("a row version lacks a key column"))?;
    encoder.encode(&columns)
}

fn batch_bytes(batch: &RecordBatch, keys: &Rows) -> usize {
    batch.get_array_memory_size() + keys.size() + batch.num_rows() * 16
}

#[cfg(test)]
mod tests {
    use arrow::array::ArrayRef;
    use arrow::datatypes::DataType;

    use super::*;

    fn rows(versions: &[(i64, bool, i64)]) -> RecordBatch {
        let seqs: Vec<i64> = versions.iter().map(|v| v.0).collect();
        let deleted: Vec<bool> = versions.iter().map(|v| v.1).collect();
        let keys: Vec<i64> = versions.iter().map(|v| v.2).collect();
        RecordBatch::try_from_iter(vec![
            ("_seq", Arc::new(Int64Array::from(seqs)) as ArrayRef),
            ("_deleted", Arc::new(BooleanArray::from(deleted))),
            ("id", Arc::new(Int64Array::from(keys))),
        ])
        .unwrap()
    }

    fn table() -> Memtable {
        Memtable::new(Arc::new(KeyEncoder::new(&[DataType::Int64]).unwrap()))
    }

    fn key(id: i64) -> Vec<u8> {
        let encoder = KeyEncoder::new(&[DataType::Int64]).unwrap();
        let rows = encoder.encode(&[Arc::new(Int64Array::from(vec![id])) as ArrayRef]).unwrap();
        rows.row(0).data().to_vec()
    }

    fn live(table: &Memtable, seq: i64) -> Vec<(i64, i64)> {
        let mut found = Vec::new();
        for chunk in table.chunks().iter() {
            let mask = chunk.latest_at(SeqId::from_i64(seq), false);
            let ids = chunk.batch.column(2).as_any().downcast_ref::<Int64Array>().unwrap();
            for row in 0..mask.len() {
                if mask.value(row) {
                    found.push((ids.value(row), chunk.seqs()[row]));
                }
            }
        }
        found.sort_unstable();
        found
    }

    #[test]
    fn every_snapshot_sees_its_own_versions() {
        let mut t = table();
        t.append(rows(&[(1, false, 10), (2, false, 20)]), 1, Arc::from([2])).unwrap();
        t.append(rows(&[(3, false, 10), (4, true, 20), (5, false, 10)]), 1, Arc::from([2])).unwrap();
        assert_eq!(live(&t, 0), vec![]);
        assert_eq!(live(&t, 2), vec![(10, 1), (20, 2)]);
        assert_eq!(live(&t, 3), vec![(10, 3), (20, 2)]);
        assert_eq!(live(&t, 5), vec![(10, 5)]);
        let at =
            |id, seq| t.latest(&key(id), SeqId::from_i64(seq)).map(|v| (v.seq().as_i64(), v.is_deleted()));
        assert_eq!(at(10, 2), Some((1, false)));
        assert_eq!(at(10, 4), Some((3, false)));
        assert_eq!(at(20, 9), Some((4, true)));
        assert_eq!(at(30, 9), None);
        assert_eq!(at(20, 1), None);
    }

    #[test]
    fn a_key_whose_latest_version_has_expired_has_no_row() {
        let mut t = table();
        t.append(rows(&[(1, false, 10), (2, false, 20), (3, false, 30)]), 1, Arc::from([2])).unwrap();
        t.append(rows(&[(4, false, 20), (5, true, 30)]), 1, Arc::from([2])).unwrap();
        t.append(rows(&[(6, false, 10)]), 1, Arc::from([2])).unwrap();
        let alive = |expired: i64, seq: i64, tombstones: bool| -> Vec<i64> {
            let (expired, seq) = (SeqId::from_i64(expired), SeqId::from_i64(seq));
            let mut found = Vec::new();
            for chunk in t.chunks().iter() {
                let mask = chunk.latest_after(expired, seq, tombstones);
                assert_eq!(mask.len(), chunk.batch.num_rows());
                found.extend((0..mask.len()).filter(|row| mask.value(*row)).map(|row| chunk.seqs()[row]));
            }
            found
        };
        assert_eq!(alive(0, 9, true), [4, 5, 6]);
        assert_eq!(alive(3, 9, false), [4, 6]);
        assert_eq!(alive(4, 9, true), [5, 6], "20 is gone, not version 2 again");
        assert_eq!(alive(6, 9, true), [0; 0]);
        // On a snapshot before version 6 it is version 1 of key 10 that counts, and is expired.
        assert_eq!(alive(1, 5, false), [4]);
        assert_eq!(alive(9, 2, false), [0; 0]);
        let through = |seq| t.rows_through(SeqId::from_i64(seq));
        assert_eq!([0, 2, 3, 4, 9].map(through), [0, 2, 3, 4, 6]);
    }

    #[test]
    fn many_small_commits_merge_and_still_answer() {
        let mut t = table();
        for seq in 1..=5000_i64 {
            t.append(rows(&[(seq, false, seq % 700)]), 1, Arc::from([2])).unwrap();
        }
        assert!(t.chunks().len() < 80, "{} chunks", t.chunks().len());
        assert_eq!(live(&t, 5000).len(), 700);
        assert_eq!(t.latest(&key(3), SeqId::from_i64(10)).unwrap().seq().as_i64(), 3);
        assert_eq!(t.latest(&key(3), SeqId::from_i64(5000)).unwrap().seq().as_i64(), 4903);
        assert_eq!(
            live(&t, 700),
            (0..700).map(|id| (id, if id == 0 { 700 } else { id })).collect::<Vec<_>>()
        );
    }

    #[test]
    fn truncation_keeps_what_is_newer_and_readers_keep_what_they_hold() {
        let mut t = table();
        t.append(rows(&[(1, false, 1), (2, false, 2)]), 1, Arc::from([2])).unwrap();
        t.append(rows(&[(3, false, 1), (4, false, 3)]), 1, Arc::from([2])).unwrap();
        let held = t.chunks();
        t.truncate_through(SeqId::from_i64(3)).unwrap();
        assert_eq!(t.rows(), 1);
        assert_eq!(live(&t, 9), vec![(3, 4)]);
        assert!(t.latest(&key(1), SeqId::MAX).is_none());
        t.append(rows(&[(5, false, 1)]), 1, Arc::from([2])).unwrap();
        assert_eq!(t.latest(&key(1), SeqId::MAX).unwrap().seq().as_i64(), 5);
        assert_eq!(held.iter().map(|c| c.batch.num_rows()).sum::<usize>(), 4);
    }

    #[test]
    fn large_chunks_are_not_merged_and_small_ones_are() {
        for (bytes, chunks) in [(1 << 20, 64), (100, 4)] {
            let mut t = table();
            for id in 0..64 {
                let body: ArrayRef = Arc::new(arrow::array::BinaryArray::from_vec(vec![&vec![0; bytes][..]]));
                let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
                let row = rows(&[(id + 1, false, id)]);
                for (field, column) in row.schema_ref().fields().iter().zip(row.columns()) {
                    columns.push((if field.name() == "id" { "id" } else { "x" }, Arc::clone(column)));
                }
                columns.push(("body", body));
                t.append(RecordBatch::try_from_iter(columns).unwrap(), 1, Arc::new([2])).unwrap();
            }
            assert_eq!(t.rows(), 64, "{bytes} bytes a row");
            assert!(t.chunks().len() <= chunks && t.chunks().len() * 16 >= chunks, "{}", t.chunks().len());
            assert_eq!(live(&t, 64).len(), 64);
        }
    }
}
