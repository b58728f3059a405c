//! Choosing what to rewrite, and saying so in a manifest.
//!
//! The claim is for people and for whoever looks at the store: what keeps two compactions of a scope apart is
//! the lock that its upkeep holds. So one that a crash left means nothing, and the next claim takes it back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::row::Rows;
use roaring::RoaringBitmap;

use crate::catalog::TableDef;
use crate::cold::state::ColdState;
use crate::cold::{ColdFile, FileSchema};
use crate::compact::commit::{Change, commit, following};
use crate::compact::pick::{Candidate, Effort, Ends, Limits, pick};
use crate::error::Result;
use crate::flush::write::reserve_numbers;
use crate::hot::scope::ScopeState;
use crate::key::KeyEncoder;
use crate::manifest::{BatchEntry, BatchStatus, bounds};
use crate::tiers::Tiers;
use crate::types::SeqId;

/// A batch file that is rewritten, with the rows that were dead when it was claimed.
#[derive(Debug)]
pub struct Input {
    /// The file.
    pub file: ColdFile,
    /// Rows that are left out.
    pub dead: Arc<RoaringBitmap>,
}

/// What one compaction rewrites.
#[derive(Debug)]
pub struct Claim {
    /// The columns of the table as it was then, which new files have.
    pub schema: FileSchema,
    /// The files.
    pub inputs: Vec<Input>,
    /// The number of the manifest that has them as `compacting`.
    pub version: u64,
    /// A number for the first new file.
    pub number: u64,
}

impl Claim {
    /// The numbers of the files that are rewritten.
    pub fn numbers(&self) -> BTreeSet<u64> {
        self.inputs.iter().map(|input| input.file.entry().number).collect()
    }
}

/// What could be rewritten.
#[derive(Debug)]
pub struct Looked {
    /// The files to rewrite now.
    pub picked: Option<Vec<u64>>,
    /// Whether there are files that wait for the end of an older snapshot.
    pub held_back: bool,
}

/// Chooses files and commits that they are being rewritten; `None` when there is nothing to do, or the table
/// is gone.
///
/// # Errors
/// What the stores report.
pub async fn claim(
    tiers: &Tiers,
    scope: &Arc<ScopeState>,
    effort: Effort,
    damaged: &BTreeSet<u64>,
) -> Result<Option<Claim>> {
    let publishing = scope.publish.lock().await;
    // Under the lock: a DROP TABLE holds it until the table is gone from the catalog.
    let Some(def) = tiers.table_of(scope) else { return Ok(None) };
    tiers.end_idle_snapshots();
    let before = scope.view().cold;
    let Some(manifest) = &before.manifest else { return Ok(None) };
    let Some(picked) = look(tiers, &def, &before, effort, damaged)?.picked else { return Ok(None) };
    let inputs = before.files.iter().filter(|file| picked.contains(&file.entry().number));
    let inputs = inputs.map(|file| Input {
        file: file.clone(),
        dead: before.dead_in(file.entry().number).cloned().unwrap_or_default(),
    });
    let inputs = inputs.collect();
    let mut batches = manifest.batches.clone();
    for entry in batches.iter_mut().filter(|entry| entry.status.is_live()) {
        let claimed = picked.contains(&entry.number);
        entry.status = if claimed { BatchStatus::Compacting } else { BatchStatus::Active };
    }
    let pointer = reserve_numbers(tiers, scope, &before, 2).await?;
    let (version, number) = (pointer.next_number - 2, pointer.next_number - 1);
    let manifest = following(tiers, &def, scope, &before, &pointer, version, batches);
    let change = Change { manifest, dead: before.dead.clone(), same_rows: true };
    commit(tiers, &def, scope, &before, &pointer, change).await?;
    drop(publishing);
    Ok(Some(Claim { schema: def.file_schema()?, inputs, version, number }))
}

/// Looks for files to rewrite among those of `cold`; what is due leaves out those that could not be read.
///
/// # Errors
/// `Internal` when the statistics of a file are not of the key's type.
pub fn look(
    tiers: &Tiers,
    def: &TableDef,
    cold: &ColdState,
    effort: Effort,
    damaged: &BTreeSet<u64>,
) -> Result<Looked> {
    let horizon = tiers.snapshots.flush_horizon();
    let (mut candidates, held_back) = candidates(&def.file_schema()?, cold, horizon)?;
    if effort == Effort::Due {
        candidates.retain(|candidate| !damaged.contains(&candidate.number));
    }
    let limits = Limits {
        compaction: tiers.config.compaction,
        file_rows: tiers.config.batch_file.rows as u64,
        file_bytes: tiers.config.batch_file.bytes as u64,
    };
    Ok(Looked { picked: pick(&candidates, &limits, effort), held_back })
}

/// The files that every snapshot includes, living or to come; and whether there are others.
fn candidates(schema: &FileSchema, cold: &ColdState, horizon: SeqId) -> Result<(Vec<Candidate>, bool)> {
    // A file that was loaded above a living snapshot is not for that reader: it may not be in one file with
    // what is.
    let (entries, above): (Vec<&BatchEntry>, Vec<&BatchEntry>) =
        cold.files.iter().map(|file| file.entry().as_ref()).partition(|entry| entry.max_seq <= horizon);
    let mut runs: BTreeMap<&[u64], u64> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !entry.replaces.is_empty()) {
        runs.entry(&entry.replaces).or_insert(entry.number);
    }
    let ranges = ranges(schema, &entries)?;
    let candidates = entries.iter().zip(ranges).map(|(entry, range)| Candidate {
        number: entry.number,
        rows: entry.rows,
        dead: entry.rows - entry.live_rows(),
        bytes: entry.bytes,
        full: entry.full,
        range,
        run: runs.get(entry.replaces.as_slice()).copied().unwrap_or(entry.number),
    });
    Ok((candidates.collect(), !above.is_empty()))
}

/// Of each file the encoded ends of the key's first column.
fn ranges(schema: &FileSchema, entries: &[&BatchEntry]) -> Result<Vec<Option<Ends>>> {
    let unknown = || Ok(vec![None; entries.len()]);
    let Some(first) = schema.key_columns()?.first().copied() else { return unknown() };
    let stats: Vec<_> =
        entries.iter().map(|entry| entry.columns.get(&first.id).filter(|stats| stats.nans == 0)).collect();
    let lowest = bounds(&first.data_type, stats.iter().map(|stats| stats.and_then(|s| s.min.as_ref())));
    let highest = bounds(&first.data_type, stats.iter().map(|stats| stats.and_then(|s| s.max.as_ref())));
    let (Some(lowest), Some(highest)) = (lowest, highest) else { return unknown() };
    let encoder = KeyEncoder::new(std::slice::from_ref(&first.data_type))?;
    let encoded = |column: &ArrayRef| -> Result<Rows> { encoder.encode(std::slice::from_ref(column)) };
    let (mins, maxs) = (encoded(&lowest)?, encoded(&highest)?);
    let range = |row: usize| {
        let known = !lowest.is_null(row) && !highest.is_null(row);
        known.then(|| (mins.row(row).data().to_vec(), maxs.row(row).data().to_vec()))
    };
    Ok((0..entries.len()).map(range).collect())
}
