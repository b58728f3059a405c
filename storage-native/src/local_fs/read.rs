//! Reading blobs and directories.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path as FsPath;
use std::time::SystemTime;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::{GetResult, GetResultPayload, ListResult, ObjectMeta, Result};

use super::directory::TEMP_DIR;
use super::failure;

/// Reads up to so many bytes at once; longer ones come in pieces of this size.
const PIECE: u64 = 4 << 20;

pub(super) fn meta(location: Path, metadata: &Metadata) -> ObjectMeta {
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    ObjectMeta {
        location,
        last_modified: DateTime::<Utc>::from(modified),
        size: metadata.len(),
        e_tag: Some(e_tag(metadata, modified)),
        version: None,
    }
}

/// Differs for every content, because a blob is replaced by another file and never written in place.
fn e_tag(metadata: &Metadata, modified: SystemTime) -> String {
    let nanos = modified.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    format!("{:x}-{nanos:x}-{:x}", inode(metadata), metadata.len())
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> u64 {
    0
}

/// Exactly the bytes of `range`, from a handle that nobody else reads at the same time.
pub(super) fn read(mut file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let len = range.end - range.start;
    // Read to the end of what is taken, the buffer need not be filled with zeros first.
    let mut bytes = Vec::with_capacity(usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?);
    file.seek(SeekFrom::Start(range.start))?;
    file.take(len).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes.into())
}

/// `range` of an open blob.
pub(super) fn result(file: File, meta: ObjectMeta, range: Range<u64>) -> Result<GetResult> {
    let location = meta.location.clone();
    let payload = if range.end - range.start <= PIECE {
        let bytes = read(&file, range.clone()).map_err(|e| failure(&location, e))?;
        stream::iter([Ok(bytes)]).boxed()
    } else {
        pieces(file, location, range.clone())
    };
    Ok(GetResult { payload: GetResultPayload::Stream(payload), meta, range, attributes: Default::default() })
}

fn pieces(file: File, location: Path, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
    let end = range.end;
    stream::unfold((file, location, range.start), move |(file, location, start)| {
        let next = end.min(start.saturating_add(PIECE));
        let piece = (start < end).then(|| read(&file, start..next).map_err(|e| failure(&location, e)));
        // After an error the rest is not read.
        let next = if matches!(piece, Some(Err(_))) { end } else { next };
        std::future::ready(piece.map(|piece| (piece, (file, location, next))))
    })
    .boxed()
}

/// Every blob below `dir`, whose path is `prefix`, when it is first asked for.
pub(super) fn walk(dir: std::path::PathBuf, prefix: Path) -> BoxStream<'static, Result<ObjectMeta>> {
    let found = move || {
        let mut blobs = Vec::new();
        let mut dirs = vec![(dir, prefix)];
        while let Some((dir, prefix)) = dirs.pop() {
            let level = level(&dir, &prefix)?;
            blobs.extend(level.objects);
            dirs.extend(level.common_prefixes.into_iter().map(|p| {
                let name = p.filename().unwrap_or_default();
                (dir.join(name), p.clone())
            }));
        }
        blobs.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(blobs)
    };
    let listed = async move { found() }.map(|found| match found {
        Ok(blobs) => stream::iter(blobs.into_iter().map(Ok)).boxed(),
        Err(e) => stream::iter([Err(e)]).boxed(),
    });
    listed.flatten_stream().boxed()
}

/// The blobs in `dir` itself and the directories in it. Without `dir` there are none. What no blob can
/// be (a link, a name that is no path part) is passed over.
pub(super) fn level(dir: &FsPath, prefix: &Path) -> Result<ListResult> {
    let mut level = ListResult { common_prefixes: Vec::new(), objects: Vec::new() };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(level);
        }
        Err(e) => return Err(failure(prefix, e)),
    };
    for entry in entries {
        let entry = entry.map_err(|e| failure(prefix, e))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if prefix.is_root() && name == TEMP_DIR {
            continue;
        }
        let Ok(location) = Path::parse(format!("{prefix}/{name}")) else { continue };
        match entry.metadata() {
            Ok(m) if m.is_dir() => level.common_prefixes.push(location),
            Ok(m) if m.is_file() => level.objects.push(meta(location, &m)),
            Ok(_) => {}
            // Deleted since the directory was read.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(failure(&location, e)),
        }
    }
    level.common_prefixes.sort();
    level.objects.sort_by(|a, b| a.location.cmp(&b.location));
    Ok(level)
}
