//! A store, open.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use firndb_core::storage::Stores;
use firndb_core::{BackupReport, Config, Engine, Error, Given, Result, Role, UserId};
use firndb_storage_native::LocalFiles;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::reply::{Backup, Reply};
use crate::session::Session;

/// How a name begins whose store is only in memory.
const MEMORY: &str = "memory:";

/// What a store is opened with.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct OpenOptions {
    /// `strict` (the default) or `relaxed`.
    pub durability: Option<String>,
    /// Whether to read only: a store that another process writes to can be opened so.
    pub read_only: Option<bool>,
    /// What one statement may take.
    pub limits: Option<Limits>,
    /// Where the cold tier is, if not in the store's directory: a URL such as `s3://bucket/prefix`.
    pub blobs: Option<String>,
    /// Whether statements may name files of this machine, as `COPY` does; they may if it is not given.
    pub files: Option<bool>,
    /// Settings by name, as text.
    pub settings: Option<HashMap<String, String>>,
}

/// What one statement may take at most; checked by the package to be integers from 0 on.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct Limits {
    /// Rows that are answered at once.
    pub result_rows: Option<f64>,
    /// Bytes of memory of the rows that are answered at once.
    pub result_bytes: Option<f64>,
    /// Bytes held for sorting, grouping and joining.
    pub memory_bytes: Option<f64>,
    /// Milliseconds of work; 0 for any number.
    pub timeout_ms: Option<f64>,
}

impl OpenOptions {
    /// The settings among the options.
    fn given(&self) -> Result<Vec<Given>> {
        let mut given = Vec::new();
        if let Some(durability) = &self.durability {
            if !matches!(durability.as_str(), "strict" | "relaxed") {
                return Err(Error::invalid("the option durability is 'strict' or 'relaxed'"));
            }
            given.push(Given::option("writer.durability", durability, "durability"));
        }
        if let Some(read_only) = self.read_only {
            given.push(Given::option("writer.read_only", read_only.to_string(), "readOnly"));
        }
        if let Some(limits) = &self.limits {
            let limits = [
                ("query.result_rows", "limits.resultRows", limits.result_rows),
                ("query.result_bytes", "limits.resultBytes", limits.result_bytes),
                ("query.memory_bytes", "limits.memoryBytes", limits.memory_bytes),
                ("query.timeout_ms", "limits.timeoutMs", limits.timeout_ms),
            ];
            given.extend(limits.into_iter().filter_map(|(name, option, limit)| {
                // A cast ends at the ends of the type.
                limit.map(|limit| Given::option(name, (limit as u64).to_string(), option))
            }));
        }
        let mut settings: Vec<_> = self.settings.iter().flatten().collect();
        settings.sort_unstable();
        let setting =
            |(name, value): (&String, &String)| Given::option(name, value, format!("settings['{name}']"));
        given.extend(settings.into_iter().map(setting));
        Ok(given)
    }
}

/// A store, open.
#[napi]
pub struct Database {
    engine: Option<Engine>,
    failure: Option<Error>,
    /// The directory, and the URL of the cold tier if that is elsewhere; `None` in memory.
    place: Option<(PathBuf, Option<String>)>,
}

#[napi]
impl Database {
    /// Opens the store in the directory `path`, making it if it is not there; `memory://` is a store that
    /// ends with this object. Whether it is open, [`Self::opened`] says.
    #[napi]
    pub async fn open(path: String, options: OpenOptions) -> Self {
        Self::of(open(&path, &options).await, &path, options)
    }

    /// The error with which opening failed, if it did.
    #[napi]
    pub fn opened(&self) -> Reply {
        self.failure.as_ref().map_or_else(Reply::default, Reply::error)
    }

    /// A session: of `root` or of `subject`, with what the store lets it do and `role` (`user`, `service`, `dba`,
    /// `system`) at most. With `acting` every statement is done in the name of that user. Whether there is one,
    /// [`Session::opened`] says.
    #[napi]
    pub fn session(&self, subject: Option<String>, role: Option<String>, acting: Option<String>) -> Session {
        let begin = || -> Result<firndb_core::Session> {
            let Some(engine) = &self.engine else {
                return Err(Error::unavailable("the store is not open"));
            };
            let role = role.as_deref().map_or(Ok(Role::System), self::role)?;
            let subject = subject.map_or_else(|| Ok(UserId::root()), UserId::new)?;
            let mut session = engine.session_as(subject, role);
            session.act_as(acting.map(UserId::new).transpose()?);
            Ok(session)
        };
        Session::new(begin())
    }

    /// How many parameters the one statement in `sql` has.
    #[napi]
    pub fn count_parameters(&self, sql: String) -> Reply {
        Reply::of(count_parameters(&sql).map(|count| Reply { count: Some(count), ..Reply::default() }))
    }

