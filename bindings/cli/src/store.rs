//! Opening stores and sessions for a command.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use firndb_core::storage::Stores;
use firndb_core::{Config, Engine, Error, Given, Result, Role, Session, UserId};
use firndb_storage_native::LocalFiles;

use crate::args::{RoleName, SettingArgs, StoreArgs, Who};
use crate::failure::{Failure, Outcome};

/// The settings of an engine on the store in `dir`, if it is on one: of the file, the environment, and the
/// arguments.
pub fn config(dir: Option<&Path>, args: &SettingArgs) -> Result<Config> {
    let option = |(name, value): &(String, String)| Given::option(name, value, format!("--set {name}"));
    firndb_storage_native::config(dir, args.config.as_deref(), args.set.iter().map(option))
}

/// The settings and the stores of the store that the arguments name, which must exist.
pub fn existing(args: &StoreArgs) -> Result<(Stores, Config)> {
    let config = config(Some(&args.dir), &args.settings)?;
    let (dir, blobs) = (&args.dir, args.blobs.as_deref());
    let stores = if config.writer.read_only {
        firndb_storage_native::open_read_only(dir, blobs)?
    } else {
        firndb_storage_native::open_existing(dir, blobs)?
    };
    Ok((stores, config))
}

/// An engine over stores in memory, gone with the process.
pub async fn memory(settings: &SettingArgs) -> Result<Engine> {
    let config = config(None, settings)?;
    Engine::open(Stores::memory().with_files(Arc::new(LocalFiles::new())), config).await
}

/// The engine of the store in `dir`, which is created when there is none.
pub async fn open_or_create(dir: &Path, blobs: Option<&str>, settings: &SettingArgs) -> Result<Engine> {
    let config = config(Some(dir), settings)?;
    let stores = if config.writer.read_only {
        firndb_storage_native::open_read_only(dir, blobs)?
    } else {
        firndb_storage_native::open(dir, blobs)?
    };
    Engine::open(stores, config).await
}

/// The engine of a store in `dir` that flushes only when it is told to.
pub async fn open_without_policies(dir: &Path) -> Result<Engine> {
    let mut config = config(Some(dir), &SettingArgs::default())?;
    config.flush.rows = u64::MAX;
    config.flush.bytes = u64::MAX;
    config.compaction.automatic = false;
    // No other process reads its files.
    config.compaction.grace_ms = 0;
    Engine::open(firndb_storage_native::open(dir, None)?, config).await
}

/// The engine of a store that must exist.
pub async fn open_existing(args: &StoreArgs) -> Result<Engine> {
    let (stores, config) = existing(args)?;
    Engine::open(stores, config).await
}

/// A session for whom the arguments name.
///
/// A role can only be lowered: the store knows what each user may do.
pub fn session(engine: &Engine, who: &Who) -> Result<Session> {
    let subject = match &who.user {
        Some(name) => UserId::new(name.as_str())?,
        None => UserId::root(),
    };
    let highest = engine.role(&subject)?;
    let role = who.role.map_or(highest, role);
    if role > highest {
        return Err(Error::denied(format!(
            "user {subject} has role {highest}; -r can only lower it, not raise it to {role}"
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
