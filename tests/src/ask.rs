//! Short ways to put a statement and look at what comes back.

use firndb_core::{Engine, Error, Outcome, Role, Session, UserId};

use crate::render::{Cell, rows};

/// Runs `sql`, which has to work, and gives the rows of its last statement, cells joined by `|`.
///
/// # Panics
/// When the statement fails.
pub async fn ask(session: &mut Session, sql: &str) -> Vec<String> {
    match session.execute(sql).await {
        Ok(outcomes) => outcomes.last().map(lines).unwrap_or_default(),
        Err(e) => panic!("{sql}\nfailed with {}: {e}", e.kind()),
    }
}

/// The rows of an answer, cells joined by `|`.
#[must_use]
pub fn lines(outcome: &Outcome) -> Vec<String> {
    rows(outcome).iter().map(|row| row.iter().map(Cell::text).collect::<Vec<_>>().join("|")).collect()
}

/// Runs `sql`, which has to fail.
///
/// # Panics
/// When the statement works.
pub async fn fail(session: &mut Session, sql: &str) -> Error {
    match session.execute(sql).await {
        Ok(outcomes) => panic!("{sql}\nwas expected to fail, and gave {outcomes:?}"),
        Err(e) => e,
    }
}

/// How many rows `sql` wrote.
///
/// # Panics
/// When it fails, or answers anything else.
pub async fn affected(session: &mut Session, sql: &str) -> u64 {
    match session.execute(sql).await.as_deref() {
        Ok([Outcome::Affected(n)]) => *n,
        other => panic!("{sql}\nwas expected to write rows, and gave {other:?}"),
    }
}

/// A session of `user` with no rights but its own.
///
/// # Panics
/// When it is no user id.
#[must_use]
pub fn user(engine: &Engine, user: &str) -> Session {
    engine.session_as(UserId::new(user).unwrap(), Role::User)
}
