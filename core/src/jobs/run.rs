//! Running jobs, a slice at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::catalog::TableDef;
use crate::error::{Error, ErrorKind, Result};
use crate::flush::{FlushReport, flush_scope};
use crate::jobs::expire::expire_scope;
use crate::jobs::queue;
use crate::jobs::record::{Job, JobId, JobState, Task};
use crate::pace::CancelToken;
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
    task: Task,
    /// What is left to do; `None` before that was looked up.
    scopes: Option<VecDeque<(Arc<TableDef>, Scope)>>,
    total: usize,
    /// What its flushes did.
    reports: Vec<FlushReport>,
    failed: Option<Error>,
    kept_ms: i64,
    is_over: bool,
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
            task: job.task()?,
            scopes: None,
            total: 0,
            reports: Vec::new(),
            failed: None,
            kept_ms: tiers.stores.clock.now_ms(),
            is_over: false,
        })
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

    /// What its flushes did.
    ///
    /// # Errors
    /// The first failure; `Cancelled` when it was killed.
    pub fn into_reports(mut self) -> Result<Vec<FlushReport>> {
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
            let found = list(&self.tiers, &self.task).await?;
            self.total = found.len();
            self.scopes = Some(found);
            return Ok(());
        };
        let Some((def, scope)) = scopes.pop_front() else { return Ok(()) };
        let done = match &self.task {
            Task::Flush(_) => match self.tiers.scope(&def, &scope).await {
                Ok(state) => flush_scope(&self.tiers, &state).await.map(|report| {
                    self.reports.extend(report);
                    Next::Nothing
                }),
                Err(e) => Err(e),
            },
            Task::ExpireTombstones(_) => expire_scope(&self.tiers, &def, &scope).await,
        };
        self.tiers.enforce_budget();
        match done {
            Ok(Next::Nothing) => Ok(()),
            Ok(Next::Slice) => {
                self.scopes.get_or_insert_default().push_front((def, scope));
                Ok(())
            }
            // Nothing is left to do of a table that was dropped meanwhile.
            Err(e) if e.kind() == ErrorKind::Conflict && self.is_gone(&def) => Ok(()),
            Err(e) => Err(e.context(format!("{} {} {scope}", self.task.doing(), def.full_name()))),
        }
    }

    fn is_gone(&self, def: &TableDef) -> bool {
        self.tiers.catalog().table_by_id(def.id).is_none()
    }

    async fn note_progress(&mut self) -> Result<()> {
        let left = self.scopes.as_ref().map_or(0, VecDeque::len);
        let progress = 1.0 - left as f64 / self.total.max(1) as f64;
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
            Self::ExpireTombstones(_) => "forgetting tombstones of",
        }
    }
}

/// The scopes that `task` is about.
///
/// # Errors
/// `NotFound` when there is no such namespace or table; what the key-value store reports.
async fn list(tiers: &Tiers, task: &Task) -> Result<VecDeque<(Arc<TableDef>, Scope)>> {
    let catalog = tiers.catalog();
    let (tables, space): (Vec<Arc<TableDef>>, _) = match task {
        Task::Flush(flush) => {
            if let Some(namespace) = &flush.namespace {
                catalog.expect_namespace(namespace)?;
            }
            let named =
                |table: &&Arc<TableDef>| flush.namespace.as_ref().is_none_or(|n| table.namespace == *n);
            (catalog.tables().filter(named).cloned().collect(), Keyspace::Hot)
        }
        Task::ExpireTombstones(expire) => {
            let named = |table: &&Arc<TableDef>| expire.table_id.is_none_or(|id| table.id == id);
            (catalog.tables().filter(named).cloned().collect(), Keyspace::Tombstones)
        }
    };
    let mut found = VecDeque::new();
    for def in tables {
        let scopes = tiers.scopes_in(def.id, &[space]).await?;
        found.extend(scopes.into_iter().map(|scope| (Arc::clone(&def), scope)));
    }
    Ok(found)
}
