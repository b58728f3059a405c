//! Finding keys in all batch files of a scope.

use std::sync::Arc;

use arrow::array::ArrayRef;
use roaring::RoaringBitmap;

use crate::cold::schema::FileSchema;
use crate::cold::state::ColdState;
use crate::cold::{
    ColdCaches, ColdFile, FEW_KEYS, FileOutcome, FileRecord, Keys, ReadCounters, RuledOut, find_rows,
    may_hold,
};
use crate::error::Result;
use crate::manifest::{BatchEntry, Entries};
use crate::types::SeqId;

/// A row of the cold tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The number of its batch file.
    pub batch: u64,
    /// Its row there.
    pub row: u32,
}

/// Which batch files of a scope are asked.
#[derive(Debug, Clone, Copy)]
pub enum Within {
    /// Every one.
    All,
    /// Those that begin at this `_seq` or before.
    Through(SeqId),
    /// Those that begin behind it.
    Since(SeqId),
    /// Those that begin at `through` or before, and end at `since` or behind.
    Reaching {
        /// What a snapshot includes.
        through: SeqId,
        /// What a query asks for.
        since: SeqId,
    },
}

impl Within {
    /// Whether the file is among them.
    #[must_use]
    pub fn includes(self, entry: &BatchEntry) -> bool {
        match self {
            Self::All => true,
            Self::Through(seq) => entry.min_seq <= seq,
            Self::Since(seq) => entry.min_seq > seq,
            Self::Reaching { through, since } => entry.min_seq <= through && entry.max_seq >= since,
        }
    }

    /// How many of `entries` are.
    #[must_use]
    pub fn count(self, entries: &Entries) -> usize {
        match self {
            Self::All => entries.len(),
            Self::Through(seq) if entries.last_begun() <= seq => entries.len(),
            _ => entries.list().iter().filter(|e| self.includes(e)).count(),
        }
    }
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
    locate_in(caches, schema, cold, columns, Within::All, None).await
}

/// As [`locate`], in the files `within`; what becomes of each is noted in `record`.
///
/// # Errors
/// As [`locate`].
pub async fn locate_in(
    caches: &Arc<ColdCaches>,
    schema: &FileSchema,
    cold: &ColdState,
    columns: &[ArrayRef],
    within: Within,
    record: Option<&FileRecord>,
) -> Result<Located> {
    let count = columns.first().map_or(0, |c| c.len());
    let mut located = Located { positions: vec![None; count], ..Located::default() };
    if count == 0 || cold.is_empty() {
        return Ok(located);
    }
    let keys = Keys::new(schema, columns)?;
    // Files that the ranges of their first key column rule out are not looked at, however many there are.
    let near = keys.near(schema, &cold.entries);
    let near = near.into_iter().filter_map(|at| cold.files.get(at as usize));
    let near: Vec<&ColdFile> = near.filter(|file| within.includes(file.entry())).collect();
    located.files_total = within.count(&cold.entries);
    located.pruned_stats = located.files_total - near.len();
    if let Some(record) = record {
        let all = cold.files.iter().map(ColdFile::entry).filter(|entry| within.includes(entry));
        all.for_each(|entry| record.note(entry.number, FileOutcome::PrunedByStatistics));
    }
    let note = |number: u64, outcome: FileOutcome| record.inspect(|record| record.note(number, outcome));
    let none = RoaringBitmap::new();
    let counters = Arc::new(ReadCounters::default());
    let mut missing = count;
    for file in near.into_iter().rev() {
        if missing == 0 {
            // Not needed; for the report, whether the manifest would have ruled it out.
            if count <= FEW_KEYS && !may_hold(file.entry(), &keys)? {
                located.pruned_stats += 1;
            } else {
                note(file.entry().number, FileOutcome::NotNeeded);
            }
            continue;
        }
        let number = file.entry().number;
        let dead = cold.dead_in(number).map_or(&none, Arc::as_ref);
        let found = find_rows(file, caches, &counters, &keys, dead).await?;
        match found.ruled_out {
            Some(RuledOut::Range) => located.pruned_stats += 1,
            Some(RuledOut::Filter) => {
                located.pruned_bloom += 1;
                note(number, FileOutcome::PrunedByBloom);
            }
            None => {
                located.files_read += 1;
                note(number, FileOutcome::Read);
            }
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
