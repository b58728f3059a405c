//! The directory behind [`super::LocalFs`]: names, temporary files, and what is synced when.
//!
//! ```text
//! ROOT/.firndb-temp/lock         held shared by everyone who has the store open for writing
//! ROOT/.firndb-temp/PID-COUNTER  a blob on its way; becomes its name when all its bytes are synced
//! ROOT/{path of a blob}          the blob
//! ```

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// Where blobs are written before they have their name. No blob can be in it.
pub(super) const TEMP_DIR: &str = ".firndb-temp";

/// So many directories are remembered as synced; then the memory starts anew.
const DIRS_REMEMBERED: usize = 50_000;

#[derive(Debug)]
pub(super) struct Directory {
    root: PathBuf,
    read_only: bool,
    /// Held shared; whoever gets it alone knows that all temporary files are leftovers.
    _lock: Option<File>,
    /// Directories whose way from the root is synced, as far as this process has seen to it. One that is
    /// merely there may be another process's whose sync never came.
    synced_dirs: Mutex<HashSet<PathBuf>>,
}

impl Directory {
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        create_dirs(root)?;
        let root = fs::canonicalize(root)?;
        let temp_dir = root.join(TEMP_DIR);
        create_dirs(&temp_dir)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(temp_dir.join("lock"))?;
        if lock.try_lock().is_ok() {
            remove_leftovers(&temp_dir)?;
            lock.unlock()?;
        }
        // A file system without locks never gives it to anyone alone, so it may refuse this one too.
        _ = lock.lock_shared();
        Ok(Self { root, read_only: false, _lock: Some(lock), synced_dirs: Mutex::default() })
    }

    pub(super) fn open_read_only(root: &Path) -> io::Result<Self> {
        let root = fs::canonicalize(root)?;
        Ok(Self { root, read_only: true, _lock: None, synced_dirs: Mutex::default() })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The file of the blob at `parts`, or `None` when no blob can be there: no part may climb, name more
    /// than one directory, or be that of the temporary files.
    pub(super) fn file<'a>(&self, parts: impl Iterator<Item = &'a str>) -> Option<PathBuf> {
        let mut file = self.root.clone();
        let mut empty = true;
        for part in parts {
            let mut components = Path::new(part).components();
            let one = matches!(
                (components.next(), components.next()),
                (Some(Component::Normal(name)), None) if name == part
            );
            if !one || (empty && part == TEMP_DIR) {
                return None;
            }
            file.push(part);
            empty = false;
        }
        (!empty).then_some(file)
    }

    pub(super) fn check_writable(&self) -> io::Result<()> {
        if self.read_only {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is open for reading only"));
        }
        Ok(())
    }

    /// An empty temporary file.
    pub(super) fn temp(&self) -> io::Result<Temp> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        self.check_writable()?;
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = self.root.join(TEMP_DIR).join(format!("{}-{count}", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Temp { file, path, moved: false }),
                // A process with the same id on another machine, or before us.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Gives a written file its name and returns once both are synced. With `create`, fails with
    /// `AlreadyExists` instead of replacing what has the name.
    pub(super) fn publish(&self, mut temp: Temp, target: &Path, create: bool) -> io::Result<()> {
        temp.file.sync_all()?;
        let parent = self.sync_way_to(target)?;
        if create {
            // Unlike a rename, a link never takes the place of another file.
            fs::hard_link(&temp.path, target)?;
        } else {
            fs::rename(&temp.path, target)?;
            temp.moved = true;
        }
        sync_dir(parent)
    }

    /// Moves a file to another name and returns once that is synced.
    pub(super) fn rename(&self, from: &Path, to: &Path, create: bool) -> io::Result<()> {
        self.check_writable()?;
        // A link to a directory would fail too, but with an error that says less.
        if !fs::metadata(from)?.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let parent = self.sync_way_to(to)?;
        if create {
            fs::hard_link(from, to)?;
            sync_dir(parent)?;
            fs::remove_file(from)?;
        } else {
            fs::rename(from, to)?;
            sync_dir(parent)?;
        }
        match from.parent() {
            Some(left) if left != parent => sync_dir(left),
            _ => Ok(()),
        }
    }

    /// Deletes files and syncs their directories, each once. One result per file, in order.
    pub(super) fn delete(&self, files: &[PathBuf]) -> Vec<io::Result<()>> {
        let mut results: Vec<io::Result<()>> = files
            .iter()
            .map(|file| {
                self.check_writable()?;
                fs::remove_file(file)
            })
            .collect();
        let mut synced = HashSet::new();
        for (file, result) in files.iter().zip(&mut results) {
            let Some(parent) = file.parent() else { continue };
            if result.is_ok() && synced.insert(parent) {
                *result = sync_dir(parent);
            }
        }
        results
    }

    /// Makes the directories that lead to `file`, syncs them, and gives the last of them.
    fn sync_way_to<'a>(&self, file: &'a Path) -> io::Result<&'a Path> {
        let outside = || io::Error::new(io::ErrorKind::InvalidInput, "it is outside the store's directory");
        let parent = file.parent().ok_or_else(outside)?;
        let below = parent.strip_prefix(&self.root).map_err(|_| outside())?;
        let mut synced = self.synced_dirs.lock();
        if synced.contains(parent) {
            return Ok(parent);
        }
        if synced.len() >= DIRS_REMEMBERED {
            synced.clear();
        }
        let mut dir = self.root.clone();
        for part in below {
            let above = dir.clone();
            dir.push(part);
            if synced.contains(&dir) {
                continue;
            }
            match fs::create_dir(&dir) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
                _ => sync_dir(&above)?,
            }
            synced.insert(dir.clone());
        }
        Ok(parent)
    }
}

/// A file on its way to its name; removed when it is dropped before it got there.
#[derive(Debug)]
pub(super) struct Temp {
    file: File,
    path: PathBuf,
    moved: bool,
}

impl Temp {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.moved {
            // What stays is removed at the next opening.
            _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes `dir` and what leads to it, and returns once the names of those it made are synced.
pub(crate) fn create_dirs(dir: &Path) -> io::Result<()> {
    match fs::create_dir(dir) {
        Ok(()) => match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
            _ => sync_dir(Path::new(".")),
        },
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            create_dirs(dir.parent().ok_or(e)?)?;
            create_dirs(dir)
        }
        Err(e) => Err(e),
    }
}

fn remove_leftovers(temp_dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(temp_dir)? {
        let entry = entry?;
        if entry.file_name() != "lock" {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes the names in `dir` durable.
#[cfg(unix)]
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Windows offers no way to, and journals names by itself.
#[cfg(not(unix))]
pub(crate) fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}
