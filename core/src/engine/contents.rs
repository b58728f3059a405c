//! What belongs to a store at one moment: the files that its keys lead to, and none that was begun since.
//!
//! A copy must not have the others. A flush that goes on meanwhile writes files under numbers that the
//! copied counter gives out again.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::catalog::{Catalog, TableDef, ViewDef, encode_table, view_file};
use crate::cold::{FileName, names};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::store::{self as manifest_store, Pointer};
use crate::manifest::{BatchEntry, Manifest};
use crate::storage::Keyspace;
use crate::storage::keys::parse_scope_key;
use crate::types::{Scope, TableId};
use crate::users;

/// The order in which keyspaces are read while flushes go on. A block is read before the pointer that may
/// make it cold, and a pointer before the tombstones that come with it: what is seen twice does no harm.
pub const ORDER: [Keyspace; 8] = [
    Keyspace::Meta,
    Keyspace::Catalog,
    Keyspace::Hot,
    Keyspace::Manifest,
    Keyspace::Tombstones,
    Keyspace::Jobs,
    Keyspace::Users,
    Keyspace::Audit,
];

/// The tables of one moment, and the manifests of their scopes.
#[derive(Debug)]
pub struct Contents {
    tables: BTreeMap<TableId, Arc<TableDef>>,
    views: Vec<Arc<ViewDef>>,
    scopes: Vec<(Path, Pointer)>,
    users: Vec<File>,
}

/// A file of a copy.
#[derive(Debug)]
pub struct File {
    /// Its path in the copy.
    pub path: Path,
    /// What is in it.
    pub content: Content,
    /// The entry of a batch file, and the directory that it is in.
    pub batch: Option<(Path, Arc<BatchEntry>)>,
}

/// Where the bytes of a file come from.
#[derive(Debug)]
pub enum Content {
    /// A file of the store.
    Blob(Path),
    /// They are made for the copy.
    Made(Bytes),
}

impl Contents {
    /// The tables and views of `catalog`, none of whose scopes is known yet. Those that are dropped do not count.
    #[must_use]
    pub fn of(catalog: &Catalog) -> Self {
        Self {
            tables: catalog.tables().map(|t| (t.id, Arc::clone(t))).collect(),
            views: catalog.views().cloned().collect(),
            scopes: Vec::new(),
            users: Vec::new(),
        }
    }

    /// Takes a pair in; whether it belongs to a copy.
    ///
    /// # Errors
    /// `Corrupt` for a pair that tells of files, and cannot be read.
    pub fn add(&mut self, space: Keyspace, key: &[u8], value: &Bytes) -> Result<bool> {
        match space {
            Keyspace::Manifest => self.add_manifest(key, value),
            Keyspace::Users => {
                let user = users::parse(value, &format!("users key {key:02x?}"))?;
                let (path, content) = (users::file(&user.id), Content::Made(value.clone()));
                self.users.push(File { path, content, batch: None });
                Ok(true)
            }
            _ => Ok(true),
        }
    }

    /// Takes a pair of the keyspace of manifests in; whether it belongs to a copy. A cached manifest does not: the
    /// copy's blob store calls its files otherwise.
    ///
    /// # Errors
    /// `Corrupt` for what is none.
    fn add_manifest(&mut self, key: &[u8], value: &[u8]) -> Result<bool> {
        let (id, scope, rest) = parse_scope_key(key)?;
        if !rest.is_empty() {
            return Ok(false);
        }
        let pointer = manifest_store::parse_pointer(id, &scope, value)?;
        if let Some(table) = self.tables.get(&id).filter(|_| pointer.version > 0) {
            self.scopes.push((dir(table, &scope), pointer));
        }
        Ok(true)
    }

