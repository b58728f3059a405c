//! The directory of a store, and how to tell one from other directories.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use firndb_core::{Error, Result};

use crate::local_fs::{create_dirs, sync_dir};

/// The directory of the keys and values.
pub(crate) const KV: &str = "kv";
/// The directory of the blobs.
pub(crate) const BLOBS: &str = "blobs";
/// The settings of a store, which people write.
pub(crate) const SETTINGS: &str = "firndb.toml";
const MARKER: &str = "firndb-store";
const MARKER_TEXT: &str = "FirnDB store, layout 1\n";

/// What a directory is.
enum Found {
    Absent,
    Empty,
    Store,
    /// A store whose making was cut short before its marker was written.
    Unfinished,
    Foreign,
}

/// Makes `dir` a store if it is absent or empty.
pub(crate) fn prepare(dir: &Path) -> Result<()> {
    match look(dir)? {
        Found::Store => Ok(()),
        Found::Absent | Found::Empty | Found::Unfinished => {
            let made = create_dirs(dir).and_then(|()| mark(dir));
            made.map_err(|e| unavailable(dir, "making a store in", e))
        }
        Found::Foreign => Err(Error::invalid(format!(
            "{} holds other things and is not a FirnDB store; name a store, or a directory that is empty \
             or absent",
            dir.display()
        ))),
    }
}

/// Requires `dir` to be a store.
pub(crate) fn require(dir: &Path) -> Result<()> {
    let why = match look(dir)? {
        Found::Store => return Ok(()),
        Found::Absent => "it does not exist",
        Found::Empty => "it is empty",
        Found::Unfinished => "its making was cut short",
        Found::Foreign => "it has no file 'firndb-store'",
    };
    Err(Error::not_found(format!("{} is not a FirnDB store: {why}", dir.display())))
}

/// Makes the names in `dir` durable.
pub(crate) fn sync(dir: &Path) -> Result<()> {
    sync_dir(dir).map_err(|e| unavailable(dir, "syncing", e))
}

fn look(dir: &Path) -> Result<Found> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Found::Absent),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => return Ok(Found::Foreign),
        Err(e) => Err(e),
    };
    let mut entries = entries.map_err(|e| unavailable(dir, "looking into", e))?;
    // A store may be made with settings that are there first.
    entries.retain(|entry| entry.file_name() != SETTINGS);
    if entries.is_empty() {
        return Ok(Found::Empty);
    }
    match fs::read_to_string(dir.join(MARKER)) {
        Ok(text) if text == MARKER_TEXT => Ok(Found::Store),
        Ok(text) if MARKER_TEXT.starts_with(&text) && entries.len() == 1 => Ok(Found::Unfinished),
        Ok(text) if text.starts_with("FirnDB store, layout ") => Err(Error::unsupported(format!(
            "{} says '{}'; this version of FirnDB reads '{}'",
            dir.join(MARKER).display(),
            text.trim_end(),
            MARKER_TEXT.trim_end()
        ))),
        // A directory of which nothing was saved but the blobs is a store to recover.
        _ if dir.join(BLOBS).join("store.json").is_file() => Ok(Found::Store),
        _ => Ok(Found::Foreign),
    }
}

fn mark(dir: &Path) -> io::Result<()> {
    let mut marker = File::create(dir.join(MARKER))?;
    marker.write_all(MARKER_TEXT.as_bytes())?;
    marker.sync_all()?;
    sync_dir(dir)
}

fn unavailable(dir: &Path, doing: &str, e: io::Error) -> Error {
    Error::unavailable(format!("{doing} {}: {e}", dir.display())).with_source(e)
}
