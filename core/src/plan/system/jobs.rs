//! Jobs as rows.

use super::{Cell, rfc3339};
use crate::error::{Error, Result};
use crate::plan::statement::StatementContext;
use crate::types::Role;

/// `system.jobs`.
///
/// # Errors
/// `PermissionDenied` for the role `user`: errors name whose rows a job was about.
pub(super) fn jobs(context: &StatementContext<'_>) -> Result<Vec<Vec<Cell>>> {
    if context.who.role() == Role::User {
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
            rfc3339(job.created_ms).into(),
            job.started_ms.map(rfc3339).into(),
            job.finished_ms.map(rfc3339).into(),
        ]
    });
    Ok(rows.collect())
}
