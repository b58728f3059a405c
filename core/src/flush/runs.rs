//! More rows than memory should hold, sorted by key: in runs that are each sorted, and merged when they are read.
//!
//! A run is a blob in [`RUNS`], outside of every namespace's directory; it holds blocks as the hot tier has them,
//! and only the load that wrote it knows where in it each begins. Runs that a crash leaves are removed when the
//! store is next opened.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::row::Rows;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use crate::catalog::TableDef;
use crate::dml::repeated;
use crate::error::{Error, Result};
use crate::flush::sizes::row_sizes;
use crate::hot::block::{self, Block};
use crate::key::KeyEncoder;
use crate::tiers::Tiers;

/// The directory of runs among the blobs; no namespace has a directory of this name.
const RUNS: &str = "_runs";

/// Rows of a block, and bytes of memory that they pass by less than a row.
const BLOCK_ROWS: usize = 4096;
const BLOCK_BYTES: usize = 1 << 20;

/// Rows that a merge gives at a time, and bytes of memory that they pass by less than a row.
const MERGED_ROWS: usize = 8192;
const MERGED_BYTES: usize = 8 * BLOCK_BYTES;

/// Row versions in sorted runs.
#[derive(Debug)]
pub struct Runs {
    def: Arc<TableDef>,
    encoder: Arc<KeyEncoder>,
    runs: Vec<Run>,
    rows: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Run {
    path: Path,
    /// Where each of its blocks is.
    blocks: Vec<Range<u64>>,
}

impl Runs {
    /// No runs of rows of `def`.
    ///
    /// # Errors
    /// `Unsupported` when its key has no order.
    pub fn new(def: &Arc<TableDef>) -> Result<Self> {
        let encoder = Arc::new(KeyEncoder::new(&def.key_types())?);
        Ok(Self { def: Arc::clone(def), encoder, runs: Vec::new(), rows: 0, bytes: 0 })
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many bytes they have together, as [`row_sizes`] counts them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds row versions of the table, in any order.
    ///
    /// # Errors
    /// `Constraint` when two of them have one key; what the blob store reports.
    pub async fn add(&mut self, tiers: &Tiers, batches: &[RecordBatch]) -> Result<()> {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if rows == 0 {
            return Ok(());
        }
        self.rows += rows;
        let sizes: Vec<Vec<usize>> = batches.iter().map(row_sizes).collect();
        self.bytes += sizes.iter().flatten().sum::<usize>();
        let order = self.sorted(batches)?;
        let sources: Vec<&RecordBatch> = batches.iter().collect();
        let (mut blocks, mut parts, mut end) = (Vec::new(), Vec::new(), 0_u64);
        for places in cut(&order, &sizes) {
            let block = block::encode(self.def.schema_version, &interleave_record_batch(&sources, places)?)?;
            let start = end;
            end += block.len() as u64;
            blocks.push(start..end);
            parts.push(block);
        }
        // A number that nothing else has.
        let number = tiers.seqs.allocate(1).await?;
        let number = number.first().map_or(0, |seq| seq.as_i64());
        let path = Path::from(RUNS).join(number.to_string());
        self.runs.push(Run { path: path.clone(), blocks });
        tiers.stores.blobs.put(&path, PutPayload::from_iter(parts)).await?;
        Ok(())
    }

    /// The places of all rows in the order of their keys.
    fn sorted(&self, batches: &[RecordBatch]) -> Result<Vec<(usize, usize)>> {
        let keys = batches.iter().map(|batch| self.keys(batch)).collect::<Result<Vec<Rows>>>()?;
        let mut order: Vec<(usize, usize)> = keys
            .iter()
            .enumerate()
            .flat_map(|(batch, rows)| (0..rows.num_rows()).map(move |row| (batch, row)))
            .collect();
        let key = |place: &(usize, usize)| keys.get(place.0).map(|rows| rows.row(place.1));
        if !order.is_sorted_by_key(key) {
            order.sort_unstable_by_key(key);
        }
        for pair in order.windows(2) {
            if let [first, second] = pair
                && key(first) == key(second)
                && let Some(batch) = batches.get(second.0)
            {
                return Err(twice(&self.def, batch, second.1));
            }
        }
        Ok(order)
    }

    /// The encoded keys of row versions.
    ///
    /// # Errors
    /// `InvalidInput` when they are not of the table.
    pub fn keys(&self, batch: &RecordBatch) -> Result<Rows> {
        self.encoder.encode(&key_columns(&self.def, batch))
    }

    /// All rows in the order of their keys.
    ///
    /// # Errors
    /// What the blob store reports.
    pub async fn merged<'a>(&'a self, tiers: &'a Tiers) -> Result<Merge<'a>> {
        let mut merge = Merge {
            tiers,
            runs: self,
            cursors: Vec::new(),
            heap: BinaryHeap::new(),
            batches: Vec::new(),
            sizes: Vec::new(),
        };
        for run in 0..self.runs.len() {
            merge.cursors.push(Cursor { run, block: 0, keys: None, row: 0, batch: 0 });
            merge.load(run).await?;
        }
        Ok(merge)
    }

    /// Removes the runs, as far as possible: what stays is removed at the next opening.
    pub async fn remove(self, tiers: &Tiers) {
        for run in self.runs {
            remove(tiers.stores.blobs.as_ref(), &run.path).await;
        }
    }
}

/// The rows of each block, which ends with the row that fills it: large rows may be next to each other.
fn cut<'a>(order: &'a [(usize, usize)], sizes: &[Vec<usize>]) -> Vec<&'a [(usize, usize)]> {
    let (mut blocks, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (n, place) in order.iter().enumerate() {
        bytes += size_of(sizes, *place);
        let end = n + 1;
        if bytes >= BLOCK_BYTES || end - start >= BLOCK_ROWS || end == order.len() {
            blocks.extend(order.get(start..end));
            (start, bytes) = (end, 0);
        }
    }
    blocks
}

fn size_of(sizes: &[Vec<usize>], (batch, row): (usize, usize)) -> usize {
    sizes.get(batch).and_then(|sizes| sizes.get(row)).copied().unwrap_or_default()
}

/// Removes runs that a load has left which was cut short.
pub async fn remove_leftovers(tiers: &Tiers) -> Result<()> {
    let blobs = tiers.stores.blobs.as_ref();
    let left: Vec<_> = blobs.list(Some(&Path::from(RUNS))).map_ok(|o| o.location).try_collect().await?;
    for path in left {
        remove(blobs, &path).await;
    }
    Ok(())
}

async fn remove(blobs: &dyn ObjectStore, path: &Path) {
    match blobs.delete(path).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
        Err(error) => tracing::warn!(%error, %path, "a run of sorted rows could not be removed yet"),
    }
}

