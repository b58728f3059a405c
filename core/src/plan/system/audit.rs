//! Who acted for whom, as rows.

use super::{Cell, rfc3339};
use crate::access::audit;
use crate::error::Result;
use crate::plan::statement::StatementContext;

/// `system.audit_log`.
///
/// # Errors
/// `LimitExceeded` when it takes more memory than a statement may hold; what the store
/// reports.
pub(super) async fn entries(context: &StatementContext<'_>) -> Result<Vec<Vec<Cell>>> {
    let tiers = context.tiers;
    let head = *tiers.audit.read();
    let entries = audit::entries(tiers.stores.kv.as_ref(), head, tiers.config.query.memory_bytes).await?;
    let rows = entries.into_iter().map(|entry| {
        vec![
            entry.number.into(),
            rfc3339(entry.time_micros / 1000).into(),
            entry.act.actor.as_str().into(),
            entry.act.role.name().into(),
            entry.act.subject.into(),
            entry.outcome.name().into(),
            entry.error.into(),
            entry.act.statement.into(),
            entry.act.fingerprint.into(),
            entry.rows.into(),
            entry.first_seq.map_or(Cell::Null, |seq| Cell::Int(seq.as_i64())),
            entry.last_seq.map_or(Cell::Null, |seq| Cell::Int(seq.as_i64())),
        ]
    });
    Ok(rows.collect())
}
