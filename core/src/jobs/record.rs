//! Jobs as they are kept, and as they are known while the store is open.
//!
//! ```text
//! keyspace jobs
//! key 8 bytes   id, big-endian          value: Job, JSON
//! key 8 zeros   what is done at times   value: Schedule, JSON
//! ```
//!
//! Rows name what is done as text, so that one of a later version can be shown, and fails by itself when it is
//! to be run.

use std::collections::BTreeMap;
use std::fmt;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::pace::CancelToken;
use crate::types::TableId;

/// Where [`Schedule`] lies.
pub const SCHEDULE: [u8; 8] = [0; 8];

/// Names a job of a store; later jobs have higher numbers, and none is given out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a job does, with its parameters; every one can be begun again where it was cut short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "parameters", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// Flushes scopes, as far as open snapshots allow.
    Flush(FlushTask),
    /// Merges and rewrites batch files, as far as open snapshots allow, and removes those that nothing needs.
    Compact(CompactTask),
    /// Removes files that nothing needs any more.
    CollectGarbage(CollectGarbageTask),
    /// Drops cached manifests from memory that were not used for long, or are too many.
    EvictManifests(EvictManifestsTask),
    /// Removes expired rows of STREAM tables from the hot tier.
    EvictExpired(EvictExpiredTask),
    /// Forgets tombstones that are older than their table retains them.
    ExpireTombstones(ExpireTombstonesTask),
    /// Forgets entries of the audit log that are older than the store retains them.
    ExpireAudit(ExpireAuditTask),
    /// Makes manifests again that are lost, or say of a file what is not so; every file is read.
    RebuildManifest(RebuildManifestTask),
}

/// The parameters of [`Task::Flush`]: which tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FlushTask {
    /// Those of this namespace only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// The parameters of [`Task::Compact`]: which tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CompactTask {
    /// Those of this namespace only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// This one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_id: Option<TableId>,
}

/// The parameters of [`Task::CollectGarbage`]: which tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CollectGarbageTask {
    /// Those of this namespace only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// This one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_id: Option<TableId>,
}

/// The parameters of [`Task::EvictManifests`]: there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EvictManifestsTask {}

/// The parameters of [`Task::EvictExpired`]: which tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EvictExpiredTask {
    /// This one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_id: Option<TableId>,
}

/// The parameters of [`Task::ExpireTombstones`]: which tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ExpireTombstonesTask {
    /// This one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_id: Option<TableId>,
}

/// The parameters of [`Task::ExpireAudit`]: there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ExpireAuditTask {}

/// The parameters of [`Task::RebuildManifest`]: which tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RebuildManifestTask {
    /// This one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_id: Option<TableId>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for its turn.
    Queued,
    /// It was begun.
    Running,
    /// It has done all.
    Done,
    /// It has not; what it did stays.
    Failed,
    /// It was ended by a command; what it did stays.
    Killed,
}

impl JobState {
    /// The state in a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Killed => "killed",
        }
    }

    /// Whether nothing more comes of it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Killed)
    }
}

/// A job: a row of `system.jobs`. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Job {
    /// Its number; the key that it is kept under.
    #[serde(skip)]
    pub id: JobId,
    /// What it does: the `type` of a [`Task`].
    #[serde(rename = "type")]
    pub kind: String,
    /// Its parameters.
    pub parameters: Value,
    /// How far it is.
    pub state: JobState,
    /// What part of it is done, from 0 to 1.
    #[serde(default)]
    pub progress: f64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The node of the engine that made it.
    #[serde(default)]
    pub node: u16,
    /// How often it was begun.
    #[serde(default)]
    pub attempts: u32,
    /// Whether a statement waits for it, and nobody goes on with it when that is gone.
    #[serde(default)]
    pub attended: bool,
    /// When it was made.
    pub created_ms: i64,
    /// When it was begun, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<i64>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_ms: Option<i64>,
}

