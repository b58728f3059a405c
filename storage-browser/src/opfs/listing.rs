//! Lists of blobs.

use futures::future::join_all;
use js_sys::{AsyncIterator, IteratorNext};
use object_store::path::Path;
use object_store::{ListResult, ObjectMeta, Result};
use wasm_bindgen::prelude::*;
use web_sys::{
    File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemHandle, FileSystemHandleKind,
};

use super::directory::{Directory, TEMP_DIR};
use super::{failure, readers};
use crate::js::{Thrown, settled};

/// The browser is asked about so many files at once.
const ASKED_TOGETHER: usize = 64;

impl Directory {
    /// Every blob below `prefix`, in the order of their paths.
    pub(super) async fn walk(&self, prefix: &Path) -> Result<Vec<ObjectMeta>> {
        let mut blobs = Vec::new();
        let mut dirs: Vec<_> =
            self.find(prefix).await?.map(|dir| (prefix.clone(), dir)).into_iter().collect();
        while let Some((prefix, dir)) = dirs.pop() {
            let level = level(&dir, &prefix).await?;
            blobs.extend(level.blobs);
            dirs.extend(level.dirs);
        }
        blobs.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(blobs)
    }

    /// The blobs in `prefix` itself and the directories in it.
    pub(super) async fn level(&self, prefix: &Path) -> Result<ListResult> {
        let Some(dir) = self.find(prefix).await? else {
            return Ok(ListResult { common_prefixes: Vec::new(), objects: Vec::new() });
        };
        let mut level = level(&dir, prefix).await?;
        level.blobs.sort_by(|a, b| a.location.cmp(&b.location));
        let mut common_prefixes: Vec<Path> = level.dirs.into_iter().map(|(path, _)| path).collect();
        common_prefixes.sort();
        Ok(ListResult { common_prefixes, objects: level.blobs })
    }
}

/// What is in a directory.
struct Level {
    blobs: Vec<ObjectMeta>,
    dirs: Vec<(Path, FileSystemDirectoryHandle)>,
}

/// What is in `dir`, whose path is `prefix`. A name that no blob can have is passed over.
async fn level(dir: &FileSystemDirectoryHandle, prefix: &Path) -> Result<Level> {
    let mut level = Level { blobs: Vec::new(), dirs: Vec::new() };
    let mut files = Vec::new();
    for entry in entries(dir).await.map_err(|e| failure(prefix, e))? {
        let name = entry.name();
        if prefix.is_root() && name == TEMP_DIR {
            continue;
        }
        let Ok(location) = Path::parse(format!("{prefix}/{name}")) else { continue };
        match entry.kind() {
            FileSystemHandleKind::Directory => level.dirs.push((location, entry.unchecked_into())),
            _ => files.push((location, entry.unchecked_into::<FileSystemFileHandle>())),
        }
    }
    for some in files.chunks(ASKED_TOGETHER) {
        let asked = some.iter().map(|(location, file)| async move {
            let file = settled::<File>(file.get_file()).await;
            (location, file.map(|file| readers::meta(location.clone(), &file)))
        });
        for (location, meta) in join_all(asked).await {
            match meta {
                Ok(meta) => level.blobs.push(meta),
                // Deleted since the directory was read.
                Err(e) if e.name() == "NotFoundError" => {}
                Err(e) => return Err(failure(location, e)),
            }
        }
    }
    Ok(level)
}

/// The files and directories in `dir`.
pub(super) async fn entries(dir: &FileSystemDirectoryHandle) -> Result<Vec<FileSystemHandle>, Thrown> {
    let all: AsyncIterator = dir.values();
    let mut found = Vec::new();
    loop {
        let next: IteratorNext = settled(all.next()?).await?;
        if next.done() {
            return Ok(found);
        }
        found.push(next.value().unchecked_into());
    }
}
