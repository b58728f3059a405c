//! Removing files that nothing needs: those that were replaced, manifests and deletion vectors of long ago, and
//! what writers left that were cut short.
//!
//! Who may still need a file, and what keeps it:
//!
//! - **Readers of this engine**, statements and streams: a batch file stays until all have ended that began before
//!   it was archived. Copies and checks read manifests too: nothing is removed while there is one.
//! - **Readers in other processes**, which cannot be asked: what was replaced stays for a grace time.
//! - **A scope whose newest files may have lost their names** ([`Doubt`]): the state that it may go back to
//!   keeps its files.
//! - **A recovery** may go back to an older manifest: some manifests stay, with the deletion vectors that they refer
//!   to. A rebuild needs the newest commit note, which lies in deletion vectors, or in a batch file that is live.
//!   What a recovery left out stays until a command compacts the table.
//!
//! **Why a stalled writer cannot publish what is removed as an orphan.** A file is published by a commit that
//! has two preconditions: the writer epoch, and the pointer of the scope as it was when the writer reserved its
//! numbers or later. The collection commits first, and that moves the pointer, to a state in which numbers up
//! to a *bound* are given out. A writer of an older epoch fails the first precondition from the moment on that
//! this engine was opened. A commit of this engine that is still on its way, although nobody waits for it any
//! more, fails the second one. And who reads the pointer after that reserves numbers from the bound on. What
//! is neither listed nor above the bound therefore never will be listed: the flush or the load that wrote it
//! does not hold the publish lock any more, and the compaction does not hold the upkeep lock, which the
//! collection has. A stalled writer may still *write* such a file, later: it is found another time.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::DateTime;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::cold::FileName;
use crate::cold::state::ColdState;
use crate::compact::RETRY_MS;
use crate::compact::commit::{Change, commit, following};
use crate::compact::pick::Effort;
use crate::error::{Error, ErrorKind, Result};
use crate::flush::write::reserve_numbers;
use crate::hot::scope::ScopeState;
use crate::manifest::store::{self as manifest_store, Doubt, Pointer};
use crate::manifest::{BatchEntry, BatchStatus, Manifest, Noted, decode};
use crate::pace::Pace;
use crate::tiers::Tiers;
use crate::types::Durability;

/// What a collection did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Batch files that left the manifest.
    pub left: u64,
    /// Files that were removed.
    pub removed: u64,
}

impl Collected {
    /// Whether anything changed.
    #[must_use]
    pub fn is_any(self) -> bool {
        self != Self::default()
    }
}

/// Whether files of `scope` should be removed.
#[must_use]
pub fn is_collection_due(tiers: &Tiers, scope: &ScopeState) -> bool {
    if !tiers.config.compaction.automatic || tiers.snapshots.any_pin() {
        return false;
    }
    let Some(upkeep) = scope.upkeep.try_lock() else { return false };
    if tiers.stores.clock.now_ms() < upkeep.collect_at_ms {
        return false;
    }
    let cold = scope.view().cold;
    let swept = upkeep.swept.max(cold.pointer.swept);
    let used = cold.pointer.next_number.saturating_sub(swept.max(1));
    used >= tiers.config.compaction.sweep_numbers.max(1) || !expired(tiers, scope, &cold).is_empty()
}

/// Removes what nothing needs any more of the files of `scope`. Waits for a compaction that is under way.
///
/// # Errors
/// `Cancelled` by `pace`; what the stores report: the first file that cannot be removed is the error, the
/// others are. What is left is found by a later collection.
pub async fn collect_scope(
    tiers: &Tiers,
    scope: &Arc<ScopeState>,
    effort: Effort,
    pace: &Pace,
) -> Result<Collected> {
    tiers.check_writable()?;
    let mut upkeep = pace.wait(scope.upkeep.lock()).await?;
    let collected = collect(tiers, scope, effort, pace).await;
    if let Ok((_, Some(bound))) = &collected {
        upkeep.swept = *bound;
    } else {
        upkeep.collect_at_ms = tiers.stores.clock.now_ms().saturating_add(RETRY_MS);
    }
    collected.map(|(collected, _)| collected)
}

