//! Jobs as rows.

use super::{Cell, rfc3339};
use crate::plan::statement::StatementContext;

/// `system.jobs`.
pub(super) fn jobs(context: &StatementContext<'_>) -> Vec<Vec<Cell>> {
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
    rows.collect()
}
