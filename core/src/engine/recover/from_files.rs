//! The manifest of a scope made again from its files, where it is lost.
//!
//! The newest commit note tells which files count (`cold/notes.rs`). It is taken where it is certain that nothing was
//! committed after it that its rows would belie: no file is there that was written later, and no manifest.
//! Else the scope stays damaged, unless somebody chose to go back to what is certain.

use std::sync::Arc;

use object_store::path::Path;

use crate::catalog::TableDef;
use crate::cold::rebuild::{
    Newest, Untold, newest_deletes, newest_note, note_file, read_entry, read_ranges, rebuild,
};
use crate::cold::{CommitNote, names};
use crate::engine::recover::RecoveryReport;
use crate::engine::recover::listing::FoundScope;
use crate::engine::recover::scopes::ReadScope;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{BatchEntry, Manifest, Noted};
use crate::pace::Pace;
use crate::storage::Stores;

/// Asks the files of `scope` where its newest manifest cannot be read, or where there are files newer than it.
/// With `go_back` what is certain is taken, whatever may have been committed since.
///
/// # Errors
/// What the blob store reports; `Unsupported` for a file of another version.
pub async fn consult(
    scope: &mut ReadScope,
    stores: &Stores,
    def: &TableDef,
    found: &FoundScope,
    go_back: bool,
    report: &mut RecoveryReport,
) -> Result<()> {
    let known = scope.manifest.as_ref().map_or(0, |m| m.version);
    let is_whole = scope.lost.is_none() && scope.manifest.is_some();
    let has_newer = found.files.iter().any(|file| file.number().is_some_and(|number| number > known));
    if found.files.is_empty() || (is_whole && !has_newer) {
        return Ok(());
    }
    let name = scope.dir.filename().unwrap_or_default().to_owned();
    let Newest { found: newest, untold } =
        newest_note(&stores.blobs, &scope.dir, def.id, &name, &found.files).await?;
    let untold: Vec<Untold> = untold.into_iter().filter(|file| file.version > known).collect();
    let newest = newest.filter(|(note, _)| note.version > known);
    if is_whole {
        // The newest manifest is there: what came after it without a note is a flush or load that was cut short.
        report.notes.extend(untold.iter().map(|f| format!("{}; it was cut short and is left out", f.what)));
    } else {
        let noted = newest.as_ref().map_or(0, |(note, _)| note.version);
        let later = scope.lost.filter(|lost| *lost > noted);
        if later.is_some() || !untold.is_empty() {
            report
                .problems
                .extend(untold.iter().map(|f| format!("{}; whether it counts cannot be told", f.what)));
            let latest = untold.iter().map(|file| file.version).max();
            scope.lost = later.or(scope.lost).max(latest).or(Some(noted));
            if !go_back {
                return Ok(());
            }
        }
    }
    match newest {
        Some((note, noted)) => make_again(scope, stores, def, (&note, &noted), go_back, report).await,
        None => Ok(()),
    }
}

async fn make_again(
    scope: &mut ReadScope,
    stores: &Stores,
    def: &TableDef,
    (note, noted): (&CommitNote, &Noted),
    go_back: bool,
    report: &mut RecoveryReport,
) -> Result<()> {
    let dir = scope.dir.clone();
    let made = match made_from(stores, def, &dir, note, noted).await {
        Err(e) if e.kind() == ErrorKind::Corrupt => {
            report.problems.push(e.to_string());
            scope.lost = scope.lost.max(Some(note.version));
            if !go_back || scope.manifest.is_some() {
                return Ok(());
            }
            let (rest, left_out) = what_is_whole(stores, def, &dir, note).await?;
            report.problems.extend(left_out);
            made_from(stores, def, &dir, &rest, noted).await?
        }
        made => made?,
    };
    let why = scope.lost.map_or_else(
        || "no manifest was left".to_owned(),
        |lost| format!("manifest {lost} was missing or damaged"),
    );
    let manifest = Manifest { rebuilt: Some(why), ..renumbered(made, scope) };
    report.rebuilt += 1;
    report.notes.push(format!(
        "{dir}: manifest {} is made from {} batch files, as of commit {}, whose note is in {}",
        manifest.version,
        manifest.batches.len(),
        note.version,
        noted.file
    ));
    let previous = newest_deletes(&manifest);
    let note = note_file(&manifest, manifest.version - 1, previous);
    scope.take(manifest, note);
    Ok(())
}