/// The key columns of row versions, in key order.
#[must_use]
pub fn key_columns(def: &TableDef, batch: &RecordBatch) -> Vec<ArrayRef> {
    // `_seq` and `_deleted` stand before the columns.
    def.key_columns().into_iter().filter_map(|at| batch.columns().get(at + 2).cloned()).collect()
}

/// The error of a key that two rows of the input have.
fn twice(def: &TableDef, batch: &RecordBatch, row: usize) -> Error {
    repeated(def, &key_columns(def, batch), row).context("it is twice in what is loaded")
}

/// The rows of several runs as one sequence.
pub struct Merge<'a> {
    tiers: &'a Tiers,
    runs: &'a Runs,
    cursors: Vec<Cursor>,
    /// The next key of every run that has one, and which cursor that is.
    heap: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
    /// The blocks that the rows come from.
    batches: Vec<RecordBatch>,
    /// Of each of them the bytes of its rows.
    sizes: Vec<Vec<usize>>,
}

struct Cursor {
    run: usize,
    /// The next block to read.
    block: usize,
    keys: Option<Rows>,
    row: usize,
    /// Which of the blocks in memory it is in.
    batch: usize,
}

impl Cursor {
    fn key(&self) -> Option<&[u8]> {
        self.keys.as_ref().filter(|keys| self.row < keys.num_rows()).map(|keys| keys.row(self.row).data())
    }
}