    /// Every file of the store, `store.json` aside. Of a scope whose manifest is damaged, which `damage` then
    /// tells, those that are there.
    ///
    /// # Errors
    /// What the blob store reports.
    pub async fn files(&mut self, blobs: &dyn ObjectStore, damage: &mut Vec<String>) -> Result<Vec<File>> {
        let mut files = std::mem::take(&mut self.users);
        for table in self.tables.values() {
            let definition = Content::Made(encode_table(table)?.into());
            files.push(File { path: table.definition_path(), content: definition, batch: None });
        }
        for view in &self.views {
            let (path, bytes) = view_file(view)?;
            files.push(File { path, content: Content::Made(bytes), batch: None });
        }
        for (dir, pointer) in &self.scopes {
            match manifest_store::read(blobs, dir, pointer).await {
                Ok(read) => {
                    files_of(dir, &read.manifest, &mut files);
                    files.extend(note_of(blobs, dir, &read.manifest).await?);
                }
                Err(e) if e.kind() == ErrorKind::Corrupt => {
                    damage.push(e.to_string());
                    list(blobs, dir, pointer, &mut files).await?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(files)
    }
}

fn dir(table: &TableDef, scope: &Scope) -> Path {
    Path::from(table.dir()).join(scope.dir())
}

fn files_of(dir: &Path, manifest: &Manifest, files: &mut Vec<File>) {
    let mut vectors: Vec<&str> = Vec::new();
    for entry in manifest.live() {
        let batch = Some((dir.clone(), Arc::new(entry.clone())));
        files.push(File { batch, ..File::same(dir.clone().join(entry.path.clone())) });
        files.push(File::same(dir.clone().join(names::sums(entry.number))));
        vectors.extend(entry.deletes.iter().map(|d| d.path.as_str()));
    }
    vectors.sort_unstable();
    vectors.dedup();
    files.extend(vectors.into_iter().map(|name| File::same(dir.clone().join(name))));
    let path = manifest_store::manifest_path(dir, manifest.version);
    files.push(File {
        path: dir.clone().join(manifest_store::COPY),
        content: Content::Blob(path.clone()),
        batch: None,
    });
    files.push(File::same(path));
}

/// The file with the note of `manifest`, where it has nothing else in it. Of a load that was cut short after its
/// commit there is none.
async fn note_of(blobs: &dyn ObjectStore, dir: &Path, manifest: &Manifest) -> Result<Option<File>> {
    let Some(noted) = &manifest.noted else { return Ok(None) };
    let is_listed = manifest.live().any(|b| b.deletes.as_ref().is_some_and(|d| d.path == noted.file));
    if is_listed || !matches!(FileName::parse(&noted.file), Some(FileName::Deletes(_))) {
        return Ok(None);
    }
    let path = dir.clone().join(noted.file.clone());
    match blobs.head(&path).await {
        Ok(_) => Ok(Some(File::same(path))),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// The files in `dir` that were there at the moment of `pointer`.
async fn list(blobs: &dyn ObjectStore, dir: &Path, pointer: &Pointer, files: &mut Vec<File>) -> Result<()> {
    let mut listed = blobs.list(Some(dir));
    while let Some(object) = listed.try_next().await? {
        let name = object.location.filename().and_then(FileName::parse);
        if name.is_some_and(|name| name.number().is_none_or(|number| number < pointer.next_number)) {
            files.push(File::same(object.location));
        }
    }
    Ok(())
}

impl File {
    fn same(path: Path) -> Self {
        Self { content: Content::Blob(path.clone()), path, batch: None }
    }

    /// Its bytes; `None` when the file is missing.
    ///
    /// # Errors
    /// What the blob store reports.
    pub async fn read(&self, blobs: &dyn ObjectStore) -> Result<Option<Bytes>> {
        let path = match &self.content {
            Content::Made(bytes) => return Ok(Some(bytes.clone())),
            Content::Blob(path) => path,
        };
        match blobs.get(path).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(Error::from(e)),
        }
    }

    /// How many bytes it has, as far as that is known before it is read.
    #[must_use]
    pub fn expected_bytes(&self) -> u64 {
        match &self.content {
            Content::Made(bytes) => bytes.len() as u64,
            Content::Blob(_) => self.batch.as_ref().map_or(0, |(_, entry)| entry.bytes),
        }
    }
}
