//! The cold tier of a scope as one manifest describes it, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use parking_lot::Mutex;
use roaring::RoaringBitmap;

use crate::catalog::TableDef;
use crate::cold::{ColdFile, DeletionVectors, FileName};
use crate::error::{Error, Result};
use crate::manifest::store::{self as manifest_store, Pointer};
use crate::manifest::{Entries, Manifest};
use crate::storage::Stores;
use crate::types::{Scope, SeqId};

/// The batch files of a scope and their dead rows.
#[derive(Debug)]
pub struct ColdState {
    /// Where the files lie.
    pub dir: Path,
    /// What the key-value store says.
    pub pointer: Pointer,
    /// The manifest; `None` before the first flush.
    pub manifest: Option<Manifest>,
    /// The files whose rows are part of the table, by number.
    pub files: Vec<ColdFile>,
    /// Their manifest entries, in the same order, by column.
    pub entries: Entries,
    /// The dead rows by batch number; a file without dead rows is not in it.
    pub dead: BTreeMap<u64, Arc<RoaringBitmap>>,
    /// Rows hidden by hot versions, remembered from scan to scan.
    pub hidden: Mutex<Arc<Hidden>>,
}

/// The rows that the hot versions up to `through` hide.
#[derive(Debug, Default)]
pub struct Hidden {
    /// The last `_seq` that was looked up.
    pub through: SeqId,
    /// Rows by batch number.
    pub by_batch: Arc<BTreeMap<u64, RoaringBitmap>>,
}

impl ColdState {
    /// A state over the given parts, nothing hidden yet.
    #[must_use]
    pub fn new(
        blobs: &Arc<dyn ObjectStore>,
        dir: Path,
        pointer: Pointer,
        manifest: Option<Manifest>,
        dead: BTreeMap<u64, Arc<RoaringBitmap>>,
    ) -> Self {
        let live = manifest.iter().flat_map(Manifest::live);
        let files: Vec<ColdFile> =
            live.map(|b| ColdFile::new(Arc::clone(blobs), &dir, Arc::new(b.clone()))).collect();
        let entries = Entries::new(files.iter().map(|f| Arc::clone(f.entry())).collect());
        Self { dir, pointer, manifest, files, entries, dead, hidden: Mutex::default() }
    }

    /// Reads what the key-value store points at; with `repair` completes the copy of the manifest if a
    /// crash or a failure came between the commit and the copy.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when something the pointer leads to is missing or altered.
    pub async fn load(stores: &Stores, def: &TableDef, scope: &Scope, repair: bool) -> Result<Self> {
        let dir = Path::from(def.dir()).join(scope.dir());
        let pointer = manifest_store::read_pointer(stores.kv.as_ref(), def.id, scope).await?;
        if pointer.version == 0 {
            return Ok(Self::new(&stores.blobs, dir, pointer, None, BTreeMap::new()));
        }
        let (manifest, bytes) = manifest_store::read(stores.blobs.as_ref(), &dir, &pointer).await?;
        if manifest.table_id != def.id || manifest.scope()? != *scope {
            return Err(Error::corrupt(format!(
                "{}: belongs to table {} and scope {}, expected {} and {scope}",
                manifest_store::manifest_path(&dir, pointer.version),
                manifest.table_id,
                manifest.scope,
                def.id,
            )));
        }
        if repair {
            manifest_store::try_refresh_copy(stores.blobs.as_ref(), &dir, &bytes).await;
        }
        let dead = read_dead(stores, def, &dir, &manifest).await?;
        Ok(Self::new(&stores.blobs, dir, pointer, Some(manifest), dead))
    }

    /// Whether no file has a row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file of this number.
    #[must_use]
    pub fn file(&self, number: u64) -> Option<&ColdFile> {
        let at = self.files.binary_search_by_key(&number, |f| f.entry().number).ok()?;
        self.files.get(at)
    }

    /// The dead rows of a batch.
    #[must_use]
    pub fn dead_in(&self, batch: u64) -> Option<&Arc<RoaringBitmap>> {
        self.dead.get(&batch)
    }

    /// The number of the newest deletion-vector file that the manifest refers to.
    #[must_use]
    pub fn newest_deletes(&self) -> Option<u64> {
        let names = self.manifest.iter().flat_map(|m| &m.batches).filter_map(|b| b.deletes.as_ref());
        names
            .filter_map(|d| match FileName::parse(&d.path) {
                Some(FileName::Deletes(number)) => Some(number),
                _ => None,
            })
            .max()
    }
}

async fn read_dead(
    stores: &Stores,
    def: &TableDef,
    dir: &Path,
    manifest: &Manifest,
) -> Result<BTreeMap<u64, Arc<RoaringBitmap>>> {
    let names: BTreeSet<&str> =
        manifest.live().filter_map(|b| b.deletes.as_ref()).map(|d| d.path.as_str()).collect();
    let mut dead = BTreeMap::new();
    for name in names {
        let vectors =
            DeletionVectors::load(stores.blobs.as_ref(), dir, name, def.id, &manifest.scope).await?;
        for batch in manifest.live().filter(|b| b.deletes.as_ref().is_some_and(|d| d.path == name)) {
            dead.insert(batch.number, Arc::new(vectors.dead_rows(batch)?));
        }
    }
    Ok(dead)
}