async fn made_from(
    stores: &Stores,
    def: &TableDef,
    dir: &Path,
    note: &CommitNote,
    noted: &Noted,
) -> Result<Manifest> {
    let pace = Pace::of_background(stores);
    let made = rebuild(&stores.blobs, def, dir, note, &noted.file, &pace).await?;
    let mut manifest = made.manifest;
    read_ranges(&stores.blobs, def, dir, &mut manifest, &pace).await?;
    Ok(manifest)
}

/// `manifest` as the next of `scope`, with the note of it in the file numbered before it.
fn renumbered(manifest: Manifest, scope: &ReadScope) -> Manifest {
    let (noted, version) = (scope.next_number, scope.next_number.saturating_add(1));
    Manifest {
        version,
        previous: Some(manifest.version).filter(|before| *before < version),
        noted: Some(Noted { version, file: names::deletes(noted) }),
        ..manifest
    }
}

/// `note` without the files that are lost, and those whose dead rows are: their rows cannot be told from the living.
async fn what_is_whole(
    stores: &Stores,
    def: &TableDef,
    dir: &Path,
    note: &CommitNote,
) -> Result<(CommitNote, Vec<String>)> {
    let pace = Pace::of_background(stores);
    let mut rest = CommitNote { live: std::collections::BTreeMap::new(), ..note.clone() };
    let mut left_out = Vec::new();
    for (number, deletes) in &note.live {
        let one = CommitNote { live: std::iter::once((*number, *deletes)).collect(), ..note.clone() };
        let name = names::batch(*number);
        let noted = Noted { version: note.version, file: name.clone() };
        match made_from(stores, def, dir, &one, &noted).await {
            Ok(_) => {
                rest.live.insert(*number, *deletes);
            }
            Err(e) if e.kind() == ErrorKind::Corrupt => {
                left_out.push(format!("{dir}/{name}: is left out, with all its rows: {e}"));
            }
            Err(e) => return Err(e),
        }
        pace.step().await?;
    }
    Ok((rest, left_out))
}

/// Refuses a manifest that says of a file what its footer and checksums do not. A file that is damaged itself
/// belies nothing: who reads it is told.
///
/// # Errors
/// `Corrupt`, naming both; what the blob store reports.
pub async fn agrees(stores: &Stores, path: &Path, manifest: &Manifest) -> Result<()> {
    let dir: Path = {
        let mut parts: Vec<_> = path.parts().collect();
        parts.pop();
        parts.into_iter().collect()
    };
    for entry in manifest.live() {
        let found =
            read_entry(&Arc::clone(&stores.blobs), &dir, entry.number, manifest.table_id, &manifest.scope)
                .await;
        match found {
            Ok(found) if is_same_file(entry, &found) => {}
            Ok(_) => {
                return Err(Error::corrupt(format!(
                    "{path}: says of {} what is not so; it is not believed",
                    entry.path
                )));
            }
            Err(e) if e.kind() == ErrorKind::Corrupt => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Whether `entry` tells what `found`, read from the file, does, statistics of values aside.
fn is_same_file(entry: &BatchEntry, found: &BatchEntry) -> bool {
    let columns = entry.columns.keys().eq(found.columns.keys());
    let same = BatchEntry {
        status: entry.status,
        columns: entry.columns.clone(),
        deletes: entry.deletes.clone(),
        full: entry.full,
        archived_at_ms: entry.archived_at_ms,
        ..found.clone()
    };
    columns && same == *entry
}