impl Merge<'_> {
    /// The next rows, keys ascending; `None` after the last.
    ///
    /// # Errors
    /// `Constraint` when two rows have one key; `Corrupt` when a run is not as it was written.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        self.forget_read();
        let mut places: Vec<(usize, usize)> = Vec::with_capacity(MERGED_ROWS);
        let mut bytes = 0;
        while places.len() < MERGED_ROWS && bytes < MERGED_BYTES {
            let Some(Reverse((last, at))) = self.heap.pop() else { break };
            let next = self.heap.peek().map(|Reverse((key, _))| key.as_slice());
            let Some(cursor) = self.cursors.get_mut(at) else { break };
            places.push((cursor.batch, cursor.row));
            bytes += size_of(&self.sizes, (cursor.batch, cursor.row));
            if next == Some(last.as_slice()) {
                let batch = self.batches.get(cursor.batch).ok_or_else(lost)?;
                return Err(twice(&self.runs.def, batch, cursor.row));
            }
            cursor.row += 1;
            // As long as the same run comes first, the heap need not know.
            while places.len() < MERGED_ROWS
                && bytes < MERGED_BYTES
                && cursor.key().is_some_and(|key| next.is_none_or(|next| key < next))
            {
                places.push((cursor.batch, cursor.row));
                bytes += size_of(&self.sizes, (cursor.batch, cursor.row));
                cursor.row += 1;
            }
            match cursor.key().map(<[u8]>::to_vec) {
                Some(key) => self.heap.push(Reverse((key, at))),
                None => self.load(at).await?,
            }
        }
        if places.is_empty() {
            return Ok(None);
        }
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        Ok(Some(interleave_record_batch(&batches, &places)?))
    }

    /// Reads the next block of a run, if it has one.
    async fn load(&mut self, at: usize) -> Result<()> {
        let cursor = self.cursors.get_mut(at).ok_or_else(lost)?;
        let run = self.runs.runs.get(cursor.run).ok_or_else(lost)?;
        let Some(range) = run.blocks.get(cursor.block) else { return Ok(()) };
        cursor.block += 1;
        let bytes = self.tiers.stores.blobs.get_range(&run.path, range.clone()).await?;
        let batch = Block::parse(bytes, &run.path)?.decode(self.runs.def.row_schema())?;
        let keys = self.runs.keys(&batch)?;
        if let Some(first) = (keys.num_rows() > 0).then(|| keys.row(0).data().to_vec()) {
            self.heap.push(Reverse((first, at)));
        }
        cursor.keys = Some(keys);
        cursor.row = 0;
        cursor.batch = self.batches.len();
        self.sizes.push(row_sizes(&batch));
        self.batches.push(batch);
        Ok(())
    }

    /// Lets go of the blocks of which all rows were given.
    fn forget_read(&mut self) {
        let mut kept = Vec::with_capacity(self.cursors.len());
        let mut sizes = Vec::with_capacity(self.cursors.len());
        for cursor in &mut self.cursors {
            if cursor.key().is_some()
                && let (Some(batch), Some(of)) =
                    (self.batches.get(cursor.batch), self.sizes.get_mut(cursor.batch))
            {
                cursor.batch = kept.len();
                kept.push(batch.clone());
                sizes.push(std::mem::take(of));
            }
        }
        self.batches = kept;
        self.sizes = sizes;
    }
}

fn lost() -> Error {
    Error::internal("a merge of runs lost its place")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_ends_with_the_row_that_fills_it() {
        let order: Vec<(usize, usize)> = (0..10_000).map(|row| (0, row)).collect();
        let mut sizes = vec![100; 10_000];
        for size in sizes.iter_mut().skip(5000).take(4) {
            *size = BLOCK_BYTES;
        }
        let blocks: Vec<usize> = cut(&order, &[sizes]).iter().map(|block| block.len()).collect();
        assert_eq!(blocks, [4096, 905, 1, 1, 1, 4096, 900]);
        assert_eq!(cut(&[], &[]).len(), 0);
    }
}
