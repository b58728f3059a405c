//! Running jobs, a slice at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::access::audit;
use crate::catalog::{TableDef, TableKind};
use crate::compact::{CompactReport, Effort, collect_scope, compact_whole};
use crate::error::{Error, ErrorKind, Result};
use crate::expiry::evict_scope;
use crate::flush::{FlushReport, flush_scope, remake_scope};
use crate::jobs::expire::expire_scope;
use crate::jobs::queue;
use crate::jobs::record::{Job, JobId, JobState, Task};
use crate::pace::{CancelToken, Pace};
use crate::storage::Keyspace;
use crate::tiers::Tiers;
use crate::types::Scope;

/// How often the progress of a job is kept, in milliseconds.
const PROGRESS_MS: i64 = 5_000;

/// A job that was begun. A slice of it is one scope.
///
/// One that is dropped before its end has failed: nobody goes on with it.
#[derive(Debug)]
pub struct Run {
    tiers: Arc<Tiers>,
    id: JobId,
    cancel: CancelToken,
    /// Of the statement that waits for it, if one does.
    statement: CancelToken,
    task: Task,
    /// What is left to do; `None` before that was looked up.
    scopes: Option<VecDeque<(Arc<TableDef>, Scope)>>,
    total: usize,
    reports: Reports,
    failed: Option<Error>,
    kept_ms: i64,
    is_over: bool,
}

/// What a job did, scope by scope.
#[derive(Debug, Default)]
pub struct Reports {
    /// Its flushes.
    pub flushed: Vec<FlushReport>,
    /// Its compactions.
    pub compacted: Vec<CompactReport>,
}

/// What comes after a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another.
    Slice,
    /// Nothing: it is over.
    Nothing,
}

impl Run {
    /// A job that is noted as begun.
    ///
    /// # Errors
    /// `Unsupported` for a task that this version does not have.
    pub fn new(tiers: &Arc<Tiers>, job: &Job) -> Result<Self> {
        Ok(Self {
            tiers: Arc::clone(tiers),
            id: job.id,
            cancel: tiers.jobs.cancel_token(job.id),
            statement: CancelToken::new(),
            task: job.task()?,
            scopes: None,
            total: 0,
            reports: Reports::default(),
            failed: None,
            kept_ms: tiers.stores.clock.now_ms(),
            is_over: false,
        })
    }

    /// The same, which also ends when `statement` is used.
    #[must_use]
    pub fn for_statement(mut self, statement: &CancelToken) -> Self {
        self.statement = statement.clone();
        self
    }

    /// Does a part of the work. What fails of it is in the row of the job, and the rest goes on.
    ///
    /// # Errors
    /// What makes the store unusable, or keeps what came of the job from being kept.
    pub async fn slice(&mut self) -> Result<Next> {
        self.tiers.check_writable()?;
        if self.cancel.is_cancelled() {
            self.end(JobState::Killed, None).await?;
            return Ok(Next::Nothing);
        }
        if let Err(e) = self.work().await {
            self.tiers.check_writable()?;
            if self.cancel.is_cancelled() {
                self.end(JobState::Killed, None).await?;
                return Ok(Next::Nothing);
            }
            match &self.failed {
                Some(_) => tracing::warn!(job = %self.id, error = %e, "another part of a job failed"),
                None => self.failed = Some(e),
            }
        }
        if self.scopes.as_ref().is_some_and(|left| !left.is_empty()) {
            self.note_progress().await?;
            return Ok(Next::Slice);
        }
        let error = self.failed.as_ref().map(ToString::to_string);
        let state = if error.is_some() { JobState::Failed } else { JobState::Done };
        self.end(state, error).await?;
        Ok(Next::Nothing)
    }

