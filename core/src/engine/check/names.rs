//! Every file of a scope's directory: what refers to it, and older manifests.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};

use super::{Checking, Looking};
use crate::cold::{FileName, names};
use crate::error::Result;
use crate::manifest::store::{self as manifest_store, Pointer};
use crate::manifest::{self, Manifest};

impl Checking<'_> {
    /// Reads the manifests besides the newest, and names files that nothing refers to.
    pub(super) async fn names(&mut self, looking: &Looking<'_>, manifest: Option<&Manifest>) -> Result<()> {
        let blobs = self.tiers.stores.blobs.as_ref();
        let mut known = referred_to(manifest);
        let listed: Vec<ObjectMeta> = blobs.list(Some(&looking.dir)).try_collect().await?;
        let name_of = |object: &ObjectMeta| object.location.filename().unwrap_or_default().to_owned();
        for object in &listed {
            if let Some(FileName::Manifest(version)) = FileName::parse(&name_of(object)) {
                self.pace.step().await?;
                let older = self.numbered(looking, version, object).await?;
                known.extend(referred_to(older.as_ref()));
            }
        }
        for object in listed {
            let name = name_of(&object);
            match FileName::parse(&name) {
                Some(FileName::Manifest(_) | FileName::NewestManifest) => {}
                _ if known.contains(&name) || looking.followed.contains(&name) => {}
                // Begun since the pointer was read.
                Some(file) if file.number().is_some_and(|n| n >= looking.pointer.next_number) => {}
                _ => self.orphan(&object),
            }
        }
        match manifest {
            Some(_) => self.copy(&looking.dir, &looking.pointer).await,
            None => Ok(()),
        }
    }

    fn orphan(&mut self, object: &ObjectMeta) {
        self.report.orphans += 1;
        self.report.orphan_bytes += object.size;
        self.report.notes.push(format!("{}: {} bytes that nothing refers to", object.location, object.size));
    }

    /// The manifest of `version`, if it is one before the newest: no row depends on it. One after that was never
    /// committed.
    async fn numbered(
        &mut self,
        looking: &Looking<'_>,
        version: u64,
        object: &ObjectMeta,
    ) -> Result<Option<Manifest>> {
        let pointer = &looking.pointer;
        if version >= pointer.version {
            if version > pointer.version && version < pointer.next_number {
                self.orphan(object);
            }
            return Ok(None);
        }
        let path = &object.location;
        let bytes = match self.tiers.stores.blobs.get(path).await {
            Ok(found) => found.bytes().await?,
            // Collected since it was listed.
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        match manifest::decode(path.as_ref(), &bytes) {
            Ok((found, _)) if found.version == version => Ok(Some(found)),
            Ok((found, _)) => {
                self.report
                    .notes
                    .push(format!("{path}: is manifest {}; no row depends on it", found.version));
                Ok(None)
            }
            Err(e) => {
                self.report.notes.push(format!("{e}; no row depends on it"));
                Ok(None)
            }
        }
    }

    async fn copy(&mut self, dir: &Path, pointer: &Pointer) -> Result<()> {
        let blobs = self.tiers.stores.blobs.as_ref();
        if manifest_store::read_copy(blobs, dir, pointer).await?.is_none() {
            let copy = dir.clone().join(manifest_store::COPY);
            self.report
                .notes
                .push(format!("{copy}: is not the newest manifest; opening the scope for writing renews it"));
        }
        Ok(())
    }
}

/// The names that `manifest` refers to.
fn referred_to(manifest: Option<&Manifest>) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for batch in manifest.iter().flat_map(|m| &m.batches) {
        known.insert(batch.path.clone());
        known.insert(names::sums(batch.number));
        known.extend(batch.deletes.iter().map(|d| d.path.clone()));
    }
    known.extend(manifest.iter().filter_map(|m| m.noted.as_ref()).map(|noted| noted.file.clone()));
    known
}