    /// Does one unit of work that no statement waits for; whether there was any.
    #[napi]
    pub async fn step(&self) -> Reply {
        let Some(engine) = &self.engine else { return self.opened() };
        Reply::of(engine.step().await.map(|any| Reply { yes: Some(any), ..Reply::default() }))
    }

    /// What the engine did since it was opened.
    #[napi]
    pub fn stats(&self) -> Stats {
        let stats = self.engine.as_ref().map(Engine::stats).unwrap_or_default();
        // Counts are far below 2^53.
        Stats {
            flushes: stats.flushes as f64,
            conflicts: stats.conflicts as f64,
            cold_rows_updated: stats.cold_rows_updated as f64,
            files_opened: stats.files_opened as f64,
            scopes_evicted: stats.scopes_evicted as f64,
        }
    }

    /// The whole store as one archive, in memory; [`Self::load`] makes a store of it.
    #[napi]
    pub async fn dump(&self) -> Reply {
        let Some(engine) = &self.engine else { return self.opened() };
        let mut archive = Vec::new();
        Reply::of(
            engine
                .dump(&mut archive)
                .await
                .map(|()| Reply { bytes: Some(archive.into()), ..Reply::default() }),
        )
    }

    /// Copies the store to the directory `target`, which must be absent or empty, while others write.
    #[napi]
    pub async fn backup(&self, target: String) -> Reply {
        let Some(engine) = &self.engine else { return self.opened() };
        let copied = backup(engine, self.place.as_ref(), Path::new(&target)).await;
        Reply::of(copied.map(|report| Reply { backup: Some(Backup::of(report)), ..Reply::default() }))
    }

    /// Makes a store in the directory `path`, which must have none, of an archive. Whether it is open,
    /// [`Self::opened`] says.
    #[napi]
    pub async fn load(path: String, options: OpenOptions, archive: Buffer) -> Self {
        let loaded = async {
            let (stores, config) = stores(&path, &options)?;
            Engine::load(stores, config, &mut archive.as_ref()).await
        };
        Self::of(loaded.await, &path, options)
    }

    /// Closes the stores. Sessions that are still there fail with `Unavailable`.
    #[napi]
    pub async fn close(&self) -> Reply {
        let Some(engine) = &self.engine else { return Reply::default() };
        Reply::of(engine.close().await.map(|()| Reply::default()))
    }
}

/// Counts since a store was opened.
#[napi(object, object_from_js = false)]
pub struct Stats {
    /// Flushes.
    pub flushes: f64,
    /// Commits that met a conflict.
    pub conflicts: f64,
    /// Cold rows that were updated or deleted.
    pub cold_rows_updated: f64,
    /// Batch files opened.
    pub files_opened: f64,
    /// Scopes that left memory.
    pub scopes_evicted: f64,
}

impl Database {
    fn of(opened: Result<Engine>, path: &str, options: OpenOptions) -> Self {
        let place = (!path.starts_with(MEMORY)).then(|| (PathBuf::from(path), options.blobs));
        match opened {
            Ok(engine) => Self { engine: Some(engine), failure: None, place },
            Err(failure) => Self { engine: None, failure: Some(failure), place },
        }
    }
}

async fn backup(
    engine: &Engine,
    place: Option<&(PathBuf, Option<String>)>,
    target: &Path,
) -> Result<BackupReport> {
    let Some((dir, blobs)) = place else {
        return firndb_storage_native::backup_engine(engine, target, &mut |_, _| {}).await;
    };
    // Read beside this engine, whose commits then wait for nothing.
    let _files = engine.pin_files();
    firndb_storage_native::backup(dir, blobs.as_deref(), target, &mut |_, _| {}).await
}

async fn open(path: &str, options: &OpenOptions) -> Result<Engine> {
    let (stores, config) = stores(path, options)?;
    Engine::open(stores, config).await
}

fn stores(path: &str, options: &OpenOptions) -> Result<(Stores, Config)> {
    let dir = (!path.starts_with(MEMORY)).then(|| Path::new(path));
    let config = firndb_storage_native::config(dir, None, options.given()?)?;
    let mut stores = if path.starts_with(MEMORY) {
        Stores::memory().with_files(Arc::new(LocalFiles::new()))
    } else if config.writer.read_only {
        firndb_storage_native::open_read_only(Path::new(path), options.blobs.as_deref())?
    } else {
        firndb_storage_native::open(Path::new(path), options.blobs.as_deref())?
    };
    if options.files == Some(false) {
        stores.files = None;
    }
    Ok((stores, config))
}

fn count_parameters(sql: &str) -> Result<u32> {
    let parsed = firndb_core::sql::parse(sql)?;
    let [statement] = parsed.as_slice() else {
        return Err(Error::invalid(format!("expected one statement, found {}", parsed.len())));
    };
    Ok(u32::try_from(statement.parameters).unwrap_or(u32::MAX))
}

fn role(name: &str) -> Result<Role> {
    Role::of_name(name)
        .ok_or_else(|| Error::invalid(format!("a role is user, service, dba or system, not `{name}`")))
}
