//! Finding primary keys in a batch file: range, then Bloom filter, then page.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::row::Rows;
use futures::TryStreamExt;
use roaring::RoaringBitmap;

use crate::cold::ColdCaches;
use crate::cold::bloom::probe;
use crate::cold::file::{ColdFile, VerifiedReader};
use crate::cold::footers::{Footer, named};
use crate::cold::pages::{intersection, union};
use crate::cold::rows::open;
use crate::cold::schema::{FileSchema, positions};
use crate::cold::selection::RowPick;
use crate::cold::source::ReadCounters;
use crate::error::{Error, Result};
use crate::key::KeyEncoder;
use crate::manifest::{BatchEntry, Entries, Sought, bounds};
use crate::types::ColumnId;

/// Up to this many keys are looked up in Bloom filters and page by page; more are merged with the file.
pub const FEW_KEYS: usize = 64;

/// Primary keys to look for, sorted.
#[derive(Debug)]
pub struct Keys {
    encoder: KeyEncoder,
    ids: Vec<ColumnId>,
    /// The key columns, in key order; rows sorted by key.
    columns: Vec<ArrayRef>,
    rows: Rows,
    /// For keys of several columns, each column's own bytes.
    parts: Vec<(KeyEncoder, Rows)>,
    /// Where each sorted key was in the caller's columns.
    order: Vec<u32>,
}

impl Keys {
    /// The keys in the rows of `columns`, which are the key columns of `schema` in key order; in any
    /// order, without NULLs.
    ///
    /// # Errors
    /// `InvalidInput` when the columns are not the key's.
    pub fn new(schema: &FileSchema, columns: &[ArrayRef]) -> Result<Self> {
        let encoder = schema.key_encoder()?;
        let unsorted = encoder.encode(columns)?;
        let count = u32::try_from(unsorted.num_rows()).map_err(|_| Error::limit("too many keys at once"))?;
        let mut order: Vec<u32> = (0..count).collect();
        let ascending = (1..unsorted.num_rows()).all(|i| unsorted.row(i - 1) <= unsorted.row(i));
        let (rows, columns) = if ascending {
            (unsorted, columns.to_vec())
        } else {
            order.sort_unstable_by_key(|i| unsorted.row(*i as usize));
            let indices = UInt32Array::from(order.clone());
            let sorted = columns.iter().map(|c| take(c, &indices, None)).collect::<Result<Vec<_>, _>>()?;
            (encoder.encode(&sorted)?, sorted)
        };
        let mut parts = Vec::new();
        if columns.len() > 1 {
            for column in &columns {
                let encoder = KeyEncoder::new(&[column.data_type().clone()])?;
                let rows = encoder.encode(std::slice::from_ref(column))?;
                parts.push((encoder, rows));
            }
        }
        Ok(Self { encoder, ids: schema.key.clone(), columns, rows, parts, order })
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Where the key at sorted position `at` was in the columns given.
    #[must_use]
    pub fn original(&self, at: usize) -> Option<usize> {
        self.order.get(at).map(|i| *i as usize)
    }

    /// The positions, ascending, of the files whose ranges of the first key column can hold a key.
    #[must_use]
    pub fn near(&self, schema: &FileSchema, entries: &Entries) -> Vec<u32> {
        let everything = || (0..u32::try_from(entries.len()).unwrap_or(u32::MAX)).collect();
        let first = self.ids.first().and_then(|id| schema.column(*id)).map(|column| entries.column(column));
        let Some(intervals) = first.as_ref().and_then(|bounds| bounds.intervals()) else {
            return everything();
        };
        let last = self.len().saturating_sub(1);
        if self.len() <= FEW_KEYS {
            let keys: Vec<&[u8]> = (0..self.len()).map(|at| self.part(0, at)).collect();
            return intervals.holding(&Sought::OneOf(&keys));
        }
        intervals.holding(&Sought::Within(Some(self.part(0, 0)), Some(self.part(0, last))))
    }

    /// The bytes of one column of the key at sorted position `at`.
    fn part(&self, column: usize, at: usize) -> &[u8] {
        match self.parts.get(column) {
            Some((_, rows)) => rows.row(at).data(),
            None => self.rows.row(at).data(),
        }
    }

    fn part_encoder(&self, column: usize) -> &KeyEncoder {
        self.parts.get(column).map_or(&self.encoder, |(encoder, _)| encoder)
    }
}

/// What looking for keys in one file gave.
#[derive(Debug, Default)]
pub struct Found {
    /// The position of the key in the columns it was given in, and its row number, ascending by row.
    pub rows: Vec<(usize, u32)>,
    /// What made opening the file unnecessary, if something did.
    pub ruled_out: Option<RuledOut>,
}

impl Found {
    fn ruled_out(by: RuledOut) -> Self {
        Self { rows: Vec::new(), ruled_out: Some(by) }
    }
}

/// What rules a file out without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuledOut {
    /// The key range of the manifest.
    Range,
    /// A Bloom filter.
    Filter,
}

