//! Driving compactions and collections: of all scopes, and one at a time as they are due.

use std::sync::Arc;

use crate::compact::{
    CompactReport, Effort, collect_scope, compact_scope, is_collection_due, is_compaction_due,
};
use crate::engine::Engine;
use crate::error::Result;
use crate::hot::scope::ScopeState;
use crate::jobs::attend;
use crate::jobs::record::{CompactTask, Task};
use crate::pace::{CancelToken, Pace};
use crate::tiers::Tiers;

impl Engine {
    /// Rewrites the batch files of every scope of every table as fewer files without dead rows, as far as open
    /// snapshots allow, and removes files that nothing needs any more. A report per scope where there was
    /// anything to do. While it runs it is a job, which `KILL JOB` ends.
    ///
    /// # Errors
    /// The first of those that failed, once every other scope is done; `Cancelled` when it was killed.
    pub async fn compact_all(&self) -> Result<Vec<CompactReport>> {
        let task = Task::Compact(CompactTask::default());
        Ok(attend(&self.shared.tiers, &task, &CancelToken::new()).await?.compacted)
    }

    /// Does one compaction or one collection that is due, of a scope in memory; whether there was one.
    ///
    /// # Errors
    /// The first that failed, once there is nothing left to do but what failed.
    pub(crate) async fn compact_due(&self) -> Result<bool> {
        let tiers = &self.shared.tiers;
        let mut failed = None;
        // The others are not held: a compaction takes its time, and scopes leave memory meanwhile.
        let mut due = tiers.open_scopes();
        due.retain(|scope| is_compaction_due(tiers, scope) || is_collection_due(tiers, scope));
        for scope in due {
            match compact_if_due(tiers, &scope).await {
                Ok(false) => {}
                Ok(true) => return Ok(true),
                Err(error) => {
                    if failed.is_some() {
                        tracing::warn!(%error, "another compaction failed");
                    }
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(false), Err)
    }
}

async fn compact_if_due(tiers: &Tiers, scope: &Arc<ScopeState>) -> Result<bool> {
    let pace = Pace::of_background(&tiers.stores);
    if is_compaction_due(tiers, scope)
        && compact_scope(tiers, scope, Effort::Due, &pace, &mut |_, _| {}).await?.is_some()
    {
        return Ok(true);
    }
    Ok(is_collection_due(tiers, scope) && collect_scope(tiers, scope, Effort::Due, &pace).await?.is_any())
}
