//! What becomes of jobs, on disk and in memory: made, begun, over, and after an interruption.

use crate::error::{Error, Result};
use crate::jobs::record::{Job, JobId, JobState, SCHEDULE, Schedule, Task};
use crate::storage::{KeyRange, Keyspace, WriteBatch};
use crate::tiers::Tiers;
use crate::types::Durability;

/// How many rows are read at a time.
const PAGE: usize = 256;
/// A job that was cut short so often is not begun again: it may be what cuts it short.
const MOST_ATTEMPTS: u32 = 3;
const HOUR_MS: u64 = 3_600_000;

/// Reads the jobs of the store, and settles those that an engine before this one left: they are queued again,
/// or have failed. A row that cannot be read is left as it is, and told in the log.
///
/// # Errors
/// What the key-value store reports.
pub async fn open(tiers: &Tiers) -> Result<()> {
    let mut range = KeyRange::all();
    loop {
        let page = tiers.stores.kv.page(Keyspace::Jobs, range.clone(), PAGE).await?;
        for (key, value) in &page {
            restore(tiers, key, value);
        }
        let full = page.len() == PAGE;
        match page.into_iter().next_back() {
            Some((last, _)) if full => range = range.after(last),
            _ => break,
        }
    }
    if tiers.config.writer.read_only {
        return Ok(());
    }
    let mut batch = tiers.fenced_batch();
    let mut changed = false;
    for job in tiers.jobs.all().into_iter().filter(|job| job.state == JobState::Running) {
        let now = tiers.stores.clock.now_ms();
        let settled = tiers.jobs.change(job.id, |job| settle(job, now));
        changed |= settled.is_some();
        put(&mut batch, settled)?;
    }
    if changed {
        tiers.commit(batch, Durability::Relaxed).await?;
    }
    Ok(())
}

fn restore(tiers: &Tiers, key: &[u8], value: &[u8]) {
    if key == SCHEDULE {
        match serde_json::from_slice(value) {
            Ok(schedule) => tiers.jobs.set_schedule(schedule),
            Err(error) => tracing::warn!(%error, "the schedule of jobs cannot be read"),
        }
        return;
    }
    match Job::decode(key, value) {
        Ok(job) => tiers.jobs.restore(job),
        Err(error) => tracing::warn!(%error, "a job cannot be read"),
    }
}

/// What becomes of a job whose engine is gone.
fn settle(job: &mut Job, now_ms: i64) {
    if job.attended {
        over(job, JobState::Failed, Some("the statement that it was for was cut short".to_owned()), now_ms);
    } else if job.attempts >= MOST_ATTEMPTS {
        let error = format!("it was begun {} times, and cut short each time", job.attempts);
        over(job, JobState::Failed, Some(error), now_ms);
    } else {
        job.state = JobState::Queued;
    }
}

fn over(job: &mut Job, state: JobState, error: Option<String>, now_ms: i64) {
    job.state = state;
    job.error = error;
    job.finished_ms = Some(now_ms);
    if state == JobState::Done {
        job.progress = 1.0;
    }
}

/// Makes a job that waits for its turn; it is kept as durably as any statement.
///
/// # Errors
/// `PermissionDenied` on a store that is only read; what the key-value store reports.
pub async fn enqueue(tiers: &Tiers, task: &Task) -> Result<JobId> {
    tiers.check_writable()?;
    let job = new_job(tiers, task)?;
    let job = tiers.jobs.add(job);
    keep(tiers, Some(job.clone()), tiers.config.writer.durability).await?;
    Ok(job.id)
}

/// Makes a job that runs already, because a statement waits for it.
///
/// # Errors
/// As [`enqueue`].
pub async fn begin_attended(tiers: &Tiers, task: &Task) -> Result<Job> {
    tiers.check_writable()?;
    let mut job = new_job(tiers, task)?;
    job.attended = true;
    start(&mut job, tiers.stores.clock.now_ms());
    let job = tiers.jobs.add(job);
    keep(tiers, Some(job.clone()), Durability::Relaxed).await?;
    Ok(job)
}

