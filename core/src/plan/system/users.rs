//! Who is known to the store, as rows.

use super::{Cell, rfc3339};
use crate::plan::statement::StatementContext;
use crate::types::Role;
use crate::users::UserDef;

/// `system.users`: all of them for dba and system, dropped ones too; for everybody else its own row.
pub(super) fn users(context: &StatementContext<'_>) -> Vec<Vec<Cell>> {
    let known = context.tiers.users.read();
    let row = |user: &UserDef| {
        vec![
            user.id.as_str().into(),
            user.role.name().into(),
            Cell::Flag(user.password.is_some()),
            // Root is there from the first.
            (user.created_micros > 0).then(|| rfc3339(user.created_micros / 1000)).into(),
            user.dropped_micros.map(|micros| rfc3339(micros / 1000)).into(),
            user.erased_micros.map(|micros| rfc3339(micros / 1000)).into(),
        ]
    };
    if context.who.role() >= Role::Dba {
        return known.iter().map(|user| row(user)).collect();
    }
    known.get(context.who.subject()).map(|user| row(user)).into_iter().collect()
}
