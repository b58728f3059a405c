//! Deletion vectors, and the note of the commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use object_store::ObjectStoreExt;
use roaring::RoaringBitmap;

use super::{Checking, Looking};
use crate::cold::rebuild::{newest_deletes, read_note};
use crate::cold::{DeletionVectors, names, notes};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{BatchEntry, Manifest};

/// The dead rows by batch number.
pub(super) type Dead = BTreeMap<u64, Arc<RoaringBitmap>>;

impl Checking<'_> {
    /// Every vector that the manifest refers to: as many dead rows as it says, none past the end of its file; and those
    /// before them, as far as they are there.
    pub(super) async fn vectors(&mut self, looking: &mut Looking<'_>, manifest: &Manifest) -> Result<Dead> {
        let marked = |b: &BatchEntry| b.deletes.as_ref().map(|d| d.path.clone());
        let names: BTreeSet<String> = manifest.live().filter_map(marked).collect();
        let mut dead = Dead::new();
        for name in names {
            let vectors = match self.load(looking, &name).await {
                Ok(vectors) => vectors,
                Err(e) => {
                    self.report.note_damage(e)?;
                    continue;
                }
            };
            self.report.verified.push(format!("{}/{name}: {} vectors", looking.dir, vectors.vectors.len()));
            for batch in manifest.live().filter(|b| marked(b).as_ref() == Some(&name)) {
                match vectors.dead_rows(batch) {
                    Ok(rows) => {
                        dead.insert(batch.number, Arc::new(rows));
                    }
                    Err(e) => self.report.note_damage(e)?,
                }
            }
        }
        self.predecessors(looking, manifest, &dead).await?;
        Ok(dead)
    }

    async fn load(&self, looking: &Looking<'_>, name: &str) -> Result<DeletionVectors> {
        let scope = looking.dir.filename().unwrap_or_default();
        let blobs = self.tiers.stores.blobs.as_ref();
        DeletionVectors::load(blobs, &looking.dir, name, looking.def.id, scope).await
    }

    /// A row that is dead in one file of vectors is dead in all later ones that speak of its batch file.
    async fn predecessors(
        &mut self,
        looking: &mut Looking<'_>,
        manifest: &Manifest,
        dead: &Dead,
    ) -> Result<()> {
        let mut next = newest_deletes(manifest);
        while let Some(number) = next {
            self.pace.step().await?;
            let name = names::deletes(number);
            looking.followed.insert(name.clone());
            let path = looking.dir.clone().join(name.clone());
            match self.tiers.stores.blobs.head(&path).await {
                Ok(_) => {}
                Err(object_store::Error::NotFound { .. }) => {
                    self.report.notes.push(format!(
                        "{path}: is not there, and a later file follows it; no row of the manifest depends on it"
                    ));
                    return Ok(());
                }
                Err(e) => return Err(e.into()),
            }
            let vectors = match self.load(looking, &name).await {
                Ok(vectors) => vectors,
                // One that the manifest refers to is a finding already.
                Err(e) if e.kind() == ErrorKind::Corrupt => {
                    if !self.report.findings.contains(&e.to_string()) {
                        self.report.note_damage(e)?;
                    }
                    return Ok(());
                }
                Err(e) => return Err(e),
            };
            for (batch, rows) in &vectors.vectors {
                if dead.get(batch).is_some_and(|dead| !rows.is_subset(dead)) {
                    self.report.findings.push(format!(
                        "{path}: has rows of batch {batch} as dead that are alive in a later file"
                    ));
                }
            }
            if vectors.previous.is_some_and(|previous| previous >= number) {
                self.report.findings.push(format!("{path}: follows {:?}", vectors.previous));
                return Ok(());
            }
            next = vectors.previous;
        }
        Ok(())
    }

    /// What the commit left in its files must say the same as its manifest.
    pub(super) async fn note(&mut self, looking: &Looking<'_>, manifest: &Manifest) -> Result<()> {
        let dir = &looking.dir;
        let Some(noted) = &manifest.noted else {
            let what =
                "no commit left a note: were this manifest lost, the files would not tell what was in it";
            self.report.notes.push(format!("{dir}: {what}"));
            return Ok(());
        };
        let path = dir.clone().join(noted.file.clone());
        let blobs = &self.tiers.stores.blobs;
        if let Err(object_store::Error::NotFound { .. }) = blobs.head(&path).await {
            self.report
                .notes
                .push(format!("{path}: the note of the commit is not there; the next commit leaves another"));
            return Ok(());
        }
        match read_note(blobs, dir, looking.def.id, &manifest.scope, noted).await {
            Ok(note) if note.live == notes::live(&manifest.batches) => Ok(()),
            Ok(_) => self.report.note_damage(Error::corrupt(format!(
                "{path}: the note of the commit lists other files than the manifest"
            ))),
            // Of a file that is damaged it is told once.
            Err(_) if self.report.findings.iter().any(|f| f.contains(path.as_ref())) => Ok(()),
            Err(e) => self.report.note_damage(e),
        }
    }
}
