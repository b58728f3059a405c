//! A store that appears at its place when it is whole.
//!
//! It is made under a name of its own beside its place, `.NAME.backup-PID-N` or `.NAME.load-PID-N`, which is
//! removed if anything comes between. Only a process that is killed leaves it there; it says of itself that it
//! is of no use.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use firndb_core::storage::Stores;
use firndb_core::{Error, Result};

use crate::local_fs::{create_dirs, sync_dir};

/// What a store is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// Another store.
    Backup,
    /// An archive.
    Load,
}

impl Origin {
    fn word(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Load => "load",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Backup => "a backup is made in a directory that is absent or empty",
            Self::Load => "an archive is loaded into a directory that is absent or empty",
        }
    }
}

/// A store that is not at its place yet; removed when it is dropped before it got there.
#[derive(Debug)]
pub(crate) struct Making {
    /// Where it is made.
    pub(crate) dir: PathBuf,
    target: PathBuf,
    parent: PathBuf,
    /// Closed before the directory is moved or removed.
    pub(crate) stores: Option<Stores>,
    origin: Origin,
    published: bool,
}

impl Making {
    /// Makes a directory for a store that is to be at `target`.
    ///
    /// # Errors
    /// `AlreadyExists` when `target` is not empty, `InvalidInput` when it cannot be a directory of its own.
    pub(crate) fn begin(target: &Path, origin: Origin) -> Result<Self> {
        // So that a link, or a name such as `a/.`, is the directory that it leads to.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        check_free(&target, origin)?;
        let Some(name) = target.file_name() else {
            return Err(Error::invalid(format!(
                "a {} needs a directory of its own, and {} is none",
                origin.word(),
                target.display()
            )));
        };
        let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        create_dirs(parent).map_err(|e| unavailable("making", parent, e))?;
        let mut number = 0;
        loop {
            number += 1;
            let temporary = format!(".{}.{}-{}-{number}", name.display(), origin.word(), std::process::id());
            let dir = parent.join(temporary);
            match fs::create_dir(&dir) {
                Ok(()) => {
                    let parent = parent.to_owned();
                    return Ok(Self { dir, target, parent, stores: None, origin, published: false });
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(unavailable("making", &dir, e)),
            }
        }
    }

    /// Gives it its name, and the name durability.
    ///
    /// # Errors
    /// `AlreadyExists` when something has come there meanwhile; what the file system reports.
    pub(crate) fn publish(mut self) -> Result<()> {
        self.stores = None;
        // Where a directory cannot take the place of an empty one, that goes first.
        #[cfg(not(unix))]
        let _ = fs::remove_dir(&self.target);
        fs::rename(&self.dir, &self.target).map_err(|e| match e.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => {
                taken(&self.target, self.origin)
            }
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
fn check_free(target: &Path, origin: Origin) -> Result<()> {
    match fs::read_dir(target).map(|mut entries| entries.next().is_none()) {
        Ok(true) if is_mount(target) => Err(Error::invalid(format!(
            "a file system is mounted at {}: name a directory in it, such as {}",
            target.display(),
            target.join("store").display()
        ))),
        Ok(true) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(false) => Err(taken(target, origin)),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => Err(taken(target, origin)),
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

fn taken(target: &Path, origin: Origin) -> Error {
    Error::already_exists(format!("{} is not empty: {}", target.display(), origin.sentence()))
}

fn unavailable(doing: &str, path: &Path, e: io::Error) -> Error {
    Error::unavailable(format!("{doing} {}: {e}", path.display())).with_source(e)
}
