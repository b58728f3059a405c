//! The live rows of several batch files as one sequence, ordered by key, a window of each file in memory.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use arrow::row::Rows;

use crate::cold::{ColdCaches, ColdFile, FileSchema, ReadCounters, read_rows};
use crate::compact::claim::Input;
use crate::error::{Error, Result};
use crate::flush::sizes::row_sizes;
use crate::key::KeyEncoder;

/// Rows of a file's first window, and at most of any.
const FIRST_WINDOW: usize = 1024;
const MOST_ROWS: usize = 64 * 1024;
/// Bytes of memory that a window should take.
const WINDOW_BYTES: usize = 4 << 20;

/// Rows that a merge gives at a time, and bytes of memory that they pass by less than a row.
const MERGED_ROWS: usize = 8192;
const MERGED_BYTES: usize = 8 << 20;

/// Merges batch files of one table, of which no two have a live row of the same key.
#[derive(Debug)]
pub struct Merge<'a> {
    caches: &'a Arc<ColdCaches>,
    schema: &'a FileSchema,
    encoder: KeyEncoder,
    counters: Arc<ReadCounters>,
    cursors: Vec<Cursor<'a>>,
}

/// A file, and the rows of it that come next.
#[derive(Debug)]
struct Cursor<'a> {
    input: &'a Input,
    /// The first row that no window has had.
    next_row: u32,
    /// Rows of the next window.
    window_rows: usize,
    window: Option<Window>,
    /// The row of the window that comes next.
    row: usize,
}

#[derive(Debug)]
struct Window {
    rows: RecordBatch,
    keys: Rows,
    sizes: Vec<usize>,
}

impl Cursor<'_> {
    fn key(&self) -> Option<&[u8]> {
        let window = self.window.as_ref()?;
        (self.row < window.keys.num_rows()).then(|| window.keys.row(self.row).data())
    }

    /// How many rows come before one whose key is `end` or above.
    fn rows_below(&self, end: Option<&[u8]>) -> usize {
        let Some(window) = &self.window else { return 0 };
        let (mut low, mut high) = (self.row, window.keys.num_rows());
        let Some(end) = end else { return high - low };
        while low < high {
            let middle = low + (high - low) / 2;
            if window.keys.row(middle).data() < end {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low - self.row
    }

    /// The numbers of the next live rows, as many as a window has.
    fn next_rows(&mut self) -> Vec<u32> {
        let rows = u32::try_from(self.input.file.entry().rows).unwrap_or(u32::MAX);
        let mut numbers = Vec::new();
        while numbers.len() < self.window_rows && self.next_row < rows {
            if !self.input.dead.contains(self.next_row) {
                numbers.push(self.next_row);
            }
            self.next_row += 1;
        }
        numbers
    }
}

impl<'a> Merge<'a> {
    /// A merge of `inputs`, as rows of `schema`.
    ///
    /// # Errors
    /// `Corrupt` when a file is damaged; what the blob store reports.
    pub async fn new(
        caches: &'a Arc<ColdCaches>,
        schema: &'a FileSchema,
        inputs: &'a [Input],
    ) -> Result<Self> {
        let cursors = inputs.iter().map(|input| Cursor {
            input,
            next_row: 0,
            window_rows: FIRST_WINDOW,
            window: None,
            row: 0,
        });
        let mut merge = Self {
            caches,
            schema,
            encoder: schema.key_encoder()?,
            counters: Arc::default(),
            cursors: cursors.collect(),
        };
        for at in 0..merge.cursors.len() {
            merge.load(at).await?;
        }
        Ok(merge)
    }

    /// The next rows, keys ascending, and the bytes of each; `None` after the last.
    ///
    /// # Errors
    /// As [`Self::new`]; `Corrupt` too when two files have a live row of one key.
    pub async fn next(&mut self) -> Result<Option<(RecordBatch, Vec<usize>)>> {
        let mut parts: Vec<RecordBatch> = Vec::new();
        let mut places: Vec<(usize, usize)> = Vec::new();
        let mut sizes: Vec<usize> = Vec::new();
        let mut bytes = 0;
        // Which of `parts` the window of a cursor is.
        let mut part_of: Vec<Option<usize>> = vec![None; self.cursors.len()];
        while places.len() < MERGED_ROWS && bytes < MERGED_BYTES {
            let Some((at, end)) = self.lowest()? else { break };
            let Some(cursor) = self.cursors.get_mut(at) else { break };
            let Some(window) = &cursor.window else { break };
            let part = *part_of.get_mut(at).ok_or_else(lost)?.get_or_insert_with(|| {
                parts.push(window.rows.clone());
                parts.len() - 1
            });
            let mut below = end;
            while below > 0 && places.len() < MERGED_ROWS && bytes < MERGED_BYTES {
                let size = window.sizes.get(cursor.row).copied().unwrap_or_default();
                places.push((part, cursor.row));
                sizes.push(size);
                bytes += size;
                cursor.row += 1;
                below -= 1;
            }
            if cursor.key().is_none() {
                self.load(at).await?;
                *part_of.get_mut(at).ok_or_else(lost)? = None;
            }
        }
        if places.is_empty() {
            return Ok(None);
        }
        let parts: Vec<&RecordBatch> = parts.iter().collect();
        Ok(Some((interleave_record_batch(&parts, &places)?, sizes)))
    }

    /// The cursor whose key is the lowest, and how many of its rows come before any of the others'.
    fn lowest(&self) -> Result<Option<(usize, usize)>> {
        let mut lowest: Option<(&[u8], usize)> = None;
        let mut second: Option<(&[u8], usize)> = None;
        for (at, cursor) in self.cursors.iter().enumerate() {
            let Some(key) = cursor.key() else { continue };
            if lowest.is_none_or(|(low, _)| key < low) {
                second = lowest.replace((key, at));
            } else if second.is_none_or(|(low, _)| key < low) {
                second = Some((key, at));
            }
        }
        let Some((key, at)) = lowest else { return Ok(None) };
        if let Some((_, other)) = second.filter(|(other, _)| *other == key) {
            return Err(self.twice(at, other));
        }
        let rows = self.cursors.get(at).map_or(0, |cursor| cursor.rows_below(second.map(|(key, _)| key)));
        Ok(Some((at, rows)))
    }

    fn twice(&self, one: usize, other: usize) -> Error {
        let path = |at: usize| self.cursors.get(at).map(|c| c.input.file.path().to_string());
        Error::corrupt(format!(
            "batch files {} and {}: expected every key in one of them, found one in both",
            path(one).unwrap_or_default(),
            path(other).unwrap_or_default()
        ))
    }

    /// Reads the next window of a file, if it has one.
    async fn load(&mut self, at: usize) -> Result<()> {
        let cursor = self.cursors.get_mut(at).ok_or_else(lost)?;
        let numbers = cursor.next_rows();
        cursor.row = 0;
        if numbers.is_empty() {
            cursor.window = None;
            return Ok(());
        }
        let file: &ColdFile = &cursor.input.file;
        let rows = read_rows(file, self.caches, &self.counters, self.schema, &numbers).await?;
        let bytes = rows.get_array_memory_size().max(1);
        cursor.window_rows = (numbers.len().saturating_mul(WINDOW_BYTES) / bytes).clamp(1, MOST_ROWS);
        let keys = self.encoder.encode(&self.schema.key_of(&rows)?)?;
        let sizes = row_sizes(&rows);
        cursor.window = Some(Window { rows, keys, sizes });
        Ok(())
    }
}

fn lost() -> Error {
    Error::internal("a merge of batch files lost its place")
}