/// As [`collect_scope`]; with the number below which nothing is left but what is needed for good, unless
/// something is not needed and had to be left.
async fn collect(
    tiers: &Tiers,
    scope: &Arc<ScopeState>,
    effort: Effort,
    pace: &Pace,
) -> Result<(Collected, Option<u64>)> {
    let mut collected = Collected::default();
    tiers.end_idle_snapshots();
    let kv = tiers.stores.kv.as_ref();
    let pointer = manifest_store::read_pointer(kv, scope.table, &scope.scope).await?;
    let is_left_out = pointer.left_out > 0 && effort == Effort::All;
    if pointer.swept >= pointer.next_number
        && !is_left_out
        && expired(tiers, scope, &scope.view().cold).is_empty()
    {
        return Ok((collected, Some(pointer.swept)));
    }
    let Some(bound) = leave(tiers, scope, &mut collected).await? else { return Ok((collected, None)) };
    // Whoever begins to copy now sees the pointer that was just committed, and reads what it leads to.
    if tiers.snapshots.any_pin() {
        return Ok((collected, None));
    }
    let cold = scope.view().cold;
    let blobs = tiers.stores.blobs.as_ref();
    let pointer = manifest_store::read_pointer(kv, scope.table, &scope.scope).await?;
    let Some(needed) = Needed::of(blobs, &cold, pointer.doubt.as_ref()).await? else {
        return Ok((collected, None));
    };
    // What a recovery left out is somebody's to look at, until a command says otherwise.
    let from = if effort == Effort::All { 0 } else { pointer.left_out };
    let listed = Listed::read(blobs, &cold.dir, from, bound).await?;
    let garbage = listed.garbage(tiers, scope, &cold, &needed).await?;
    let mut failed = None;
    for path in garbage {
        pace.step().await?;
        match blobs.delete(&path).await {
            Ok(()) => collected.removed += 1,
            Err(object_store::Error::NotFound { .. }) => {}
            Err(e) => {
                failed.get_or_insert(Error::from(e).context(format!("removing {path}")));
                continue;
            }
        }
        tiers.caches.forget(&path);
    }
    tiers.stats.files_collected.add(collected.removed);
    if let Some(e) = failed {
        return Err(e);
    }
    if listed.is_read(tiers, scope, &needed) {
        return Ok((collected, None));
    }
    // While names are in doubt, a later opening has to look again.
    if pointer.doubt.is_none() {
        remember(tiers, scope, bound, effort).await?;
    }
    Ok((collected, Some(bound)))
}

/// Commits that the files whose time is over are no longer in the manifest, and that no number below the
/// answer is given out again. `None` when the table is gone.
async fn leave(tiers: &Tiers, scope: &Arc<ScopeState>, collected: &mut Collected) -> Result<Option<u64>> {
    let publishing = scope.publish.lock().await;
    let Some(def) = tiers.table_of(scope) else { return Ok(None) };
    let before = scope.view().cold;
    // What a lost manifest listed besides, for readers of now, is not known.
    if before.lost.is_some() {
        return Ok(None);
    }
    let pointer = reserve_numbers(tiers, scope, &before, 1).await?;
    let expired = expired(tiers, scope, &before);
    if let Some(manifest) = before.manifest.as_ref().filter(|_| !expired.is_empty()) {
        let mut batches = manifest.batches.clone();
        batches.retain(|entry| !expired.contains(&entry.number));
        for entry in batches.iter_mut().filter(|entry| entry.status == BatchStatus::Compacting) {
            entry.status = BatchStatus::Active;
        }
        let version = pointer.next_number - 1;
        let manifest = following(tiers, &def, scope, &before, &pointer, version, batches);
        let change = Change { manifest, dead: before.dead.clone(), same_rows: true };
        commit(tiers, &def, scope, &before, &pointer, change).await?;
        collected.left = expired.len() as u64;
    }
    drop(publishing);
    Ok(Some(pointer.next_number))
}

/// The archived files that have been so for the grace time, and that nobody reads.
fn expired(tiers: &Tiers, scope: &ScopeState, cold: &ColdState) -> BTreeSet<u64> {
    let now = tiers.stores.clock.now_ms();
    let grace = i64::try_from(tiers.config.compaction.grace_ms).unwrap_or(i64::MAX);
    let is_over = |manifest: &Manifest, entry: &BatchEntry| {
        now.saturating_sub(archived_at_ms(manifest, entry)) >= grace
            && !tiers.is_archived_read(scope, entry.number)
    };
    let manifests = cold.manifest.iter();
    let archived = manifests.flat_map(|m| m.batches.iter().map(move |b| (m, b)));
    let archived = archived.filter(|(_, entry)| !entry.status.is_live());
    archived.filter(|(m, entry)| is_over(m, entry)).map(|(_, entry)| entry.number).collect()
}

/// Since when a file is archived; of one whose manifest does not tell, since that was written at the latest.
fn archived_at_ms(manifest: &Manifest, entry: &BatchEntry) -> i64 {
    let written = || DateTime::parse_from_rfc3339(&manifest.generated_at).map(|time| time.timestamp_millis());
    entry.archived_at_ms.unwrap_or_else(|| written().unwrap_or(i64::MAX))
}

