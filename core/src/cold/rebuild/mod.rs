//! The cold state of a scope from its files alone, where its manifest is lost.
//!
//! A commit note (`cold/notes.rs`) says which batch files are read, and which deletion vectors tell of their dead
//! rows. Each of them has to be there as it was written: a state with one of them missing is `Corrupt`, so that
//! no row is lost without a word and none comes back. What a manifest knows besides is in the files too: at
//! once in their footers, and, as for ranges of values, once their rows are read.

mod entry;
mod keys;
mod search;
mod survey;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use object_store::ObjectStore;
use object_store::path::Path;
use roaring::RoaringBitmap;

pub use entry::read_entry;
pub use keys::visible_keys;
pub use search::{Newest, Untold, newest_note, read_note};
pub use survey::survey;

use crate::catalog::TableDef;
use crate::cold::{ColdFile, CommitNote, DeletionVectors, FileName, FileSchema, names};
use crate::error::Result;
use crate::manifest::{BatchEntry, DeletesRef, FORMAT, Manifest, Noted};
use crate::pace::Pace;

/// A cold state that was made again.
#[derive(Debug, Clone)]
pub struct Rebuilt {
    /// What a manifest says of it; of ranges of values nothing, until [`read_ranges`] has read the rows.
    pub manifest: Manifest,
    /// The dead rows by batch number.
    pub dead: BTreeMap<u64, Arc<RoaringBitmap>>,
}

/// The state that `note` tells of, which lies in the file `noted_in` of the scope's directory `dir`: batch files as
/// their footers describe them.
///
/// # Errors
/// `Corrupt`, naming the file, when one that the note lists is missing or not as written.
pub async fn rebuild(
    blobs: &Arc<dyn ObjectStore>,
    def: &TableDef,
    dir: &Path,
    note: &CommitNote,
    noted_in: &str,
    pace: &Pace,
) -> Result<Rebuilt> {
    let scope = dir.filename().unwrap_or_default();
    note.scope(scope).map_err(|e| e.context(format!("{dir}/{noted_in}")))?;
    let mut batches = Vec::with_capacity(note.live.len());
    let mut dead = BTreeMap::new();
    let mut vectors: Option<DeletionVectors> = None;
    for (number, deletes) in &note.live {
        let mut entry = read_entry(blobs, dir, *number, def.id, scope).await?;
        if entry.rows == 1 {
            read_range(blobs, &def.file_schema()?, dir, &mut entry, pace).await?;
        }
        if let Some(deletes) = deletes {
            if vectors.as_ref().is_none_or(|v| v.number != *deletes) {
                let name = names::deletes(*deletes);
                vectors = Some(DeletionVectors::load(blobs.as_ref(), dir, &name, def.id, scope).await?);
            }
            if let Some(vectors) = &vectors {
                dead.insert(*number, Arc::new(mark(&mut entry, vectors)?));
            }
        }
        batches.push(entry);
    }
    let time = DateTime::<Utc>::from_timestamp_millis(note.flushed_through.unix_ms()).unwrap_or_default();
    let manifest = Manifest {
        format: FORMAT,
        namespace: def.namespace.clone(),
        table: def.name.clone(),
        table_id: def.id,
        scope: scope.to_owned(),
        user: note.user.clone(),
        version: note.version,
        previous: None,
        epoch: note.epoch,
        generated_at: time.to_rfc3339_opts(SecondsFormat::Millis, true),
        max_batch: note.live.keys().next_back().copied().unwrap_or(0),
        flushed_through: note.flushed_through,
        schema_version: note.schema_version,
        rebuilt: None,
        noted: Some(Noted { version: note.version, file: noted_in.to_owned() }),
        last_deletes: None,
        batches,
    };
    Ok(Rebuilt { manifest, dead })
}

/// A file of deletion vectors without a vector, whose one purpose is to carry the note of `manifest`; its name is
/// what `manifest.noted` says.
#[must_use]
pub fn note_file(manifest: &Manifest, number: u64, previous: Option<u64>) -> DeletionVectors {
    DeletionVectors {
        table: manifest.table_id,
        scope: manifest.scope.clone(),
        number,
        previous,
        vectors: BTreeMap::new(),
        note: Some(CommitNote::of(manifest)),
    }
}

/// The number of the newest deletion-vector file that `manifest` refers to.
#[must_use]
pub fn newest_deletes(manifest: &Manifest) -> Option<u64> {
    let names = manifest.batches.iter().filter_map(|b| b.deletes.as_ref());
    names.filter_map(|d| FileName::parse(&d.path).and_then(FileName::number)).max()
}

/// Points `entry` at its vector in `vectors`; the dead rows.
fn mark(entry: &mut BatchEntry, vectors: &DeletionVectors) -> Result<RoaringBitmap> {
    let count = vectors.vectors.get(&entry.number).map_or(0, RoaringBitmap::len);
    entry.deletes = Some(DeletesRef { path: names::deletes(vectors.number), count });
    let dead = vectors.dead_rows(entry)?;
    if count == 0 {
        entry.deletes = None;
    }
    Ok(dead)
}

/// Reads the rows of every file that `manifest` lists, and gives its entries the ranges of values that they had when the
/// files were written.
///
/// # Errors
/// `Corrupt`, naming the file, when one is not as written; `Cancelled` by the pace.
pub async fn read_ranges(
    blobs: &Arc<dyn ObjectStore>,
    def: &TableDef,
    dir: &Path,
    manifest: &mut Manifest,
    pace: &Pace,
) -> Result<()> {
    let schema = def.file_schema()?;
    for entry in &mut manifest.batches {
        read_range(blobs, &schema, dir, entry, pace).await?;
    }
    Ok(())
}

/// As [`read_ranges`], for one entry.
///
/// # Errors
/// As [`read_ranges`].
pub async fn read_range(
    blobs: &Arc<dyn ObjectStore>,
    schema: &FileSchema,
    dir: &Path,
    entry: &mut BatchEntry,
    pace: &Pace,
) -> Result<()> {
    let file = ColdFile::new(Arc::clone(blobs), dir, Arc::new(entry.clone()));
    let found = survey(&file, schema, pace).await?;
    if let Some(fault) = found.faults.first() {
        return Err(file.damaged(fault));
    }
    entry.columns = found.columns;
    (entry.min_seq, entry.max_seq) = (found.min_seq, found.max_seq);
    Ok(())
}