impl Job {
    /// A job that nobody has begun; its number comes with [`JobTable::add`].
    ///
    /// # Errors
    /// `Internal` when the task has no JSON.
    pub fn new(task: &Task, node: u16, created_ms: i64) -> Result<Self> {
        #[derive(Deserialize)]
        struct Written {
            #[serde(rename = "type")]
            kind: String,
            parameters: Value,
        }
        let written = serde_json::to_value(task).and_then(serde_json::from_value::<Written>);
        let Written { kind, parameters } = written.map_err(|e| Error::internal(format!("a job: {e}")))?;
        Ok(Self {
            id: JobId::default(),
            kind,
            parameters,
            state: JobState::Queued,
            progress: 0.0,
            error: None,
            node,
            attempts: 0,
            attended: false,
            created_ms,
            started_ms: None,
            finished_ms: None,
        })
    }

    /// What it does.
    ///
    /// # Errors
    /// `Unsupported` for what this version does not have: another type, another parameter.
    pub fn task(&self) -> Result<Task> {
        let written = serde_json::json!({ "type": self.kind, "parameters": self.parameters });
        serde_json::from_value(written).map_err(|e| {
            let message = format!("job {}: {} with {}: {e}", self.id, self.kind, self.parameters);
            Error::unsupported(message).with_source(e)
        })
    }

    /// The row as it is kept.
    ///
    /// # Errors
    /// `Internal` when it has no JSON.
    pub fn encode(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| Error::internal(format!("job {}: {e}", self.id)))
    }

    /// The row under `key`.
    ///
    /// # Errors
    /// `Corrupt` for what is none.
    pub fn decode(key: &[u8], value: &[u8]) -> Result<Self> {
        let id = key.try_into().map(u64::from_be_bytes);
        let id = id.map_err(|_| Error::corrupt(format!("jobs key {key:02x?}: expected 8 bytes")))?;
        let job: Self = serde_json::from_slice(value)
            .map_err(|e| Error::corrupt(format!("job {id}: {e}")).with_source(e))?;
        Ok(Self { id: JobId(id), ..job })
    }

    /// The key that it is kept under.
    #[must_use]
    pub fn key(&self) -> [u8; 8] {
        self.id.0.to_be_bytes()
    }
}

/// When was done what is done at times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Schedule {
    /// When old tombstones were looked for, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tombstones_ms: Option<i64>,
    /// When expired rows were looked for. Not kept: an engine looks soon after it was opened.
    #[serde(skip)]
    pub expired_ms: Option<i64>,
}

/// The jobs of a store that is open.
#[derive(Debug, Default)]
pub struct JobTable {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    jobs: BTreeMap<JobId, Entry>,
    schedule: Schedule,
}

#[derive(Debug)]
struct Entry {
    job: Job,
    cancel: CancelToken,
}

