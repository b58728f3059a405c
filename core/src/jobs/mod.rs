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
use crate::catalog::{TableDef, TableKind};
use crate::error::Result;
use crate::expiry::has_evictable;
use crate::jobs::expire::{cutoff, has_expired};
use crate::jobs::queue::{begin_attended, begin_next, end, set_schedule};
pub use crate::jobs::queue::{enqueue, kill, open};
use crate::jobs::record::{
    EvictExpiredTask, ExpireAuditTask, ExpireTombstonesTask, JobState, Schedule, Task,
};
use crate::jobs::run::{Next, Reports, Run};
use crate::pace::CancelToken;
use crate::storage::Keyspace;
use crate::tiers::Tiers;
use crate::types::Scope;

/// How many scopes are looked at in one step for what is too old.
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
    tombstones: Option<Scopes>,
    /// Those that are still to be looked at for expired rows.
    expired: Option<Scopes>,
}

type Scopes = VecDeque<(Arc<TableDef>, Scope)>;

/// What is looked for at times.
#[derive(Debug, Clone, Copy)]
enum Search {
    /// Tombstones that are older than their table retains them.
    Tombstones,
    /// Expired rows of STREAM tables.
    Expired,
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
        if Search::Expired.step(tiers, &mut current.expired).await? {
            return Ok(true);
        }
        Search::Tombstones.step(tiers, &mut current.tombstones).await
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

impl Search {
    /// Looks, every so often, for what is too old, and makes the job that removes it where there is any: a job for
    /// nothing would be a row for nothing. Whether there was something to do.
    async fn step(self, tiers: &Tiers, left: &mut Option<Scopes>) -> Result<bool> {
        let now = tiers.stores.clock.now_ms();
        let Some(scopes) = left else {
            // A clock that was set back does not put it off.
            if self
                .last_ms(tiers)
                .is_some_and(|last| (0..self.every_ms(tiers)).contains(&now.saturating_sub(last)))
            {
                return Ok(false);
            }
            let is_audit_due = match self {
                Self::Tombstones => audit::has_expired(tiers).await.unwrap_or_else(|error| {
                    tracing::warn!(%error, "the audit log cannot be read");
                    false
                }),
                Self::Expired => false,
            };
            if is_audit_due {
                enqueue(tiers, &Task::ExpireAudit(ExpireAuditTask::default())).await?;
            }
            let found = self.scopes(tiers).await?;
            if found.is_empty() {
                // Not kept: where there is nothing, looking costs nothing.
                tiers.jobs.set_schedule(self.noted(tiers, now));
                return Ok(is_audit_due);
            }
            *left = Some(found);
            return Ok(true);
        };
        for _ in 0..LOOKED_AT {
            let Some((def, scope)) = scopes.pop_front() else { break };
            match self.is_due(tiers, &def, &scope).await {
                Ok(true) => {
                    *left = None;
                    // First the job: a search that is noted, and came to nothing, would put it off.
                    enqueue(tiers, &self.task()).await?;
                    self.note(tiers, now).await?;
                    return Ok(true);
                }
                Ok(false) => {}
                Err(error) => {
                    tiers.check_writable()?;
                    tracing::warn!(%error, table = %def.full_name(), %scope, "hot rows or tombstones cannot be read");
                }
            }
        }
        if scopes.is_empty() {
            *left = None;
            self.note(tiers, now).await?;
        }
        Ok(true)
    }

    /// How often it is done.
    fn every_ms(self, tiers: &Tiers) -> i64 {
        let seconds = match self {
            Self::Tombstones => tiers.config.feed.expiry_interval_seconds,
            Self::Expired => tiers.config.stream.eviction_interval_seconds,
        };
        i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX)
    }

    /// When it was done last.
    fn last_ms(self, tiers: &Tiers) -> Option<i64> {
        let schedule = tiers.jobs.schedule();
        match self {
            Self::Tombstones => schedule.tombstones_ms,
            Self::Expired => schedule.expired_ms,
        }
    }

    /// The schedule, once it was done at `now_ms`.
    fn noted(self, tiers: &Tiers, now_ms: i64) -> Schedule {
        let schedule = tiers.jobs.schedule();
        match self {
            Self::Tombstones => Schedule { tombstones_ms: Some(now_ms), ..schedule },
            Self::Expired => Schedule { expired_ms: Some(now_ms), ..schedule },
        }
    }

    async fn note(self, tiers: &Tiers, now_ms: i64) -> Result<()> {
        let noted = self.noted(tiers, now_ms);
        match self {
            Self::Tombstones => set_schedule(tiers, noted).await,
            Self::Expired => {
                tiers.jobs.set_schedule(noted);
                Ok(())
            }
        }
    }

    /// The scopes that may have some.
    async fn scopes(self, tiers: &Tiers) -> Result<Scopes> {
        let mut found = VecDeque::new();
        for def in tiers.catalog().tables() {
            let (concerns, space) = match self {
                Self::Tombstones => (cutoff(tiers, def).is_some(), Keyspace::Tombstones),
                Self::Expired => (def.kind == TableKind::Stream, Keyspace::Hot),
            };
            if concerns {
                let scopes = tiers.scopes_in(def.id, &[space]).await?;
                found.extend(scopes.into_iter().map(|scope| (Arc::clone(def), scope)));
            }
        }
        Ok(found)
    }

    async fn is_due(self, tiers: &Tiers, def: &TableDef, scope: &Scope) -> Result<bool> {
        match self {
            Self::Tombstones => has_expired(tiers, def, scope).await,
            Self::Expired => has_evictable(tiers, def, scope).await,
        }
    }

    fn task(self) -> Task {
        match self {
            Self::Tombstones => Task::ExpireTombstones(ExpireTombstonesTask::default()),
            Self::Expired => Task::EvictExpired(EvictExpiredTask::default()),
        }
    }
}
