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

/// The same in a session of its own.
///
/// # Panics
/// When the statement fails.
pub async fn run(engine: &Engine, sql: &str) -> Vec<String> {
    ask(&mut engine.session(), sql).await
}

/// The same, and a flush of everything.
///
/// # Panics
/// When either fails.
pub async fn flushed(engine: &Engine, sql: &str) {
    run(engine, sql).await;
    engine.flush_all().await.unwrap();
}

/// Takes steps until nothing is due.
///
/// # Panics
/// When one fails.
pub async fn settle(engine: &Engine) {
    while engine.step().await.unwrap() {}
}

/// Checks the store.
///
/// # Panics
/// When anything is found.
pub async fn expect_clean(engine: &Engine) {
    let report = engine.check().await.unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
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

/// A session of `user`, whom the store then knows, with no rights but its own.
///
/// # Panics
/// When it is no user id, or cannot be made known.
pub async fn user(engine: &Engine, user: &str) -> Session {
    session_of(engine, user, Role::User).await
}

/// A session of `subject`, whom the store then knows, with `role`.
///
/// # Panics
/// When it is no user id, or cannot be made known.
pub async fn session_of(engine: &Engine, subject: &str, role: Role) -> Session {
    let id = subject.replace('\'', "''");
    run(engine, &format!("CREATE USER IF NOT EXISTS '{id}' ROLE {role}")).await;
    let known = run(engine, &format!("SELECT role FROM system.users WHERE id = '{id}'")).await.concat();
    if Role::of_name(&known) < Some(role) {
        run(engine, &format!("ALTER USER '{id}' SET ROLE {role}")).await;
    }
    engine.session_as(UserId::new(subject).unwrap(), role)
}