/// Commits that nothing is left below `bound` but what is needed: the next look comes when it is worth it.
async fn remember(tiers: &Tiers, scope: &Arc<ScopeState>, bound: u64, effort: Effort) -> Result<()> {
    let publishing = scope.publish.lock().await;
    if tiers.table_of(scope).is_some() {
        let kv = tiers.stores.kv.as_ref();
        let now = manifest_store::read_pointer(kv, scope.table, &scope.scope).await?;
        let left_out = if effort == Effort::All { 0 } else { now.left_out };
        let swept = Pointer { swept: bound, left_out, ..now.clone() };
        let mut batch = tiers.fenced_batch();
        manifest_store::move_pointer(&mut batch, scope.table, &scope.scope, &now, &swept)?;
        tiers.commit(batch, Durability::Strict).await?;
    }
    drop(publishing);
    Ok(())
}

/// What stays whatever its age.
#[derive(Debug)]
struct Needed {
    /// Batch files.
    batches: BTreeSet<u64>,
    /// The manifest that counts.
    version: u64,
    /// The one that the scope may go back to.
    doubted: Option<u64>,
    /// The numbers of deletion vectors.
    deletes: BTreeSet<u64>,
    /// The number of the file with the newest commit note; 0 where there is none.
    noted: u64,
}

