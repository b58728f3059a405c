//! The cold tier of a scope as one manifest describes it, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use parking_lot::Mutex;
use roaring::RoaringBitmap;

use crate::catalog::TableDef;
use crate::cold::rebuild::newest_deletes;
use crate::cold::{ColdFile, DeletionVectors};
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
    /// What became of the manifest, where this was read from something else.
    pub lost: Option<LostManifest>,
    /// Rows hidden by hot versions, remembered from scan to scan.
    pub hidden: Mutex<Arc<Hidden>>,
}

/// A manifest that is not there as it was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostManifest {
    /// What is wrong with it.
    pub why: String,
    /// Whether the entries have their ranges of values; if not, every file is read that a row may be in.
    pub ranges_known: bool,
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
        Self { dir, pointer, manifest, files, entries, dead, lost: None, hidden: Mutex::default() }
    }

    /// Reads what the key-value store points at; with `repair` completes the copy of the manifest if a
    /// crash or a failure came between the commit and the copy.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when something the pointer leads to is missing or altered.
    pub async fn load(stores: &Stores, def: &TableDef, scope: &Scope, repair: bool) -> Result<Self> {
        let dir = Self::dir(def, scope);
        let pointer = manifest_store::read_pointer(stores.kv.as_ref(), def.id, scope).await?;
        if pointer.version == 0 {
            return Ok(Self::without_files(stores, dir, pointer));
        }
        let read = manifest_store::read(stores.blobs.as_ref(), &dir, &pointer).await?;
        let state = Self::of_manifest(stores, def, scope, pointer, read.manifest).await?;
        if repair {
            manifest_store::try_refresh_copy(stores.blobs.as_ref(), &dir, &read.bytes).await;
        }
        Ok(state)
    }

    /// Where the files of `scope` lie.
    #[must_use]
    pub fn dir(def: &TableDef, scope: &Scope) -> Path {
        Path::from(def.dir()).join(scope.dir())
    }

    /// The state of a scope that was never flushed.
    #[must_use]
    pub fn without_files(stores: &Stores, dir: Path, pointer: Pointer) -> Self {
        Self::new(&stores.blobs, dir, pointer, None, BTreeMap::new())
    }

    /// The state that `manifest`, which `pointer` names, describes; dead rows are read.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when it is of another scope, or deletion vectors are missing or altered.
    pub async fn of_manifest(
        stores: &Stores,
        def: &TableDef,
        scope: &Scope,
        pointer: Pointer,
        manifest: Manifest,
    ) -> Result<Self> {
        let dir = Self::dir(def, scope);
        if manifest.table_id != def.id || manifest.scope()? != *scope {
            return Err(Error::corrupt(format!(
                "{}: belongs to table {} and scope {}, expected {} and {scope}",
                manifest_store::manifest_path(&dir, pointer.version),
                manifest.table_id,
                manifest.scope,
                def.id,
            )));
        }
        let dead = read_dead(stores, def, &dir, &manifest).await?;
        Ok(Self::new(&stores.blobs, dir, pointer, Some(manifest), dead))
    }

    /// The same manifest under another pointer to it: only the counter is another.
    #[must_use]
    pub fn at(&self, stores: &Stores, pointer: Pointer) -> Self {
        Self::new(&stores.blobs, self.dir.clone(), pointer, self.manifest.clone(), self.dead.clone())
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
        let known = self.manifest.iter().filter_map(|m| m.last_deletes);
        self.manifest.iter().filter_map(newest_deletes).chain(known).max()
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
