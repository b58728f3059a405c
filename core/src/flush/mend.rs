//! Making the manifest of a scope again that is lost, or that lies: the rows and files are the same, under a new number.
//!
//! The order is that of a flush. **P** is a file with nothing but the note of the commit, so that the files alone go
//! on telling what counts; **M**, **C** and **E** are the same.

use std::sync::Arc;

use futures::TryStreamExt;

use crate::catalog::TableDef;
use crate::cold::rebuild::{note_file, read_entry, read_range};
use crate::cold::state::ColdState;
use crate::cold::{FileName, names};
use crate::error::{Error, ErrorKind, Result};
use crate::flush::write::{doubt, next_manifest, reserve_numbers};
use crate::hot::scope::ScopeState;
use crate::manifest::store::{self as manifest_store, Pointer, create_blob};
use crate::manifest::{BatchEntry, BatchStatus, Manifest, Noted};
use crate::pace::Pace;
use crate::tiers::Tiers;
use crate::types::Durability;

/// Makes the manifest of `scope` again if it is lost; whether it was.
///
/// On return it is synced, and a synced commit refers to it.
///
/// # Errors
/// `Corrupt`, naming the file, when one that has to be read for it is not as written; `Cancelled` by the pace; what the
/// stores report. The scope is as before then.
pub async fn mend_scope(tiers: &Tiers, scope: &Arc<ScopeState>, pace: &Pace) -> Result<bool> {
    if scope.view().cold.lost.is_none() {
        return Ok(false);
    }
    tiers.check_writable()?;
    let publishing = pace.wait(scope.publish.lock()).await?;
    let Some(def) = tiers.table_of(scope) else { return Ok(false) };
    let mended = mend(tiers, &def, scope, pace).await;
    drop(publishing);
    mended
}

/// As [`mend_scope`], for who holds the lock of publishing.
pub(super) async fn mend(tiers: &Tiers, def: &TableDef, scope: &ScopeState, pace: &Pace) -> Result<bool> {
    let before = scope.view().cold;
    let Some((lost, known)) = before.lost.as_ref().zip(before.manifest.as_ref()) else { return Ok(false) };
    let mut batches = known.batches.clone();
    if !lost.ranges_known {
        let schema = def.file_schema()?;
        for entry in &mut batches {
            read_range(&tiers.stores.blobs, &schema, &before.dir, entry, pace).await?;
        }
        batches.extend(replaced(tiers, def, &before, &batches, pace).await?);
        batches.sort_unstable_by_key(|entry| entry.number);
    }
    publish(tiers, def, scope, &before, batches, &lost.why).await?;
    Ok(true)
}

/// Reads every file of `scope`, and makes its manifest again if it says of one what is not so, or is lost; whether it was.
///
/// # Errors
/// As [`mend_scope`].
pub async fn remake_scope(tiers: &Tiers, scope: &Arc<ScopeState>, pace: &Pace) -> Result<bool> {
    tiers.check_writable()?;
    let publishing = pace.wait(scope.publish.lock()).await?;
    let Some(def) = tiers.table_of(scope) else { return Ok(false) };
    if mend(tiers, &def, scope, pace).await? {
        return Ok(true);
    }
    let before = scope.view().cold;
    let Some(manifest) = &before.manifest else { return Ok(false) };
    match manifest_store::read(tiers.stores.blobs.as_ref(), &before.dir, &before.pointer).await {
        Ok(_) => {}
        // What is in memory is what was committed.
        Err(e) if e.kind() == ErrorKind::Corrupt => {
            publish(tiers, &def, scope, &before, manifest.batches.clone(), &e.to_string()).await?;
            return Ok(true);
        }
        Err(e) => return Err(e),
    }
    let mut batches = Vec::with_capacity(manifest.batches.len());
    for entry in &manifest.batches {
        batches.push(if entry.status.is_live() {
            as_it_is(tiers, &def, &before, entry, pace).await?
        } else {
            entry.clone()
        });
    }
    let lies = manifest.batches.iter().zip(&batches).filter(|(said, found)| said != found);
    let lies: Vec<&str> = lies.map(|(said, _)| said.path.as_str()).collect();
    if lies.is_empty() {
        return Ok(false);
    }
    let why = format!("manifest {} said what was not so of {}", manifest.version, lies.join(", "));
    publish(tiers, &def, scope, &before, batches, &why).await?;
    drop(publishing);
    Ok(true)
}

