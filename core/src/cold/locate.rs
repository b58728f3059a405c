//! Finding keys in all batch files of a scope.

use std::sync::Arc;

use arrow::array::ArrayRef;
use roaring::RoaringBitmap;

use crate::cold::schema::FileSchema;
use crate::cold::state::ColdState;
use crate::cold::{ColdCaches, FEW_KEYS, Keys, ReadCounters, RuledOut, find_rows, may_hold};
use crate::error::Result;
use crate::manifest::BatchEntry;

/// A row of the cold tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The number of its batch file.
    pub batch: u64,
    /// Its row there.
    pub row: u32,
}

/// Where keys were found, and what it took.
#[derive(Debug, Default)]
pub struct Located {
    /// Per key its one visible row, if it has one.
    pub positions: Vec<Option<Position>>,
    /// Files of the scope.
    pub files_total: usize,
    /// Files that the manifest's ranges ruled out.
    pub pruned_stats: usize,
    /// Files that a Bloom filter ruled out.
    pub pruned_bloom: usize,
    /// Files opened.
    pub files_read: usize,
}

/// The visible rows of the keys in `columns` (one array per key column, in key order, any row order).
///
/// Newer files are asked first and a found key is not sought further: every key has at most one visible
/// row.
///
/// # Errors
/// `Corrupt`, naming the file, when something that is read is not as written.
pub async fn locate(
    caches: &Arc<ColdCaches>,
    schema: &FileSchema,
    cold: &ColdState,
    columns: &[ArrayRef],
) -> Result<Located> {
    locate_in(caches, schema, cold, columns, |_| true).await
}

/// As [`locate`], in the files that `within` chooses.
///
/// # Errors
/// As [`locate`].
pub async fn locate_in(
    caches: &Arc<ColdCaches>,
    schema: &FileSchema,
    cold: &ColdState,
    columns: &[ArrayRef],
    within: impl Fn(&BatchEntry) -> bool,
) -> Result<Located> {
    let count = columns.first().map_or(0, |c| c.len());
    let files: Vec<_> = cold.files.iter().filter(|file| within(file.entry())).collect();
    let mut located =
        Located { positions: vec![None; count], files_total: files.len(), ..Located::default() };
    if count == 0 || files.is_empty() {
        return Ok(located);
    }
    let keys = Keys::new(schema, columns)?;
    let none = RoaringBitmap::new();
    let counters = Arc::new(ReadCounters::default());
    let mut missing = count;
    for file in files.into_iter().rev() {
        if missing == 0 {
            // Not needed; for the report, whether the manifest would have ruled it out.
            if count <= FEW_KEYS {
                located.pruned_stats += usize::from(!may_hold(file.entry(), &keys)?);
            }
            continue;
        }
        let number = file.entry().number;
        let dead = cold.dead_in(number).map_or(&none, Arc::as_ref);
        let found = find_rows(file, caches, &counters, &keys, dead).await?;
        match found.ruled_out {
            Some(RuledOut::Range) => located.pruned_stats += 1,
            Some(RuledOut::Filter) => located.pruned_bloom += 1,
            None => located.files_read += 1,
        }
        for (key, row) in found.rows {
            if let Some(slot) = located.positions.get_mut(key) {
                *slot = Some(Position { batch: number, row });
                missing -= 1;
            }
        }
    }
    Ok(located)
}
