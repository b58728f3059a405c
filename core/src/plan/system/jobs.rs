//! Jobs as rows.

use chrono::{DateTime, SecondsFormat, Utc};

use super::Cell;
use crate::error::{Error, Result};
use crate::plan::statement::StatementContext;
use crate::types::Role;

/// `system.jobs`.
///
/// # Errors
/// `PermissionDenied` for the role `user`: errors name whose rows a job was about.
pub(super) fn jobs(context: &StatementContext<'_>) -> Result<Vec<Vec<Cell>>> {
    if context.role == Role::User {
        return Err(Error::denied("system.jobs is not for the role user, but for service, dba and system"));
    }
    let rows = context.tiers.jobs.all().into_iter().map(|job| {
        vec![
            job.id.0.into(),
            job.kind.into(),
            job.parameters.to_string().into(),
            job.state.name().into(),
            Cell::Float(job.progress),
            job.error.into(),
            u64::from(job.node).into(),
            time(job.created_ms).into(),
            job.started_ms.map(time).into(),
            job.finished_ms.map(time).into(),
        ]
    });
    Ok(rows.collect())
}

fn time(unix_ms: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp_millis(unix_ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
