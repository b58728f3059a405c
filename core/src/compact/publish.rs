//! The new files take the place of those they were made of, under the publish lock of the scope.
//!
//! Flushes went on while the files were written, and have marked rows of the old ones as dead. Without those
//! marks the rows would come back, so they are looked for by their keys in the new files, and marked there.
//!
//! The deletion vectors are written anew, for every live file, in a file that names none before it, and has the
//! commit note. So the older ones are not needed, not even by a rebuild from the files alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use object_store::path::Path;
use roaring::RoaringBitmap;

use crate::catalog::TableDef;
use crate::cold::rebuild::note_file;
use crate::cold::state::ColdState;
use crate::cold::{ColdFile, DeletionVectors, FileSchema, Keys, ReadCounters, find_rows, names, read_rows};
use crate::compact::CompactReport;
use crate::compact::claim::{Claim, Input};
use crate::compact::commit::{Change, commit, following};
use crate::compact::rewrite::Rewrite;
use crate::error::{Error, ErrorKind, Result};
use crate::flush::write::reserve_numbers;
use crate::hot::scope::ScopeState;
use crate::manifest::store::{Pointer, create_blob};
use crate::manifest::{BatchEntry, BatchStatus, DeletesRef, Manifest, Noted};
use crate::pace::Pace;
use crate::tiers::Tiers;

/// Rows that are looked for at a time.
const CARRIED_ROWS: usize = 4096;

/// Commits the files that `rewrite` wrote in place of those of `claim`; `None` when the table was dropped.
///
/// # Errors
/// `Cancelled` by `pace`; what the stores report. Unless the commit itself failed, what was written is removed again.
pub async fn publish(
    tiers: &Tiers,
    scope: &Arc<ScopeState>,
    claim: &Claim,
    mut rewrite: Rewrite<'_>,
    pace: &Pace,
) -> Result<Option<CompactReport>> {
    let publishing = scope.publish.lock().await;
    let Some(def) = tiers.table_of(scope) else {
        rewrite.take_back(None).await;
        return Ok(None);
    };
    let before = scope.view().cold;
    let mut version = None;
    let prepared = match carried(tiers, claim, &before, &rewrite.entries, pace).await {
        Ok(carried) => {
            prepare(tiers, &def, scope, claim, &before, (&rewrite.entries, carried), &mut version).await
        }
        Err(e) => Err(e),
    };
    let (pointer, change) = match prepared {
        Ok(prepared) => prepared,
        Err(e) => {
            rewrite.take_back(version).await;
            return Err(e);
        }
    };
    if let Err(e) = commit(tiers, &def, scope, &before, &pointer, change).await {
        // After any other failure the commit may be there, and refer to the files.
        if e.kind() == ErrorKind::LimitExceeded {
            rewrite.take_back(version).await;
        }
        return Err(e);
    }
    drop(publishing);
    tiers.stats.compactions.add(1);
    Ok(Some(report(&def, scope, claim, &rewrite.entries)))
}

fn report(def: &TableDef, scope: &ScopeState, claim: &Claim, written: &[BatchEntry]) -> CompactReport {
    CompactReport {
        table: format!("{}.{}", def.namespace, def.name),
        scope: scope.scope.dir(),
        replaced: claim.inputs.iter().map(|input| input.file.entry().path.clone()).collect(),
        rows: written.iter().map(|entry| entry.rows).sum(),
        dropped: claim.inputs.iter().map(|input| input.dead.len()).sum(),
        files: written.iter().map(|entry| entry.path.clone()).collect(),
        bytes: written.iter().map(|entry| entry.bytes).sum(),
        removed: 0,
    }
}

/// Writes the deletion vectors, and puts together what the manifest says.
async fn prepare(
    tiers: &Tiers,
    def: &TableDef,
    scope: &ScopeState,
    claim: &Claim,
    before: &ColdState,
    (written, carried): (&[BatchEntry], BTreeMap<u64, RoaringBitmap>),
    version: &mut Option<u64>,
) -> Result<(Pointer, Change)> {
    let manifest = before.manifest.as_ref().ok_or_else(|| Error::internal("a claim without a manifest"))?;
    let inputs = claim.numbers();
    let mut dead = before.dead.clone();
    dead.retain(|number, _| !inputs.contains(number));
    for (number, rows) in carried {
        dead.insert(number, Arc::new(rows));
    }
    let mut batches = manifest.batches.clone();
    for entry in batches.iter_mut().filter(|entry| inputs.contains(&entry.number)) {
        entry.status = BatchStatus::Archived;
    }
    batches.extend(written.iter().cloned());
    batches.sort_unstable_by_key(|entry| entry.number);
    dead.retain(|number, _| batches.iter().any(|b| b.number == *number && b.status.is_live()));

    let pointer = reserve_numbers(tiers, scope, before, 2).await?;
    let (number, listing) = (pointer.next_number - 2, pointer.next_number - 1);
    *version = Some(listing);
    point_at(&mut batches, number, &dead);
    let mut manifest = following(tiers, def, scope, before, &pointer, listing, batches);
    manifest.noted = Some(Noted { version: listing, file: names::deletes(number) });
    write_vectors(tiers, &before.dir, &manifest, number, &dead).await?;
    Ok((pointer, Change { manifest, dead, same_rows: false }))
}

