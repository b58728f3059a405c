//! Opening stores and sessions for a command.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use firndb_core::storage::Stores;
use firndb_core::{Config, Engine, Error, Result, Role, Session, UserId};
use firndb_storage_native::LocalFiles;

use crate::args::{RoleName, StoreArgs, Who};
use crate::failure::{Failure, Outcome};

/// The settings of an engine that has the machine to itself.
pub fn config() -> Config {
    let mut config = Config::default();
    config.target_partitions = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    config
}

/// An engine over stores in memory, gone with the process.
pub async fn memory() -> Result<Engine> {
    Engine::open(Stores::memory().with_files(Arc::new(LocalFiles::new())), config()).await
}

/// The engine of the store in `dir`, which is created when there is none.
pub async fn open_or_create(dir: &Path, blobs: Option<&str>) -> Result<Engine> {
    Engine::open(firndb_storage_native::open(dir, blobs)?, config()).await
}

/// The engine of a store in `dir` that flushes only when it is told to.
pub async fn open_without_policies(dir: &Path) -> Result<Engine> {
    let mut config = config();
    config.flush_rows = u64::MAX;
    config.flush_bytes = u64::MAX;
    Engine::open(firndb_storage_native::open(dir, None)?, config).await
}

/// The engine of a store that must exist.
pub async fn open_existing(args: &StoreArgs) -> Result<Engine> {
    let stores = firndb_storage_native::open_existing(&args.dir, args.blobs.as_deref())?;
    Engine::open(stores, config()).await
}

/// A session for whom the arguments name.
///
/// A role can only be lowered: `root` may do everything, any other user works on its own rows.
pub fn session(engine: &Engine, who: &Who) -> Result<Session> {
    let subject = match &who.user {
        Some(name) => UserId::new(name.as_str())?,
        None => UserId::root(),
    };
    let highest = if subject == UserId::root() { Role::System } else { Role::User };
    let role = who.role.map_or(highest, role);
    if role > highest {
        return Err(Error::denied(format!(
            "user {subject} has role {}; -r can only lower it, not raise it to {}",
            name(highest),
            name(role)
        )));
    }
    Ok(engine.session_as(subject, role))
}

/// Ends a command that may have written: after a success does what is due, and closes the engine either way.
pub async fn finish(engine: &Engine, done: Result<(), impl Into<Failure>>) -> Outcome {
    if done.is_ok() {
        settle(engine).await;
    }
    let closed = engine.close().await;
    done.map_err(Into::into)?;
    closed?;
    Ok(ExitCode::SUCCESS)
}

/// Does the background work that is due: flush policies, garbage.
///
/// Nothing that was acknowledged depends on it, so a failure is told and not returned.
pub async fn settle(engine: &Engine) {
    loop {
        match engine.step().await {
            Ok(true) => {}
            Ok(false) => break,
            Err(e) => {
                eprintln!("warning: background work failed, what was written is safe: {e}");
                break;
            }
        }
    }
}

fn role(name: RoleName) -> Role {
    match name {
        RoleName::User => Role::User,
        RoleName::Service => Role::Service,
        RoleName::Dba => Role::Dba,
        RoleName::System => Role::System,
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Service => "service",
        Role::Dba => "dba",
        Role::System => "system",
    }
}
