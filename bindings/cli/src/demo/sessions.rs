//! The second half of the demo: several users, several transactions, and a store that is closed.

use std::time::Instant;

use firndb_core::{Engine, Error, ErrorKind, Session, UserId};

use super::{Demo, quietly};
use crate::failure::Failure;
use crate::store;

impl Demo {
    /// A USER table: every user has rows of its own.
    pub(super) async fn isolation(&mut self) -> Result<(), Failure> {
        self.stage.step("A USER table: alice and bob each have their own rows")?;
        self.run("CREATE USER TABLE demo.notes (id BIGINT PRIMARY KEY, body TEXT NOT NULL)").await?;
        self.run("CREATE USER alice").await?;
        self.run("CREATE USER bob").await?;
        for name in ["alice", "bob"] {
            let mut session = of_user(&self.engine, name)?;
            quietly(&mut session, &format!("INSERT INTO demo.notes VALUES (1, 'a note by {name}')")).await?;
        }
        for name in ["alice", "bob", "root"] {
            let mut session = of_user(&self.engine, name)?;
            let seen = quietly(&mut session, "SELECT body FROM demo.notes").await?;
            let bodies =
                if seen.rows.is_empty() { "nothing".to_owned() } else { seen.rows.concat().join(", ") };
            self.stage.timed(format!("{name:<5} sees: {bodies}"), seen.took)?;
        }
        let done = self.run("UPDATE demo.notes AS USER 'alice' SET body = body || ', mended'").await?;
        self.stage.timed("Done for alice, in her rows only, and written down:", done.took)?;
        let done = self.run("SELECT actor, subject, outcome, rows FROM system.audit_log").await?;
        self.stage.timed(done.rows.concat().join(" | "), done.took)
    }

    /// Two transactions that change one row: the first to commit wins.
    pub(super) async fn conflict(&mut self) -> Result<(), Failure> {
        self.stage.step("Two transactions change one row")?;
        let mut first = self.engine.session();
        let mut second = self.engine.session();
        for session in [&mut first, &mut second] {
            quietly(session, "BEGIN").await?;
            let read = "SELECT delay FROM demo.flights WHERE id = 42";
            quietly(session, read).await?;
        }
        let sql = "UPDATE demo.flights SET delay = delay + 1 WHERE id = 42";
        self.stage.sql(sql)?;
        quietly(&mut first, sql).await?;
        quietly(&mut second, sql).await?;
        let won = quietly(&mut first, "COMMIT").await?;
        self.stage.timed("COMMIT of the first:  done.", won.took)?;
        let started = Instant::now();
        match second.query("COMMIT", &[]).await {
            Err(e) if e.kind() == ErrorKind::Conflict => {
                self.stage
                    .timed("COMMIT of the second: Conflict, nothing was applied.", started.elapsed())?;
            }
            Err(e) => return Err(e.into()),
            Ok(_) => return Err(Error::internal("both transactions committed").into()),
        }
        self.ask().await?;
        Ok(())
    }

    /// Closes the store and opens it: everything is still there.
    pub(super) async fn reopen(&mut self) -> Result<(), Failure> {
        self.stage.step("Close the store and open it again")?;
        let started = Instant::now();
        self.engine.close().await?;
        self.engine = store::open_without_policies(&self.dir).await?;
        self.session = self.engine.session();
        self.stage.timed("Closed and opened.", started.elapsed())?;
        self.show_tiers().await?;
        self.ask_again().await
    }
}

fn of_user(engine: &Engine, name: &str) -> Result<Session, Error> {
    let user = UserId::new(name)?;
    let role = engine.role(&user)?;
    Ok(engine.session_as(user, role))
}
