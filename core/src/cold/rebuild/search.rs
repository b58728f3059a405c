//! Finding the newest commit note among the files of a scope.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;

use crate::cold::notes::{CommitNote, NOTE_KEY};
use crate::cold::rebuild::entry::Opened;
use crate::cold::{DeletionVectors, FileName};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Noted;
use crate::types::TableId;

/// The newest note, and what there is that it does not tell of.
#[derive(Debug, Default)]
pub struct Newest {
    /// The note, and where it lies.
    pub found: Option<(CommitNote, Noted)>,
    /// Files that were written after its commit, and of which no note tells: of a flush that was cut short, or of
    /// one whose note is lost.
    pub untold: Vec<Untold>,
}

/// A file of which no note tells.
#[derive(Debug)]
pub struct Untold {
    /// The manifest that it was written for; where that is not known, the lowest that it can be.
    pub version: u64,
    /// Which file, and what it is instead.
    pub what: String,
}

/// Looks for the newest note in `files`, which are all of the scope's directory `dir`.
///
/// # Errors
/// What the blob store reports; `Unsupported` for a file of another version.
pub async fn newest_note(
    blobs: &Arc<dyn ObjectStore>,
    dir: &Path,
    table: TableId,
    scope: &str,
    files: &[FileName],
) -> Result<Newest> {
    let mut carriers: Vec<(u64, FileName)> = files
        .iter()
        .filter_map(|file| match file {
            FileName::Batch(number) | FileName::Deletes(number) => Some((*number, *file)),
            _ => None,
        })
        .collect();
    carriers.sort_unstable();
    let mut untold: Vec<Untold> = Vec::new();
    for (_, file) in carriers.into_iter().rev() {
        match look(blobs, dir, table, scope, file, files).await? {
            Look::Note(note) => {
                untold.retain(|file| file.version > note.version);
                let noted = Noted { version: note.version, file: file.text() };
                return Ok(Newest { found: Some((note, noted)), untold });
            }
            Look::None { version, why } => {
                untold.push(Untold { version, what: format!("{dir}/{}: {why}", file.text()) });
            }
            Look::SameRows => {}
        }
    }
    Ok(Newest { found: None, untold })
}

enum Look {
    Note(CommitNote),
    /// No note, in a file that was written for the manifest of this version or a later one.
    None {
        version: u64,
        why: String,
    },
    /// No note, and none needed: a compaction's file has rows that others have too, which are there.
    SameRows,
}

async fn look(
    blobs: &Arc<dyn ObjectStore>,
    dir: &Path,
    table: TableId,
    scope: &str,
    file: FileName,
    files: &[FileName],
) -> Result<Look> {
    let looked = match file {
        FileName::Batch(number) => look_in_batch(blobs, dir, table, scope, number, files).await,
        _ => note_in(blobs, dir, table, scope, file).await.map(|note| match note {
            Some(note) => Look::Note(note),
            None => unnoted(file, "deletion vectors without a commit note"),
        }),
    };
    match looked {
        Err(e) if e.kind() == ErrorKind::Corrupt => Ok(unnoted(file, &e.to_string())),
        looked => looked,
    }
}

fn unnoted(file: FileName, why: &str) -> Look {
    // A manifest's number is above those of its files.
    let version = file.number().unwrap_or(u64::MAX).saturating_add(1);
    Look::None { version, why: why.to_owned() }
}

async fn look_in_batch(
    blobs: &Arc<dyn ObjectStore>,
    dir: &Path,
    table: TableId,
    scope: &str,
    number: u64,
    files: &[FileName],
) -> Result<Look> {
    let opened = Opened::read(blobs, dir, number).await?;
    opened.belongs(table, scope)?;
    if let Some(note) = note_of(&opened)? {
        return Ok(Look::Note(note));
    }
    let replaces = opened.replaces()?;
    if !replaces.is_empty() && replaces.iter().all(|other| files.contains(&FileName::Batch(*other))) {
        return Ok(Look::SameRows);
    }
    let version = opened.manifest_version()?;
    if !replaces.is_empty() {
        let why = "replaces files that are gone, and the commit note of that is too";
        return Ok(Look::None { version: version.saturating_add(1), why: why.to_owned() });
    }
    Ok(Look::None { version, why: format!("was written for manifest {version}, without a commit note") })
}

fn note_of(opened: &Opened) -> Result<Option<CommitNote>> {
    let name = NOTE_KEY.trim_start_matches("firndb.");
    let path = opened.file.path().as_ref();
    opened.value(name).map(|text| CommitNote::decode(path, text.as_bytes())).transpose()
}

/// The note in `file`, if it has one.
async fn note_in(
    blobs: &Arc<dyn ObjectStore>,
    dir: &Path,
    table: TableId,
    scope: &str,
    file: FileName,
) -> Result<Option<CommitNote>> {
    match file {
        FileName::Batch(number) => {
            let opened = Opened::read(blobs, dir, number).await?;
            opened.belongs(table, scope)?;
            note_of(&opened)
        }
        FileName::Deletes(_) => {
            let vectors = DeletionVectors::load(blobs.as_ref(), dir, &file.text(), table, scope).await?;
            Ok(vectors.note)
        }
        _ => Ok(None),
    }
}

/// The note that `noted` leads to.
///
/// # Errors
/// `Corrupt`, naming the file, when it is missing, not as written, or of another commit.
pub async fn read_note(
    blobs: &Arc<dyn ObjectStore>,
    dir: &Path,
    table: TableId,
    scope: &str,
    noted: &Noted,
) -> Result<CommitNote> {
    let name = &noted.file;
    let file = FileName::parse(name)
        .ok_or_else(|| Error::corrupt(format!("{dir}: {name} is no name of a file with a commit note")))?;
    match note_in(blobs, dir, table, scope, file).await? {
        Some(note) if note.version == noted.version => Ok(note),
        found => Err(Error::corrupt(format!(
            "{dir}/{name}: expected the note of commit {}, found {:?}",
            noted.version,
            found.map(|note| note.version)
        ))),
    }
}