/// Writes the deletion vectors of every live file, with the commit note.
async fn write_vectors(
    tiers: &Tiers,
    dir: &Path,
    manifest: &Manifest,
    number: u64,
    dead: &BTreeMap<u64, Arc<RoaringBitmap>>,
) -> Result<()> {
    // Also of those without dead rows: a batch file with a lower number that is not in it is not live.
    let rows = |number| dead.get(&number).map(|rows| rows.as_ref().clone()).unwrap_or_default();
    let vectors = manifest.live().map(|entry| (entry.number, rows(entry.number))).collect();
    let file = DeletionVectors { vectors, ..note_file(manifest, number, None) };
    let path = dir.clone().join(names::deletes(number));
    create_blob(tiers.stores.blobs.as_ref(), &path, file.encode()?).await?;
    Ok(())
}

/// Points the entries of live files at the deletion vectors in the file `number`; one that has no row left is
/// not read at all.
fn point_at(batches: &mut [BatchEntry], number: u64, dead: &BTreeMap<u64, Arc<RoaringBitmap>>) {
    for entry in batches.iter_mut().filter(|entry| entry.status.is_live()) {
        let rows = dead.get(&entry.number).map_or(0, |rows| rows.len());
        entry.deletes = (rows > 0).then(|| DeletesRef { path: names::deletes(number), count: rows });
        if rows == entry.rows {
            entry.status = BatchStatus::Archived;
        }
    }
}

/// By new file the rows that died in the old ones since the claim.
async fn carried(
    tiers: &Tiers,
    claim: &Claim,
    before: &ColdState,
    written: &[BatchEntry],
    pace: &Pace,
) -> Result<BTreeMap<u64, RoaringBitmap>> {
    let keys = claim.schema.key_only();
    let files: Vec<ColdFile> = written
        .iter()
        .map(|entry| ColdFile::new(Arc::clone(&tiers.stores.blobs), &before.dir, Arc::new(entry.clone())))
        .collect();
    let mut carried: BTreeMap<u64, RoaringBitmap> = BTreeMap::new();
    for input in &claim.inputs {
        let rows: Vec<u32> = died_since(input, before)?.iter().collect();
        for rows in rows.chunks(CARRIED_ROWS) {
            pace.step().await?;
            let counters = Arc::new(ReadCounters::default());
            let found = read_rows(&input.file, &tiers.caches, &counters, &keys, rows).await?;
            mark(tiers, &keys, &files, &keys.key_of(&found)?, &mut carried).await?;
        }
    }
    Ok(carried)
}

/// The rows of a file that were live when it was claimed, and are not any more.
fn died_since(input: &Input, before: &ColdState) -> Result<RoaringBitmap> {
    let number = input.file.entry().number;
    if let Some(dead) = before.dead_in(number) {
        return Ok(dead.as_ref() - input.dead.as_ref());
    }
    let is_live = before.files.iter().any(|file| file.entry().number == number);
    if is_live && input.dead.is_empty() {
        return Ok(RoaringBitmap::new());
    }
    Err(Error::internal(format!("batch {number} was compacted, and its dead rows are not known any more")))
}

/// Marks the rows of `keys` in the new files, each of which has to be in one of them.
async fn mark(
    tiers: &Tiers,
    schema: &FileSchema,
    files: &[ColdFile],
    columns: &[ArrayRef],
    carried: &mut BTreeMap<u64, RoaringBitmap>,
) -> Result<()> {
    let keys = Keys::new(schema, columns)?;
    let counters = Arc::new(ReadCounters::default());
    let mut marked = 0;
    for file in files {
        let number = file.entry().number;
        let found = find_rows(file, &tiers.caches, &counters, &keys, &RoaringBitmap::new()).await?;
        for (_, row) in found.rows {
            marked += usize::from(carried.entry(number).or_default().insert(row));
        }
    }
    if marked != keys.len() {
        let died = keys.len();
        return Err(Error::internal(format!("of {died} rows that died a compaction has written {marked}")));
    }
    Ok(())
}
