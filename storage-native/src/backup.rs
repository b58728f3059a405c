//! A backup of a store as another directory, which appears when it is whole.
//!
//! It is made under a name of its own beside its place, `.NAME.backup-PID-N`, which is removed if anything
//! comes between. Only a process that is killed leaves it there; it says of itself that it is of no use.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use firndb_core::storage::Stores;
use firndb_core::{BackupReport, Config, Engine, Error, OnProgress, Result};

use crate::local_fs::{create_dirs, sync_dir};
use crate::{open, open_read_only};

/// How often a backup is made again that met a DROP TABLE of another process.
const ATTEMPTS: usize = 3;

/// Copies the store in `dir`, whose blobs may be at the URL `blobs`, to the directory `target`, which must be
/// absent or empty, and holds everything then, blobs too.
///
/// The store is only read, and whoever has it open goes on: the copy has every statement that was
/// acknowledged before the call, and one that came later entirely or not at all. An engine of this process
/// on the same store should keep its files meanwhile ([`Engine::pin_files`]).
///
/// # Errors
/// `NotFound` when there is no store in `dir`, `AlreadyExists` when `target` is not empty, `InvalidInput` when
/// it cannot be a directory of its own; else as [`open_read_only`] and [`Engine::backup`]. Nothing is left at
/// `target` then.
pub async fn backup(
    dir: &Path,
    blobs: Option<&str>,
    target: &Path,
    progress: OnProgress<'_>,
) -> Result<BackupReport> {
    let mut attempt = 1;
    loop {
        let engine = reader(dir, blobs).await?;
        let (making, report) = make(&engine, target, progress).await?;
        engine.close().await?;
        // Whoever has the store open elsewhere may have dropped a table, and removed its files, before they
        // were copied. Then they are not missing from the table, but with it.
        if report.damage.is_empty() || attempt == ATTEMPTS || !has_other_tables(&engine, dir, blobs).await? {
            making.publish()?;
            return Ok(report);
        }
        attempt += 1;
    }
}

/// Copies the store that `engine` has open, wherever it is, to the directory `target`.
///
/// # Errors
/// As [`backup`].
pub async fn backup_engine(engine: &Engine, target: &Path, progress: OnProgress<'_>) -> Result<BackupReport> {
    let (making, report) = make(engine, target, progress).await?;
    making.publish()?;
    Ok(report)
}

async fn reader(dir: &Path, blobs: Option<&str>) -> Result<Engine> {
    let mut config = Config::default();
    config.writer.read_only = true;
    Engine::open(open_read_only(dir, blobs)?, config).await
}

async fn has_other_tables(before: &Engine, dir: &Path, blobs: Option<&str>) -> Result<bool> {
    let now = reader(dir, blobs).await?;
    let differs = now.catalog() != before.catalog();
    now.close().await?;
    Ok(differs)
}

async fn make(engine: &Engine, target: &Path, progress: OnProgress<'_>) -> Result<(Making, BackupReport)> {
    let mut making = Making::begin(target)?;
    let stores = open(&making.dir, None)?;
    making.stores = Some(stores.clone());
    let report = engine.backup(&stores, progress).await?;
    stores.kv.close().await?;
    Ok((making, report))
}

/// A backup that is not at its place yet; removed when it is dropped before it got there.
#[derive(Debug)]
struct Making {
    dir: PathBuf,
    target: PathBuf,
    parent: PathBuf,
    stores: Option<Stores>,
    published: bool,
}

impl Making {
    fn begin(target: &Path) -> Result<Self> {
        // So that a link, or a name such as `a/.`, is the directory that it leads to.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        check_free(&target)?;
        let Some(name) = target.file_name() else {
            return Err(Error::invalid(format!(
                "a backup needs a directory of its own, and {} is none",
                target.display()
            )));
        };
        let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        create_dirs(parent).map_err(|e| unavailable("making", parent, e))?;
        let mut number = 0;
        loop {
            number += 1;
            let temporary = format!(".{}.backup-{}-{number}", name.display(), std::process::id());
            let dir = parent.join(temporary);
            match fs::create_dir(&dir) {
                Ok(()) => {
                    let parent = parent.to_owned();
                    return Ok(Self { dir, target, parent, stores: None, published: false });
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(unavailable("making", &dir, e)),
            }
        }
    }

    /// Gives it its name, and the name durability.
    fn publish(mut self) -> Result<()> {
        self.stores = None;
        // Where a directory cannot take the place of an empty one, that goes first.
        #[cfg(not(unix))]
        let _ = fs::remove_dir(&self.target);
        fs::rename(&self.dir, &self.target).map_err(|e| match e.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => taken(&self.target),
            _ => unavailable("giving its name to", &self.target, e),
        })?;
        self.published = true;
        sync_dir(&self.parent).map_err(|e| unavailable("syncing", &self.parent, e))
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.stores = None;
        if !self.published {
            _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// Requires that nothing is at `target`, or an empty directory that another can take the place of.
fn check_free(target: &Path) -> Result<()> {
    match fs::read_dir(target).map(|mut entries| entries.next().is_none()) {
        Ok(true) if is_mount(target) => Err(Error::invalid(format!(
            "a file system is mounted at {}: name a directory in it, such as {}",
            target.display(),
            target.join("backup").display()
        ))),
        Ok(true) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(false) => Err(taken(target)),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => Err(taken(target)),
        Err(e) => Err(unavailable("looking into", target, e)),
    }
}

#[cfg(unix)]
fn is_mount(dir: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    dir.parent().is_some_and(|parent| device(parent) != device(dir))
}

#[cfg(not(unix))]
fn is_mount(_dir: &Path) -> bool {
    false
}

fn taken(target: &Path) -> Error {
    Error::already_exists(format!(
        "{} is not empty: a backup is made in a directory that is absent or empty",
        target.display()
    ))
}

fn unavailable(doing: &str, path: &Path, e: io::Error) -> Error {
    Error::unavailable(format!("{doing} {}: {e}", path.display())).with_source(e)
}