/// The batch files that the note of `before` does not list: a lost manifest may have had them as archived, and somebody
/// may be reading them. So they are that again, with all of the time before they go.
async fn replaced(
    tiers: &Tiers,
    def: &TableDef,
    before: &ColdState,
    live: &[BatchEntry],
    pace: &Pace,
) -> Result<Vec<BatchEntry>> {
    let blobs = &tiers.stores.blobs;
    let scope = before.dir.filename().unwrap_or_default();
    let listed: Vec<_> = blobs.list(Some(&before.dir)).try_collect().await?;
    let mut found = Vec::new();
    for object in listed {
        let Some(FileName::Batch(number)) = object.location.filename().and_then(FileName::parse) else {
            continue;
        };
        if number >= before.pointer.next_number || live.iter().any(|entry| entry.number == number) {
            continue;
        }
        pace.step().await?;
        match read_entry(blobs, &before.dir, number, def.id, scope).await {
            Ok(entry) => found.push(BatchEntry { status: BatchStatus::Archived, ..entry }),
            // Of a flush that was cut short, or damaged: nobody reads it.
            Err(e) if e.kind() == ErrorKind::Corrupt => {}
            Err(e) => return Err(e),
        }
    }
    Ok(found)
}

/// The entry that the file of `said` has.
async fn as_it_is(
    tiers: &Tiers,
    def: &TableDef,
    before: &ColdState,
    said: &BatchEntry,
    pace: &Pace,
) -> Result<BatchEntry> {
    let blobs = &tiers.stores.blobs;
    let scope = before.dir.filename().unwrap_or_default();
    let mut found = read_entry(blobs, &before.dir, said.number, def.id, scope).await?;
    read_range(blobs, &def.file_schema()?, &before.dir, &mut found, pace).await?;
    // What no file tells.
    (found.status, found.deletes, found.full) = (said.status, said.deletes.clone(), said.full);
    Ok(found)
}

/// Publishes a manifest that lists `batches`, which are the files of `before`.
async fn publish(
    tiers: &Tiers,
    def: &TableDef,
    scope: &ScopeState,
    before: &ColdState,
    batches: Vec<BatchEntry>,
    why: &str,
) -> Result<()> {
    let pointer = reserve_numbers(tiers, scope, before, 2).await?;
    let version = pointer.next_number - 1;
    let noted = Noted { version, file: names::deletes(version - 1) };
    let manifest = Manifest {
        noted: Some(noted.clone()),
        rebuilt: Some(why.to_owned()),
        ..next_manifest(tiers, def, scope, before, before.pointer.flushed_through, version, batches)
    };
    manifest.check().map_err(|e| Error::internal(format!("a manifest was made again badly: {e}")))?;
    let (blobs, dir) = (tiers.stores.blobs.as_ref(), before.dir.clone());
    let note = note_file(&manifest, version - 1, before.newest_deletes());
    create_blob(blobs, &dir.clone().join(noted.file.clone()), note.encode()?).await?;
    let created = manifest_store::create(blobs, &dir, &manifest).await?;

    let after = Pointer {
        version,
        checksum: Some(created.checksum),
        noted: Some(noted),
        doubt: doubt(tiers, &pointer),
        ..pointer.clone()
    };
    let mut batch = tiers.fenced_batch();
    manifest_store::move_pointer(&mut batch, scope.table, &scope.scope, &pointer, &after)?;
    tiers.commit(batch, Durability::Strict).await?;

    tracing::info!(table = %def.full_name(), scope = %scope.scope, version, "a manifest was made again");
    let cold = ColdState::new(&tiers.stores.blobs, dir.clone(), after, Some(manifest), before.dead.clone());
    let cold = Arc::new(cold);
    scope.publish_cold(Arc::clone(&cold))?;
    tiers.manifest_published(def, scope, &cold, &created.bytes, created.e_tag).await;
    Ok(())
}