impl Needed {
    /// What the manifest of `cold` needs, and the state that `doubt` goes back to; `None` when that cannot be
    /// read.
    async fn of(blobs: &dyn ObjectStore, cold: &ColdState, doubt: Option<&Doubt>) -> Result<Option<Self>> {
        let manifest = cold.manifest.as_ref();
        let mut needed = Self {
            batches: manifest.iter().flat_map(|m| &m.batches).map(|entry| entry.number).collect(),
            version: manifest.map_or(0, |m| m.version),
            doubted: None,
            deletes: manifest.map(deletes_of).unwrap_or_default(),
            noted: manifest.and_then(|m| m.noted.as_ref()).and_then(Noted::number).unwrap_or(0),
        };
        let Some(doubt) = doubt.filter(|doubt| doubt.version > 0) else { return Ok(Some(needed)) };
        let pointer = Pointer { version: doubt.version, checksum: doubt.checksum, ..cold.pointer.clone() };
        match manifest_store::read(blobs, &cold.dir, &pointer).await {
            Ok(read) => {
                let before = read.manifest;
                needed.batches.extend(before.live().map(|entry| entry.number));
                needed.doubted = Some(before.version);
                needed.deletes.extend(deletes_of(&before));
                Ok(Some(needed))
            }
            Err(e) if e.kind() == ErrorKind::Corrupt => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// The numbers of the deletion vectors that `manifest` refers to, and of those with its note.
fn deletes_of(manifest: &Manifest) -> BTreeSet<u64> {
    let vectors =
        manifest.live().filter_map(|entry| entry.deletes.as_ref()).map(|deletes| deletes.path.as_str());
    let note = manifest.noted.iter().map(|noted| noted.file.as_str());
    vectors.chain(note).filter_map(|name| FileName::parse(name).and_then(FileName::number)).collect()
}

type Numbered = (u64, ObjectMeta);

/// The files of a scope's directory with numbers in a range, by number.
#[derive(Debug, Default)]
struct Listed {
    batches: Vec<(u64, Path)>,
    deletes: Vec<(u64, Path)>,
    manifests: Vec<Numbered>,
}

impl Listed {
    async fn read(blobs: &dyn ObjectStore, dir: &Path, from: u64, bound: u64) -> Result<Self> {
        let mut listed = Self::default();
        let within = from..bound;
        let mut objects = blobs.list(Some(dir));
        while let Some(object) = objects.try_next().await? {
            match object.location.filename().and_then(FileName::parse) {
                Some(FileName::Batch(n) | FileName::Sums(n)) if within.contains(&n) => {
                    listed.batches.push((n, object.location));
                }
                Some(FileName::Deletes(n)) if within.contains(&n) => {
                    listed.deletes.push((n, object.location))
                }
                Some(FileName::Manifest(n)) if within.contains(&n) => listed.manifests.push((n, object)),
                _ => {}
            }
        }
        listed.batches.sort_unstable();
        listed.deletes.sort_unstable();
        listed.manifests.sort_unstable_by_key(|(n, _)| *n);
        Ok(listed)
    }

    /// What is not needed, in the order in which it is to go.
    ///
    /// First what says of itself that it follows the commit that counts, and was never committed: a recovery
    /// would believe it. Then the files that were replaced, then the manifests that list them, and
    /// last the deletion vectors that those refer to.
    async fn garbage(
        &self,
        tiers: &Tiers,
        scope: &ScopeState,
        cold: &ColdState,
        needed: &Needed,
    ) -> Result<Vec<Path>> {
        let is_above = |n: &u64| *n > needed.version;
        let above = self.manifests.iter().filter(|(n, _)| is_above(n)).map(|(_, object)| &object.location);
        // Every commit that writes deletion vectors notes it in them, so those past the newest note have none that
        // counts.
        let is_untold = |n: &u64| is_above(n) || (needed.noted > 0 && *n > needed.noted);
        let above = above.chain(self.deletes.iter().filter(|(n, _)| is_untold(n)).map(|(_, path)| path));
        let is_garbage = |n: &u64| !needed.batches.contains(n) && !tiers.is_archived_read(scope, *n);
        // A note may lie in the last file of a flush that was cut short: it goes before those that it lists.
        let garbage = self.batches.iter().filter(|(n, _)| is_garbage(n));
        let (noted, replaced): (Vec<_>, Vec<_>) = garbage.partition(|(n, _)| *n > needed.noted);
        let batches = noted.into_iter().rev().chain(replaced).map(|(_, path)| path);
        let (old, recent) = self.old_manifests(tiers, needed);
        let old = old.iter().filter(|(n, _)| needed.doubted != Some(*n)).map(|(_, object)| &object.location);
        let old_deletes = self.old_deletes(tiers.stores.blobs.as_ref(), needed, recent, cold).await?;
        let deletes = self.deletes.iter().filter(|(n, _)| old_deletes.contains(n)).map(|(_, path)| path);
        Ok(above.chain(batches).chain(old).chain(deletes).cloned().collect())
    }

    /// Whether a batch file that no manifest lists is read all the same: one of a manifest that was lost.
    fn is_read(&self, tiers: &Tiers, scope: &ScopeState, needed: &Needed) -> bool {
        let mut unlisted = self.batches.iter().filter(|(n, _)| !needed.batches.contains(n));
        unlisted.any(|(n, _)| tiers.is_archived_read(scope, *n))
    }

    /// The manifests that may go, and those that stay although there were newer ones before the grace time.
    fn old_manifests(&self, tiers: &Tiers, needed: &Needed) -> (&[Numbered], &[Numbered]) {
        let config = &tiers.config.compaction;
        let grace = i64::try_from(config.grace_ms).unwrap_or(i64::MAX);
        let now = tiers.stores.clock.now_ms();
        let is_old = |object: &ObjectMeta| {
            grace == 0 || now.saturating_sub(object.last_modified.timestamp_millis()) >= grace
        };
        let committed = self.manifests.partition_point(|(n, _)| *n <= needed.version);
        let end = self.manifests.iter().take(committed).take_while(|(_, object)| is_old(object)).count();
        // One of another process may have read the pointer a grace time ago, and read the manifest now.
        let kept = end.saturating_sub(config.kept_manifests);
        let old = self.manifests.get(..kept).unwrap_or_default();
        (old, self.manifests.get(kept..end).unwrap_or_default())
    }

    /// The deletion vectors that no manifest refers to which stays.
    ///
    /// A live file's vectors are only ever replaced by newer ones. So what is older than the oldest manifest that stays,
    /// and neither that nor a later one refers to, nothing will. Of the oldest some may never have been committed: all
    /// of them count, and one of them has to be certain.
    async fn old_deletes(
        &self,
        blobs: &dyn ObjectStore,
        needed: &Needed,
        recent: &[Numbered],
        cold: &ColdState,
    ) -> Result<BTreeSet<u64>> {
        let Some((oldest, _)) = recent.first() else { return Ok(BTreeSet::new()) };
        let below =
            self.deletes.iter().map(|(n, _)| *n).filter(|n| n < oldest && !needed.deletes.contains(n));
        let mut old: BTreeSet<u64> = below.collect();
        if old.is_empty() {
            return Ok(old);
        }
        let mut committed: BTreeSet<u64> = cold.manifest.iter().map(|m| m.version).collect();
        for (number, object) in recent {
            let bytes = match blobs.get(&object.location).await {
                Ok(found) => found.bytes().await?,
                Err(object_store::Error::NotFound { .. }) => return Ok(BTreeSet::new()),
                Err(e) => return Err(e.into()),
            };
            let Ok((manifest, _)) = decode(object.location.as_ref(), &bytes) else {
                return Ok(BTreeSet::new());
            };
            if manifest.version != *number {
                return Ok(BTreeSet::new());
            }
            old.retain(|n| !deletes_of(&manifest).contains(n));
            committed.extend(manifest.previous);
        }
        let is_certain = recent.iter().any(|(number, _)| committed.contains(number));
        Ok(if is_certain { old } else { BTreeSet::new() })
    }
}