/// A key that may be in a file, and in which of its row groups.
struct Candidate {
    /// Its sorted position.
    at: usize,
    /// By row group; empty means any.
    groups: Vec<bool>,
}

impl Candidate {
    fn in_group(&self, group: usize) -> bool {
        self.groups.get(group).copied().unwrap_or(true)
    }
}

/// Where `keys` are in `file`, `dead` rows aside: for each found the position of the key in the columns
/// it was given in, and the row number. Ascending by row number.
///
/// A file whose key range or Bloom filters rule every key out is not opened; else only pages that can
/// hold a key are read.
///
/// # Errors
/// `Corrupt`, naming the file, when any byte of it that is read is not as written.
pub async fn find_rows(
    file: &ColdFile,
    caches: &Arc<ColdCaches>,
    counters: &Arc<ReadCounters>,
    keys: &Keys,
    dead: &RoaringBitmap,
) -> Result<Found> {
    let mut candidates = in_range(file.entry(), keys)?;
    if candidates.is_empty() {
        return Ok(Found::ruled_out(RuledOut::Range));
    }
    if candidates.len() <= FEW_KEYS {
        candidates = in_filters(file, caches, counters, keys, candidates).await?;
        if candidates.is_empty() {
            return Ok(Found::ruled_out(RuledOut::Filter));
        }
    }
    let footer = caches.footers.footer(file).await?;
    let pick = pick_pages(file, &footer, keys, &candidates)?;
    if pick.groups.is_empty() {
        return Ok(Found::default());
    }
    let mut numbering = pick.numbering();
    let mut stream = open(file, caches, counters, &footer, &keys.ids, &pick)?;
    let mut wanted = candidates.as_slice();
    let mut position = 0u64;
    let mut found = Vec::new();
    while !wanted.is_empty()
        && let Some(batch) = stream.try_next().await.map_err(|e| named(file, e))?
    {
        let rows = keys.encoder.encode(&key_columns(file, &batch, &keys.ids)?)?;
        wanted = matched(keys, wanted, &rows, |at, offset| {
            let row = numbering.row(position + offset as u64).and_then(|row| u32::try_from(row).ok());
            let row = row.ok_or_else(|| file.damaged("more rows than the manifest counts"))?;
            if !dead.contains(row) {
                let original = keys.original(at).ok_or_else(|| Error::internal("a key without an origin"))?;
                found.push((original, row));
            }
            Ok(())
        })?;
        position += batch.num_rows() as u64;
    }
    Ok(Found { rows: found, ruled_out: None })
}

/// Whether the statistics of `entry` leave room for one of `keys`.
///
/// # Errors
/// `Internal` when the statistics are not of the key's type.
pub fn may_hold(entry: &BatchEntry, keys: &Keys) -> Result<bool> {
    Ok(!in_range(entry, keys)?.is_empty())
}

/// The keys that the file's statistics do not rule out.
fn in_range(entry: &BatchEntry, keys: &Keys) -> Result<Vec<Candidate>> {
    let mut kept: Vec<usize> = Vec::new();
    for (column, id) in keys.ids.iter().enumerate() {
        let ends = ends_of(entry, keys, column, *id)?;
        let ends = ends.as_ref().map(|ends| (ends.row(0), ends.row(1)));
        if column == 0 {
            // Sorted by key, the keys are sorted by its first column too.
            kept = match ends {
                Some((min, max)) => {
                    let low = partition_point(0..keys.len(), |at| keys.part(0, at) < min.data());
                    (low..partition_point(low..keys.len(), |at| keys.part(0, at) <= max.data())).collect()
                }
                None => (0..keys.len()).collect(),
            };
        } else if let Some((min, max)) = ends {
            kept.retain(|at| (min.data()..=max.data()).contains(&keys.part(column, *at)));
        }
    }
    Ok(kept.into_iter().map(|at| Candidate { at, groups: Vec::new() }).collect())
}

/// The lowest and the highest value of a key column as key bytes, where they are known.
fn ends_of(entry: &BatchEntry, keys: &Keys, column: usize, id: ColumnId) -> Result<Option<Rows>> {
    let Some(stats) = entry.columns.get(&id).filter(|s| s.nans == 0) else { return Ok(None) };
    let Some(array) = keys.columns.get(column) else { return Ok(None) };
    let ends = [stats.min.as_ref(), stats.max.as_ref()];
    let ends = bounds(array.data_type(), ends.into_iter()).filter(|ends| ends.null_count() == 0);
    ends.map(|ends| keys.part_encoder(column).encode(&[ends])).transpose()
}