fn new_job(tiers: &Tiers, task: &Task) -> Result<Job> {
    Job::new(task, tiers.config.writer.node, tiers.stores.clock.now_ms())
}

fn start(job: &mut Job, now_ms: i64) {
    job.state = JobState::Running;
    job.attempts = job.attempts.saturating_add(1);
    job.started_ms = Some(now_ms);
}

/// Notes that a job was begun, before it is: an interruption then shows. `None` when none waits.
///
/// # Errors
/// What the key-value store reports.
pub async fn begin_next(tiers: &Tiers) -> Result<Option<Job>> {
    let now = tiers.stores.clock.now_ms();
    let Some(job) = tiers.jobs.change_next_queued(|job| start(job, now)) else { return Ok(None) };
    keep(tiers, Some(job.clone()), Durability::Relaxed).await?;
    Ok(Some(job))
}

/// Notes what came of the job `id`, and forgets jobs that have been over for long.
///
/// # Errors
/// What the key-value store reports.
pub async fn end(tiers: &Tiers, id: JobId, state: JobState, error: Option<String>) -> Result<()> {
    let now = tiers.stores.clock.now_ms();
    let job = tiers.jobs.change(id, |job| over(job, state, error, now));
    let settings = &tiers.config.jobs;
    let age_ms = settings.history_hours.saturating_mul(HOUR_MS);
    let before_ms = now.saturating_sub(i64::try_from(age_ms).unwrap_or(i64::MAX));
    let forgotten = tiers.jobs.forget(settings.history_rows, before_ms);
    let mut batch = tiers.fenced_batch();
    put(&mut batch, job)?;
    for id in forgotten {
        batch.delete(Keyspace::Jobs, id.0.to_be_bytes().to_vec());
    }
    tiers.commit(batch, Durability::Relaxed).await
}

/// Notes how far the job `id` is.
///
/// # Errors
/// What the key-value store reports.
pub async fn note_progress(tiers: &Tiers, id: JobId) -> Result<()> {
    keep(tiers, tiers.jobs.get(id), Durability::Relaxed).await
}

/// Ends the job `id`: at once if it waits, after what it is doing if it runs.
///
/// # Errors
/// `NotFound` when there is no such job, `InvalidInput` when it is over.
pub async fn kill(tiers: &Tiers, id: JobId) -> Result<()> {
    tiers.check_writable()?;
    let mut found = None;
    // What is over from here on is not begun any more.
    tiers.jobs.change(id, |job| {
        found = Some(job.state);
        if job.state == JobState::Queued {
            job.state = JobState::Killed;
        }
    });
    match found {
        None => Err(Error::not_found(format!("there is no job {id}"))),
        Some(JobState::Queued) => end(tiers, id, JobState::Killed, None).await,
        Some(JobState::Running) => {
            tiers.jobs.cancel_token(id).cancel();
            Ok(())
        }
        Some(over) => Err(Error::invalid(format!("job {id} is {} already", over.name()))),
    }
}

/// Notes when was done what is done at times.
///
/// # Errors
/// What the key-value store reports.
pub async fn set_schedule(tiers: &Tiers, schedule: Schedule) -> Result<()> {
    tiers.jobs.set_schedule(schedule);
    let bytes = serde_json::to_vec(&schedule).map_err(|e| Error::internal(format!("schedule: {e}")))?;
    let mut batch = tiers.fenced_batch();
    batch.put(Keyspace::Jobs, SCHEDULE.to_vec(), bytes);
    tiers.commit(batch, Durability::Relaxed).await
}

async fn keep(tiers: &Tiers, job: Option<Job>, durability: Durability) -> Result<()> {
    let mut batch = tiers.fenced_batch();
    put(&mut batch, job)?;
    tiers.commit(batch, durability).await
}

fn put(batch: &mut WriteBatch, job: Option<Job>) -> Result<()> {
    if let Some(job) = job {
        batch.put(Keyspace::Jobs, job.key().to_vec(), job.encode()?);
    }
    Ok(())
}