impl JobTable {
    /// Every job, the oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Job> {
        self.state.lock().jobs.values().map(|entry| entry.job.clone()).collect()
    }

    /// The job of this number.
    #[must_use]
    pub fn get(&self, id: JobId) -> Option<Job> {
        self.state.lock().jobs.get(&id).map(|entry| entry.job.clone())
    }

    /// Takes `job` in under the next number.
    pub fn add(&self, mut job: Job) -> Job {
        let mut state = self.state.lock();
        // The newest is never forgotten, so that its number is known.
        let last = state.jobs.keys().next_back().map_or(0, |id| id.0);
        job.id = JobId(last + 1);
        state.jobs.insert(job.id, Entry { job: job.clone(), cancel: CancelToken::new() });
        job
    }

    /// Takes a job in that was kept.
    pub fn restore(&self, job: Job) {
        self.state.lock().jobs.insert(job.id, Entry { job, cancel: CancelToken::new() });
    }

    /// Changes the job `id`, if there is one; gives it as it is then.
    pub fn change(&self, id: JobId, change: impl FnOnce(&mut Job)) -> Option<Job> {
        let mut state = self.state.lock();
        let entry = state.jobs.get_mut(&id)?;
        change(&mut entry.job);
        Some(entry.job.clone())
    }

    /// What takes the job `id` back.
    #[must_use]
    pub fn cancel_token(&self, id: JobId) -> CancelToken {
        self.state.lock().jobs.get(&id).map(|entry| entry.cancel.clone()).unwrap_or_default()
    }

    /// Changes the oldest job that waits for its turn, if one does; gives it as it is then.
    pub fn change_next_queued(&self, change: impl FnOnce(&mut Job)) -> Option<Job> {
        let mut state = self.state.lock();
        let queued = state.jobs.values_mut().find(|entry| entry.job.state == JobState::Queued)?;
        change(&mut queued.job);
        Some(queued.job.clone())
    }

    /// Forgets jobs that are over: all that were before `before_ms`, and the oldest past `most`; never the
    /// newest of all. Gives their numbers.
    pub fn forget(&self, most: usize, before_ms: i64) -> Vec<JobId> {
        let mut state = self.state.lock();
        let newest = state.jobs.keys().next_back().copied();
        let over: Vec<(JobId, i64)> = state
            .jobs
            .values()
            .filter(|entry| entry.job.state.is_over() && Some(entry.job.id) != newest)
            .map(|entry| (entry.job.id, entry.job.finished_ms.unwrap_or_default()))
            .collect();
        let too_many = (over.len() + 1).saturating_sub(most.max(1));
        let forgotten: Vec<JobId> = over
            .into_iter()
            .enumerate()
            .filter(|(at, (_, finished_ms))| *at < too_many || *finished_ms < before_ms)
            .map(|(_, (id, _))| id)
            .collect();
        for id in &forgotten {
            state.jobs.remove(id);
        }
        forgotten
    }

    /// When was done what is done at times.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        self.state.lock().schedule
    }

    /// Notes that it is this now.
    pub fn set_schedule(&self, schedule: Schedule) {
        self.state.lock().schedule = schedule;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn flush() -> Job {
        Job::new(&Task::Flush(FlushTask { namespace: Some("app".to_owned()) }), 3, 17).unwrap()
    }

    #[test]
    fn a_job_is_kept_as_json_and_read_back() {
        let mut job = flush();
        job.id = JobId(258);
        let text = String::from_utf8(job.encode().unwrap()).unwrap();
        let expected = r#"{"type":"flush","parameters":{"namespace":"app"},"state":"queued","progress":0.0,"node":3,"attempts":0,"attended":false,"created_ms":17}"#;
        assert_eq!(text, expected);
        assert_eq!(Job::decode(&job.key(), text.as_bytes()).unwrap(), job);
        assert_eq!(job.task().unwrap(), Task::Flush(FlushTask { namespace: Some("app".to_owned()) }));
        // What a row of an earlier version does not have.
        let least = br#"{"type":"expire_tombstones","parameters":{},"state":"done","created_ms":1}"#;
        let job = Job::decode(&JobId(1).0.to_be_bytes(), least).unwrap();
        assert_eq!(job.task().unwrap(), Task::ExpireTombstones(ExpireTombstonesTask::default()));
        assert_eq!(Job::decode(b"7", least).unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn what_this_version_does_not_have_is_kept_and_not_run() {
        for text in [
            r#"{"type":"repaint","parameters":{},"state":"queued","created_ms":1}"#,
            r#"{"type":"flush","parameters":{"colour":"red"},"state":"queued","created_ms":1}"#,
            r#"{"type":"flush","parameters":{"namespace":7},"state":"queued","created_ms":1}"#,
        ] {
            let job = Job::decode(&[0, 0, 0, 0, 0, 0, 0, 9], text.as_bytes()).unwrap();
            let error = job.task().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.message().starts_with("job 9: "), "{error}");
        }
    }

    #[test]
    fn jobs_that_are_over_are_forgotten_but_for_the_newest() {
        let table = JobTable::default();
        for at in 0..6 {
            let job = table.add(flush());
            assert_eq!(job.id, JobId(at + 1));
            if at != 1 {
                table.change(job.id, |job| {
                    job.state = JobState::Done;
                    job.finished_ms = Some(100 + i64::try_from(at).unwrap());
                });
            }
        }
        let ids = |jobs: Vec<Job>| jobs.into_iter().map(|job| job.id.0).collect::<Vec<_>>();
        assert_eq!(table.forget(10, 0), []);
        // 1 is old; 2 is not over.
        assert_eq!(table.forget(10, 101), [JobId(1)]);
        assert_eq!(table.forget(2, 0), [JobId(3), JobId(4)]);
        assert_eq!(ids(table.all()), [2, 5, 6]);
        assert_eq!(table.forget(0, i64::MAX), [JobId(5)]);
        assert_eq!(table.add(flush()).id, JobId(7));
        let next = table.change_next_queued(|job| job.state = JobState::Running);
        assert_eq!(next.map(|job| job.id), Some(JobId(2)));
    }
}