/// The candidates that the file's Bloom filters do not rule out, with the row groups left for each.
async fn in_filters(
    file: &ColdFile,
    caches: &Arc<ColdCaches>,
    counters: &Arc<ReadCounters>,
    keys: &Keys,
    mut candidates: Vec<Candidate>,
) -> Result<Vec<Candidate>> {
    if !keys.ids.iter().any(|id| file.entry().filters.contains_key(id)) {
        return Ok(candidates);
    }
    // A footer that is in memory narrows the row groups, and so the filters to read; one that is not is
    // worth reading only if the filters leave something.
    let likely = match caches.footers.kept(file) {
        Some(footer) => pick_pages(file, &footer, keys, &candidates)?.groups,
        None => (0..file.entry().row_groups.len()).collect(),
    };
    let likely: Vec<bool> = (0..file.entry().row_groups.len()).map(|g| likely.contains(&g)).collect();
    let wanted = |group: u32| likely.get(group as usize).copied().unwrap_or(false);
    let reader = VerifiedReader::new(file.clone(), Arc::clone(caches), Arc::clone(counters));
    let filters = caches.blooms.load(file, &reader, &keys.ids, wanted).await?;
    candidates.retain_mut(|candidate| {
        let probes: Vec<_> = keys.columns.iter().map(|column| probe(column, candidate.at)).collect();
        let may = |group: u32| {
            wanted(group)
                && keys.ids.iter().zip(&probes).all(|(id, probes)| filters.may_contain(*id, group, probes))
        };
        candidate.groups = (0u32..).zip(&likely).map(|(group, _)| may(group)).collect();
        candidate.groups.contains(&true)
    });
    Ok(candidates)
}

/// The rows to read: those of pages that can hold a candidate.
fn pick_pages(file: &ColdFile, footer: &Footer, keys: &Keys, candidates: &[Candidate]) -> Result<RowPick> {
    let mut pick = RowPick::default();
    let mut base = 0u64;
    for (group, rows) in file.entry().row_groups.iter().enumerate() {
        let rows = u64::from(*rows);
        let inside: Vec<usize> = candidates.iter().filter(|c| c.in_group(group)).map(|c| c.at).collect();
        if !inside.is_empty() {
            let picked = pages_of_group(file, footer, keys, &inside, group, rows)?;
            pick.push(group, base, rows, &picked);
        }
        base += rows;
    }
    Ok(pick)
}

fn pages_of_group(
    file: &ColdFile,
    footer: &Footer,
    keys: &Keys,
    inside: &[usize],
    group: usize,
    rows: u64,
) -> Result<Vec<Range<u64>>> {
    let read = |column: usize, id: &ColumnId| {
        footer.page_bounds(file, *id, keys.part_encoder(column), (group, rows))
    };
    let Some((first, _)) = keys.ids.split_first() else {
        return Err(Error::internal("a key without columns"));
    };
    let leading = read(0, first)?;
    if inside.len() > FEW_KEYS {
        // Sorted by key, the keys are sorted by its first column too.
        return Ok(union(leading.pages_where(|min, max| {
            let at = inside.partition_point(|at| keys.part(0, *at) < min);
            inside.get(at).is_some_and(|at| keys.part(0, *at) <= max)
        })));
    }
    let others =
        keys.ids.iter().enumerate().skip(1).map(|(i, id)| read(i, id)).collect::<Result<Vec<_>>>()?;
    let mut picked = Vec::new();
    for at in inside {
        let mut ranges = leading.holding(keys.part(0, *at));
        for (column, pages) in (1..).zip(&others) {
            ranges = intersection(&ranges, &pages.holding(keys.part(column, *at)));
        }
        picked.append(&mut ranges);
    }
    Ok(union(picked))
}

/// The key columns of a batch in key order.
fn key_columns(file: &ColdFile, batch: &RecordBatch, ids: &[ColumnId]) -> Result<Vec<ArrayRef>> {
    let positions = positions(&batch.schema());
    let column = |id: &ColumnId| positions.get(id).and_then(|at| batch.columns().get(*at)).cloned();
    let columns: Option<Vec<ArrayRef>> = ids.iter().map(column).collect();
    columns.ok_or_else(|| file.damaged(&format!("expected key columns {ids:?}, found others")))
}

/// Calls `hit` with sorted position and offset in `rows` for every candidate that is in `rows`, both
/// sorted; returns the candidates above all of `rows`. Gallops, so that few keys in many rows cost
/// little, and many keys no more than a merge.
fn matched<'a>(
    keys: &Keys,
    mut wanted: &'a [Candidate],
    rows: &Rows,
    mut hit: impl FnMut(usize, usize) -> Result<()>,
) -> Result<&'a [Candidate]> {
    let mut low = 0;
    while let Some((candidate, rest)) = wanted.split_first() {
        let key = keys.rows.row(candidate.at);
        let mut step = 1;
        let mut high = low;
        while high < rows.num_rows() && rows.row(high) < key {
            low = high + 1;
            high += step;
            step *= 2;
        }
        let high = high.min(rows.num_rows());
        low = partition_point(low..high, |i| rows.row(i) < key);
        if low == rows.num_rows() {
            return Ok(wanted);
        }
        if rows.row(low) == key {
            hit(candidate.at, low)?;
        }
        wanted = rest;
    }
    Ok(wanted)
}

/// The first of `range` for which `below` no longer holds.
fn partition_point(range: Range<usize>, below: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if below(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
