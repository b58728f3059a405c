//! Keeping batch files few and free of dead rows: some are rewritten as others, and those that nothing needs
//! any more are removed.
//!
//! ```text
//! claim     the inputs are `compacting`              a manifest, under the publish lock
//! rewrite   their live rows become new batch files   beside flushes and statements, under no lock
//! publish   rows that died meanwhile die in the new files too; they take the inputs' place, which are
//!           `archived`                                under the publish lock
//! collect   once nobody can read the archived files, they leave the manifest, and then the store
//! ```
//!
//! **Invariant**: only files that every living snapshot includes are rewritten. So the new files are right for
//! every reader: what a reader leaves out because it is above its snapshot never gets into a file with what
//! is not.
//!
//! **Invariant**: a row that dies while its file is rewritten is dead in the new file: both change in the same
//! commit, under the publish lock of the scope, as every flush does.
//!
//! A crash leaves a claim, which the next one of the scope takes back, and files that nothing refers to.

mod claim;
mod commit;
mod garbage;
mod merge;
mod pick;
mod publish;
mod rewrite;

use std::sync::Arc;

pub use garbage::{collect_scope, is_collection_due};
pub use pick::Effort;

use crate::error::{ErrorKind, Result};
use crate::flush::mend_scope;
use crate::hot::scope::{ScopeState, Upkeep};
use crate::pace::Pace;
use crate::tiers::Tiers;

/// So long nothing is tried again that failed, in milliseconds.
const RETRY_MS: i64 = 60_000;

/// How far a compaction is: rows written, and rows to write.
pub type OnRows<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// What compactions of one scope did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompactReport {
    /// `namespace.table`.
    pub table: String,
    /// The directory name of the scope.
    pub scope: String,
    /// Names of the batch files that were replaced.
    pub replaced: Vec<String>,
    /// Rows written.
    pub rows: u64,
    /// Dead rows left out.
    pub dropped: u64,
    /// Names of the batch files written.
    pub files: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were removed, since nothing needed them.
    pub removed: u64,
}

impl CompactReport {
    /// Adds what came after it in the same scope.
    pub fn add(&mut self, later: Self) {
        self.files.retain(|file| !later.replaced.contains(file));
        self.replaced.extend(later.replaced);
        self.files.extend(later.files);
        self.rows += later.rows;
        self.dropped += later.dropped;
        self.bytes += later.bytes;
        self.removed += later.removed;
    }
}

/// Rewrites some batch files of `scope` as fewer, or as files with fewer dead rows; `None` when there is
/// nothing to do. Waits for a compaction or collection of the scope that is under way.
///
/// On return the rows are in synced files that a synced commit refers to, and the files that they were in
/// are archived.
///
/// # Errors
/// `Cancelled` by `pace`, `Corrupt` when a file is damaged, and what the stores report. Unless the commit
/// itself failed, the scope is as before.
pub async fn compact_scope(
    tiers: &Tiers,
    scope: &Arc<ScopeState>,
    effort: Effort,
    pace: &Pace,
    progress: OnRows<'_>,
) -> Result<Option<CompactReport>> {
    tiers.check_writable()?;
    let mut upkeep = pace.wait(scope.upkeep.lock()).await?;
    // The files of a table that is dropped meanwhile stay until the end: what is written last goes with them.
    let _batches = tiers.snapshots.read_batches();
    let compacted = compact(tiers, scope, effort, &mut upkeep, pace, progress).await;
    if compacted.is_err() {
        upkeep.compact_at_ms = tiers.stores.clock.now_ms().saturating_add(RETRY_MS);
    }
    compacted
}

async fn compact(
    tiers: &Tiers,
    scope: &Arc<ScopeState>,
    effort: Effort,
    upkeep: &mut Upkeep,
    pace: &Pace,
    progress: OnRows<'_>,
) -> Result<Option<CompactReport>> {
    Box::pin(mend_scope(tiers, scope, pace)).await?;
    let Some(claim) = claim::claim(tiers, scope, effort, &upkeep.damaged).await? else { return Ok(None) };
    let mut rewrite = rewrite::Rewrite::new(tiers, scope, &claim);
    if let Err(e) = rewrite.run(pace, progress).await {
        rewrite.take_back(None).await;
        if e.kind() == ErrorKind::Corrupt {
            // One of them is; the others of the scope need not wait for it.
            upkeep.damaged.extend(claim.numbers());
        }
        return Err(e);
    }
    publish::publish(tiers, scope, &claim, rewrite, pace).await
}

/// All compactions of `scope` that there are, and a collection; `None` when nothing was to be done.
///
/// # Errors
/// As [`compact_scope`] and [`collect_scope`]; what was done stays.
pub async fn compact_whole(
    tiers: &Tiers,
    scope: &Arc<ScopeState>,
    pace: &Pace,
    progress: OnRows<'_>,
) -> Result<Option<CompactReport>> {
    let mut whole: Option<CompactReport> = None;
    while let Some(report) = compact_scope(tiers, scope, Effort::All, pace, progress).await? {
        match &mut whole {
            Some(whole) => whole.add(report),
            None => whole = Some(report),
        }
    }
    let collected = collect_scope(tiers, scope, Effort::All, pace).await?;
    if collected.is_any() {
        let table = tiers.catalog().table_by_id(scope.table).map(|def| def.full_name().to_string());
        let whole = whole.get_or_insert_with(|| CompactReport {
            table: table.unwrap_or_default(),
            scope: scope.scope.dir(),
            ..CompactReport::default()
        });
        whole.removed += collected.removed;
    }
    Ok(whole)
}

/// Whether files of `scope` should be rewritten.
#[must_use]
pub fn is_compaction_due(tiers: &Tiers, scope: &ScopeState) -> bool {
    if !tiers.config.compaction.automatic {
        return false;
    }
    // Who holds it is at it.
    let Some(mut upkeep) = scope.upkeep.try_lock() else { return false };
    if tiers.stores.clock.now_ms() < upkeep.compact_at_ms {
        return false;
    }
    let cold = scope.view().cold;
    let Some(version) = cold.manifest.as_ref().map(|m| m.version) else { return false };
    if upkeep.settled_at == version {
        return false;
    }
    let catalog = tiers.catalog();
    let Some(def) = catalog.table_by_id(scope.table) else { return false };
    match claim::look(tiers, def, &cold, Effort::Due, &upkeep.damaged) {
        Ok(claim::Looked { picked: Some(_), .. }) => true,
        Ok(looked) => {
            if !looked.held_back {
                upkeep.settled_at = version;
            }
            false
        }
        Err(error) => {
            tracing::warn!(%error, scope = %scope.scope, "which files to compact cannot be told");
            upkeep.settled_at = version;
            false
        }
    }
}
