//! What a blob store's listing says of its tables and views.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;

use crate::catalog::VIEWS;
use crate::cold::FileName;
use crate::error::Result;
use crate::storage::Stores;
use crate::users;

/// All that is there.
#[derive(Debug, Default)]
pub struct Listed {
    /// The tables, by their directories.
    pub tables: BTreeMap<Path, FoundTable>,
    /// The definition files of views.
    pub views: Vec<Path>,
    /// The records of users.
    pub users: Vec<Path>,
}

/// A table's directory.
#[derive(Debug, Default)]
pub struct FoundTable {
    /// The table's id, by the name of the directory; given out, whatever else can be read.
    pub id: Option<u32>,
    /// Definition files by schema version.
    pub definitions: BTreeMap<u32, Path>,
    /// The directories of its scopes.
    pub scopes: BTreeMap<Path, FoundScope>,
}

/// A scope's directory.
#[derive(Debug, Default)]
pub struct FoundScope {
    /// Manifests by number.
    pub manifests: BTreeMap<u64, Path>,
    /// The copy of the newest manifest.
    pub copy: Option<Path>,
    /// Batch files and deletion vectors.
    pub files: Vec<FileName>,
    /// The highest number of any file.
    pub last_number: u64,
}

/// Lists every table and view.
///
/// # Errors
/// What the blob store reports.
pub async fn list(stores: &Stores) -> Result<Listed> {
    let Listed { mut tables, mut views, users: mut records } = Listed::default();
    let mut listed = stores.blobs.list(None);
    while let Some(object) = listed.try_next().await? {
        let path = object.location;
        let parts: Vec<String> = path.parts().map(|p| p.as_ref().to_owned()).collect();
        match parts.as_slice() {
            [_, _, name] if name.ends_with(".json") && path.prefix_matches(&Path::from(users::DIRECTORY)) => {
                records.push(path);
            }
            [_, dir, name] if dir == VIEWS && name.ends_with(".json") => views.push(path),
            [namespace, table, name] => {
                let version = name.strip_prefix("table-").and_then(|n| n.strip_suffix(".json"));
                if let Some(version) = version.and_then(|v| v.parse().ok()) {
                    table_of(&mut tables, namespace, table).definitions.insert(version, path);
                }
            }
            [namespace, table, scope, name] => {
                let dir = Path::from_iter([namespace.as_str(), table.as_str(), scope.as_str()]);
                let Some(file) = FileName::parse(name) else { continue };
                table_of(&mut tables, namespace, table).scopes.entry(dir).or_default().add(file, path);
            }
            _ => {}
        }
    }
    views.sort();
    Ok(Listed { tables, views, users: records })
}

fn table_of<'a>(
    tables: &'a mut BTreeMap<Path, FoundTable>,
    namespace: &str,
    table: &str,
) -> &'a mut FoundTable {
    let found = tables.entry(Path::from_iter([namespace, table])).or_default();
    let id = table.rsplit_once('-').filter(|(_, id)| id.len() == 8);
    found.id = id.and_then(|(_, id)| u32::from_str_radix(id, 16).ok());
    found
}

impl FoundScope {
    fn add(&mut self, file: FileName, path: Path) {
        if let Some(number) = file.number() {
            self.last_number = self.last_number.max(number);
        }
        match file {
            FileName::Manifest(number) => {
                self.manifests.insert(number, path);
            }
            FileName::NewestManifest => self.copy = Some(path),
            FileName::Batch(_) | FileName::Deletes(_) => self.files.push(file),
            FileName::Sums(_) => {}
        }
    }
}
