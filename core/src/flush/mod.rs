//! Making hot versions cold, and committing as cold at once what is too much to be hot (`load`).
//!
//! The order is **P** batch files, checksums and deletion vectors → **M** the numbered manifest → **C** one
//! synced batch that moves the pointer and drops the blocks → **E** the copy of the manifest. C is the
//! commit: what was written before it is unreachable if it does not happen, and opening a scope completes
//! E if it alone is missing.

mod load;
mod mend;
mod readers;
mod runs;
mod select;
pub mod sizes;
pub mod write;

use std::sync::Arc;

pub use load::load_runs;
pub use mend::{mend_scope, remake_scope};
pub use readers::let_readers_end;
pub use runs::{Runs, remove_leftovers};

use crate::cold::locate::locate;
use crate::error::Result;
use crate::flush::select::select;
use crate::hot::scope::ScopeState;
use crate::pace::Pace;
use crate::tiers::{Tiers, drop_blocks};
use crate::types::Durability;

/// What a flush did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlushReport {
    /// `namespace.table`.
    pub table: String,
    /// The directory name of the scope.
    pub scope: String,
    /// Rows written.
    pub rows: u64,
    /// Tombstones that did their work.
    pub tombstones: u64,
    /// Cold rows newly marked dead.
    pub hidden: u64,
    /// Names of the batch files written.
    pub files: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
}

/// Flushes `scope` up to the oldest snapshot alive; `None` when nothing was hot up to there, or nothing of it can be cold.
///
/// On return the rows are in synced files that a synced commit refers to, whatever the engine's durability.
///
/// # Errors
/// What the stores report. Unless the commit itself failed, the scope is as before.
pub async fn flush_scope(tiers: &Tiers, scope: &Arc<ScopeState>) -> Result<Option<FlushReport>> {
    tiers.check_writable()?;
    let publishing = scope.publish.lock().await;
    // Under the lock: a DROP TABLE holds it until the table is gone from the catalog.
    let def = tiers.table_of(scope).filter(|def| def.kind.has_files());
    let Some(def) = def else { return Ok(None) };
    Box::pin(mend::mend(tiers, &def, scope, &Pace::of_background(&tiers.stores))).await?;
    tiers.end_idle_snapshots();
    let under_snapshot = tiers.snapshots.any_older_than_committed();
    let through = tiers.snapshots.flush_horizon();
    let view = scope.view();
    let Some(picked) = select(&def, scope, &view, through)? else { return Ok(None) };

    let schema = def.file_schema()?;
    let located = locate(&tiers.caches, &schema, &view.cold, &picked.key_columns).await?;
    let plan = write::Plan::new(&def, scope, &view.cold, &picked, &located, through);
    let numbers = write::reserve_numbers(tiers, scope, &view.cold, plan.numbers_needed(tiers)).await?;
    let written = plan.write(tiers, &schema, numbers).await?;

    let mut batch = tiers.fenced_batch();
    written.move_pointer(&mut batch, scope)?;
    if tiers.stores.names_are_synced {
        drop_blocks(&mut batch, scope.table, &scope.scope, through);
    }
    picked.put_tombstones(&mut batch, &def, scope)?;
    tiers.commit(batch, Durability::Strict).await?;

    let report = written.report(&def, scope, &picked);
    let cold = Arc::new(written.cold);
    scope.publish_cold(Arc::clone(&cold))?;
    tiers.note_archived(scope, &view.cold);
    tiers.stats.flushes.add(1);
    if under_snapshot {
        tiers.stats.flushes_under_snapshot.add(1);
    }
    tiers.manifest_published(&def, scope, &cold, &written.manifest_bytes, written.manifest_tag).await;
    drop(publishing);
    Ok(Some(report))
}

/// Whether the policy of its table, or the engine's, wants `scope` flushed.
#[must_use]
pub fn is_due(tiers: &Tiers, scope: &ScopeState) -> bool {
    let catalog = tiers.catalog();
    let Some(def) = catalog.table_by_id(scope.table).filter(|def| def.kind.has_files()) else { return false };
    let rows = scope.hot_rows() as u64;
    if rows == 0 {
        return false;
    }
    let policy = def.options.flush.unwrap_or_default();
    if rows >= policy.rows.unwrap_or(tiers.config.flush.rows) {
        return true;
    }
    if scope.hot_bytes() as u64 >= policy.bytes.unwrap_or(tiers.config.flush.bytes) {
        return true;
    }
    let Some(interval_s) = policy.interval_s else { return false };
    let age_ms = scope.oldest_hot().map_or(0, |seq| tiers.stores.clock.now_ms() - seq.unix_ms());
    let due = i64::try_from(interval_s).unwrap_or(i64::MAX).saturating_mul(1000);
    age_ms >= due && rows >= tiers.config.flush.min_rows
}