    /// What it did.
    ///
    /// # Errors
    /// The first failure; `Cancelled` when it was killed.
    pub fn into_reports(mut self) -> Result<Reports> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        if self.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, format!("job {} was killed", self.id)));
        }
        Ok(std::mem::take(&mut self.reports))
    }

    /// Ends it early, because whoever waited has gone.
    ///
    /// # Errors
    /// What the key-value store reports.
    pub async fn give_up(&mut self, error: &Error) -> Result<()> {
        self.end(JobState::Failed, Some(error.to_string())).await
    }

    async fn end(&mut self, state: JobState, error: Option<String>) -> Result<()> {
        self.is_over = true;
        if let Some(error) = &error {
            tracing::warn!(job = %self.id, error, "a job failed");
        }
        queue::end(&self.tiers, self.id, state, error).await
    }

    async fn work(&mut self) -> Result<()> {
        let Some(scopes) = &mut self.scopes else {
            // Set first: a job that cannot even begin is over.
            self.scopes = Some(VecDeque::new());
            if let Task::EvictManifests(_) = self.task {
                self.tiers.evict_manifests();
                return Ok(());
            }
            if let Task::ExpireAudit(_) = self.task {
                while audit::expire(&self.tiers).await? {
                    self.cancel.check()?;
                }
                return Ok(());
            }
            let found = list(&self.tiers, &self.task).await?;
            self.total = found.len();
            self.scopes = Some(found);
            return Ok(());
        };
        let Some((def, scope)) = scopes.pop_front() else { return Ok(()) };
        let done = self.work_on(&def, &scope).await;
        self.tiers.enforce_budget();
        match done {
            Ok(Next::Nothing) => Ok(()),
            Ok(Next::Slice) => {
                self.scopes.get_or_insert_default().push_front((def, scope));
                Ok(())
            }
            // Nothing is left to do of a table that was dropped meanwhile.
            Err(e) if e.kind() == ErrorKind::Conflict && self.is_gone(&def) => Ok(()),
            Err(e) if e.kind() == ErrorKind::Cancelled => Err(e),
            Err(e) => Err(e.context(format!("{} {} {scope}", self.task.doing(), def.full_name()))),
        }
    }

    /// Does a part of what there is to do of one scope.
    async fn work_on(&mut self, def: &Arc<TableDef>, scope: &Scope) -> Result<Next> {
        let tiers = &self.tiers;
        if let Task::ExpireTombstones(_) = self.task {
            return expire_scope(tiers, def, scope).await;
        }
        if let Task::EvictExpired(_) = self.task {
            let more = evict_scope(tiers, def.id, scope).await?;
            return Ok(if more { Next::Slice } else { Next::Nothing });
        }
        let state = tiers.scope(def, scope).await?;
        let (clock, pause) = (Arc::clone(&tiers.stores.clock), Arc::clone(&tiers.stores.pause));
        let pace = Pace::new(self.cancel.clone(), clock, pause).and_until(self.statement.clone());
        match &self.task {
            Task::Flush(_) => self.reports.flushed.extend(flush_scope(tiers, &state).await?),
            Task::Compact(_) => {
                let (before, after) = (self.progress(1), self.progress(0));
                let mut note = |rows, of: u64| {
                    let part = rows as f64 / of.max(1) as f64;
                    tiers.jobs.change(self.id, |job| job.progress = before + part * (after - before));
                };
                self.reports.compacted.extend(compact_whole(tiers, &state, &pace, &mut note).await?);
            }
            Task::CollectGarbage(_) => {
                collect_scope(tiers, &state, Effort::All, &pace).await?;
            }
            Task::RebuildManifest(_) => {
                Box::pin(remake_scope(tiers, &state, &pace)).await?;
            }
            Task::EvictManifests(_)
            | Task::ExpireAudit(_)
            | Task::ExpireTombstones(_)
            | Task::EvictExpired(_) => {}
        }
        Ok(Next::Nothing)
    }

    /// What part of it is done while `working` scopes are taken out of those that are left, and not done.
    fn progress(&self, working: usize) -> f64 {
        let left = self.scopes.as_ref().map_or(0, VecDeque::len) + working;
        1.0 - left as f64 / self.total.max(1) as f64
    }

    fn is_gone(&self, def: &TableDef) -> bool {
        self.tiers.catalog().table_by_id(def.id).is_none()
    }

    async fn note_progress(&mut self) -> Result<()> {
        let progress = self.progress(0);
        self.tiers.jobs.change(self.id, |job| job.progress = progress);
        let now = self.tiers.stores.clock.now_ms();
        if (0..PROGRESS_MS).contains(&(now - self.kept_ms)) {
            return Ok(());
        }
        self.kept_ms = now;
        queue::note_progress(&self.tiers, self.id).await
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.is_over {
            self.tiers.jobs.change(self.id, |job| {
                job.state = JobState::Failed;
                job.error = Some("it was cut short".to_owned());
            });
        }
    }
}

impl Task {
    /// What it does, for an error.
    fn doing(&self) -> &'static str {
        match self {
            Self::Flush(_) => "flushing",
            Self::Compact(_) => "compacting",
            Self::CollectGarbage(_) => "removing files of",
            Self::EvictManifests(_) => "dropping manifests of",
            Self::ExpireAudit(_) => "forgetting audit entries of",
            Self::RebuildManifest(_) => "rebuilding the manifest of",
            Self::ExpireTombstones(_) => "forgetting tombstones of",
            Self::EvictExpired(_) => "evicting expired rows of",
        }
    }
}

/// The scopes that `task` is about.
///
/// # Errors
/// `NotFound` when there is no such namespace or table; what the key-value store reports.
async fn list(tiers: &Tiers, task: &Task) -> Result<VecDeque<(Arc<TableDef>, Scope)>> {
    let (namespace, table_id, space) = match task {
        Task::EvictManifests(_) | Task::ExpireAudit(_) => return Ok(VecDeque::new()),
        Task::Flush(flush) => (flush.namespace.as_deref(), None, Keyspace::Hot),
        Task::Compact(compact) => (compact.namespace.as_deref(), compact.table_id, Keyspace::Manifest),
        Task::CollectGarbage(collect) => (collect.namespace.as_deref(), collect.table_id, Keyspace::Manifest),
        Task::RebuildManifest(rebuild) => (None, rebuild.table_id, Keyspace::Manifest),
        Task::ExpireTombstones(expire) => (None, expire.table_id, Keyspace::Tombstones),
        Task::EvictExpired(evict) => (None, evict.table_id, Keyspace::Hot),
    };
    let catalog = tiers.catalog();
    if let Some(namespace) = namespace {
        catalog.expect_namespace(namespace)?;
    }
    let of_streams = matches!(task, Task::EvictExpired(_));
    let mut found = VecDeque::new();
    for def in catalog.tables().filter(|def| (def.kind == TableKind::Stream) == of_streams) {
        if namespace.is_some_and(|n| def.namespace != n) || table_id.is_some_and(|id| def.id != id) {
            continue;
        }
        let scopes = tiers.scopes_in(def.id, &[space]).await?;
        found.extend(scopes.into_iter().map(|scope| (Arc::clone(def), scope)));
    }
    Ok(found)
}
