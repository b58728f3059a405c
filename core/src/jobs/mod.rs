//! Work that no statement waits for, or that one can watch: what is done, kept as rows of `system.jobs`.
//!
//! Nothing runs by itself: whoever has an engine calls its step, and a step is one slice of one job. Jobs are
//! begun in the order in which they were made, one at a time. An interrupted job is queued again by the next
//! opening of the store, since every job can be begun again.

mod expire;
mod queue;
pub mod record;
mod run;

use std::collections::VecDeque;
use std::sync::Arc;

use async_lock::Mutex;

use crate::access::audit;
use crate::catalog::TableDef;
use crate::error::Result;
use crate::jobs::expire::{cutoff, has_expired};
use crate::jobs::queue::{begin_attended, begin_next, end, set_schedule};
pub use crate::jobs::queue::{enqueue, kill, open};
use crate::jobs::record::{ExpireAuditTask, ExpireTombstonesTask, JobState, Schedule, Task};
use crate::jobs::run::{Next, Reports, Run};
use crate::pace::CancelToken;
use crate::storage::Keyspace;
use crate::tiers::Tiers;
use crate::types::Scope;

/// How many scopes are looked at in one step for tombstones that are too old.
const LOOKED_AT: usize = 64;

/// What the steps of an engine have begun.
#[derive(Debug, Default)]
pub struct Jobs {
    current: Mutex<Current>,
}

#[derive(Debug, Default)]
struct Current {
    run: Option<Run>,
    /// The scopes that are still to be looked at for tombstones that are too old.
    search: Option<VecDeque<(Arc<TableDef>, Scope)>>,
}

impl Jobs {
    /// Does one slice of a job, if there is one, or of looking for one that is due. Whether it did anything.
    ///
    /// # Errors
    /// What the stores report; what fails of a job is in its row.
    pub async fn step(&self, tiers: &Arc<Tiers>) -> Result<bool> {
        // Whoever is in the middle of a step goes on with the next as well.
        let Some(mut current) = self.current.try_lock() else { return Ok(false) };
        if let Some(run) = &mut current.run {
            if run.slice().await? == Next::Nothing {
                current.run = None;
            }
            return Ok(true);
        }
        if let Some(job) = begin_next(tiers).await? {
            match Run::new(tiers, &job) {
                Ok(run) => current.run = Some(run),
                Err(e) => end(tiers, job.id, JobState::Failed, Some(e.to_string())).await?,
            }
            return Ok(true);
        }
        search(tiers, &mut current.search).await
    }
}

/// Runs `task` to its end, as a job that others see and can kill; what it did. `cancel` is of the statement that
/// waits.
///
/// # Errors
/// The first failure of it; `Cancelled` when it was killed or the statement was cancelled.
pub async fn attend(tiers: &Arc<Tiers>, task: &Task, cancel: &CancelToken) -> Result<Reports> {
    let job = begin_attended(tiers, task).await?;
    let mut run = Run::new(tiers, &job)?.for_statement(cancel);
    loop {
        if let Err(e) = cancel.check() {
            run.give_up(&e).await?;
            return Err(e);
        }
        if run.slice().await? == Next::Nothing {
            return run.into_reports();
        }
    }
}

/// Looks, every so often, for tombstones and audit entries that are too old, and makes the jobs that forget them
/// where there are any: a job for nothing would be a row for nothing. Whether there was something to do.
async fn search(tiers: &Tiers, search: &mut Option<VecDeque<(Arc<TableDef>, Scope)>>) -> Result<bool> {
    let now = tiers.stores.clock.now_ms();
    let Some(left) = search else {
        let every_ms = tiers.config.feed.expiry_interval_seconds.saturating_mul(1000);
        let every_ms = i64::try_from(every_ms).unwrap_or(i64::MAX);
        let last = tiers.jobs.schedule().tombstones_ms;
        // A clock that was set back does not put it off.
        if last.is_some_and(|last| (0..every_ms).contains(&now.saturating_sub(last))) {
            return Ok(false);
        }
        let is_audit_due = audit::has_expired(tiers).await?;
        if is_audit_due {
            enqueue(tiers, &Task::ExpireAudit(ExpireAuditTask::default())).await?;
        }
        let found = scopes(tiers).await?;
        if found.is_empty() {
            // Not kept: where there is nothing, looking costs nothing.
            tiers.jobs.set_schedule(Schedule { tombstones_ms: Some(now) });
            return Ok(is_audit_due);
        }
        *search = Some(found);
        return Ok(true);
    };
    for _ in 0..LOOKED_AT {
        let Some((def, scope)) = left.pop_front() else { break };
        match has_expired(tiers, &def, &scope).await {
            Ok(true) => {
                *search = None;
                // First the job: a search that is noted, and came to nothing, would put it off.
                enqueue(tiers, &Task::ExpireTombstones(ExpireTombstonesTask::default())).await?;
                note_search(tiers, now).await?;
                return Ok(true);
            }
            Ok(false) => {}
            Err(error) => {
                tiers.check_writable()?;
                tracing::warn!(%error, table = %def.full_name(), %scope, "tombstones cannot be read");
            }
        }
    }
    if left.is_empty() {
        *search = None;
        note_search(tiers, now).await?;
    }
    Ok(true)
}

async fn note_search(tiers: &Tiers, now_ms: i64) -> Result<()> {
    set_schedule(tiers, Schedule { tombstones_ms: Some(now_ms) }).await
}

/// The scopes that have tombstones which will not be kept for ever.
async fn scopes(tiers: &Tiers) -> Result<VecDeque<(Arc<TableDef>, Scope)>> {
    let mut found = VecDeque::new();
    for def in tiers.catalog().tables().filter(|def| cutoff(tiers, def).is_some()) {
        let scopes = tiers.scopes_in(def.id, &[Keyspace::Tombstones]).await?;
        found.extend(scopes.into_iter().map(|scope| (Arc::clone(def), scope)));
    }
    Ok(found)
}
