//! A scope whose manifest is lost: what its copy or its files tell instead, until it is made again.

use object_store::path::Path;

use super::Tiers;
use crate::catalog::TableDef;
use crate::cold::rebuild::{read_note, rebuild};
use crate::cold::state::{ColdState, LostManifest};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Manifest;
use crate::manifest::store::{self as manifest_store, Pointer};
use crate::pace::Pace;
use crate::types::Scope;

impl Tiers {
    /// The cold tier of `scope` as its pointer says, although loading it failed by `why`: if that is for the manifest,
    /// from the copy, or else from the files that the note of the committed state lists. Nothing is written.
    ///
    /// # Errors
    /// `why`, where the manifest is not what is damaged, or where nothing else tells for certain what was in it.
    pub(super) async fn without_manifest(
        &self,
        def: &TableDef,
        scope: &Scope,
        why: Error,
    ) -> Result<ColdState> {
        let pointer = manifest_store::read_pointer(self.stores.kv.as_ref(), def.id, scope).await?;
        let dir = ColdState::dir(def, scope);
        if pointer.doubt.is_some() || pointer.version == 0 {
            return Err(why);
        }
        let blobs = self.stores.blobs.as_ref();
        match manifest_store::read(blobs, &dir, &pointer).await {
            Ok(read) if read.manifest.table_id == def.id && read.manifest.scope()? == *scope => {
                return Err(why);
            }
            Err(e) if e.kind() != ErrorKind::Corrupt => return Err(e),
            _ => {}
        }
        if let Some(copy) = manifest_store::read_copy(blobs, &dir, &pointer).await? {
            let mut cold = ColdState::of_manifest(&self.stores, def, scope, pointer, copy).await?;
            cold.lost = Some(LostManifest { why: why.to_string(), ranges_known: true });
            return Ok(cold);
        }
        match self.noted_state(def, &dir, &pointer).await {
            Ok(mut cold) => {
                tracing::warn!(table = %def.full_name(), %scope, error = %why, "a manifest is read from the files");
                cold.lost = Some(LostManifest { why: why.to_string(), ranges_known: false });
                Ok(cold)
            }
            Err(e) if e.kind() == ErrorKind::Corrupt => {
                Err(Error::corrupt(format!("{why}; nor do the files tell what was in it: {e}"))
                    .with_source(why))
            }
            Err(e) => Err(e),
        }
    }

    /// The state whose note `pointer` leads to.
    async fn noted_state(&self, def: &TableDef, dir: &Path, pointer: &Pointer) -> Result<ColdState> {
        let noted = pointer.noted.as_ref().ok_or_else(|| {
            Error::corrupt(format!("{dir}: the commit of manifest {} left no note", pointer.version))
        })?;
        let blobs = &self.stores.blobs;
        let name = dir.filename().unwrap_or_default();
        let note = read_note(blobs, dir, def.id, name, noted).await?;
        if note.flushed_through != pointer.flushed_through {
            return Err(Error::corrupt(format!(
                "{dir}/{}: the note is of a flush through {}, but {} was committed",
                noted.file, note.flushed_through, pointer.flushed_through
            )));
        }
        let made = rebuild(blobs, def, dir, &note, &noted.file, &Pace::of_background(&self.stores)).await?;
        let previous = Some(note.version).filter(|version| *version < pointer.version);
        let manifest = Manifest { version: pointer.version, previous, ..made.manifest };
        Ok(ColdState::new(blobs, dir.clone(), pointer.clone(), Some(manifest), made.dead))
    }
}
