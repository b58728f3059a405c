//! Which manifest of a scope a recovery takes, and where its counter goes on.
//!
//! A file that a manifest does not list is an attempt that was cut short; a manifest that cannot be read may
//! be the one that counts. Nothing is invented in its place: the pointer goes to it, and the scope is
//! damaged until the file is whole again, or until somebody chooses an older one.

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::catalog::TableDef;
use crate::cold::{DeletionVectors, names};
use crate::engine::recover::listing::FoundScope;
use crate::engine::recover::{RecoveryReport, from_files};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::store::{Pointer, manifest_path};
use crate::manifest::{self, Checksum, Manifest};
use crate::storage::Stores;
use crate::types::{Scope, SeqId, TableId};

/// What can be read of a scope.
#[derive(Debug)]
pub struct ReadScope {
    /// Its directory.
    pub dir: Path,
    /// The newest manifest that can be read.
    pub manifest: Option<Manifest>,
    /// The number of a newer one that was there, and cannot be read.
    pub lost: Option<u64>,
    /// Its checksum, as its file has it.
    checksum: Option<Checksum>,
    /// Why newer ones cannot be read.
    damaged: Vec<String>,
    /// Whether the manifest is not there as a numbered file, but comes from the copy.
    restored: bool,
    /// The note of a manifest that was made again, and its number as a file.
    pub note_file: Option<(u64, DeletionVectors)>,
    /// Past every number that has been given out.
    pub next_number: u64,
}

impl ReadScope {
    /// Reads the manifests in `dir`, newest first, up to one that is whole; the copy stands in for the newest.
    ///
    /// # Errors
    /// What the blob store reports; `Unsupported` for a manifest of another format.
    pub async fn read(
        stores: &Stores,
        table: TableId,
        dir: &Path,
        found: &FoundScope,
        report: &mut RecoveryReport,
    ) -> Result<Self> {
        let (newest, damaged) = newest_readable(stores, table, found).await?;
        let (mut newest, mut checksum) = newest.unzip();
        let seen = found.manifests.keys().next_back().copied().unwrap_or(0);
        let mut last = seen;
        let mut restored = false;
        match read_copy(stores, table, found).await? {
            Some(Ok(copy)) => {
                last = last.max(copy.version);
                restored = copy.version == last && newest.as_ref().is_none_or(|m| m.version < last);
                if restored {
                    report.notes.push(format!("{dir}: manifest {last} is restored from its copy"));
                    (newest, checksum) = (Some(copy), None);
                }
            }
            // A copy that is there tells that a flush was committed, whatever it says.
            Some(Err(_)) if seen == 0 => last = found.last_number.max(1),
            _ => {}
        }
        let lost = newest.as_ref().is_none_or(|m| m.version < last).then_some(last).filter(|l| *l > 0);
        let next_number = found.last_number.max(last).saturating_add(1);
        Ok(Self {
            dir: dir.clone(),
            manifest: newest,
            checksum,
            damaged,
            lost,
            restored,
            note_file: None,
            next_number,
        })
    }

    /// Takes `manifest`, made again from the files, and the file with its note.
    pub fn take(&mut self, manifest: Manifest, note: DeletionVectors) {
        self.next_number = self.next_number.max(manifest.version.saturating_add(1));
        self.note_file = Some((note.number, note));
        self.manifest = Some(manifest);
        self.checksum = None;
        self.restored = true;
        self.lost = None;
    }

    /// Says which manifests cannot be read: a problem, unless what was in them is there all the same.
    pub fn tell_damage(&mut self, report: &mut RecoveryReport) {
        let told = if self.lost.is_none() { &mut report.notes } else { &mut report.problems };
        told.append(&mut self.damaged);
    }

    /// Writes a manifest that only its copy held, or that was made again.
    ///
    /// # Errors
    /// What the blob store reports.
    pub async fn restore(&self, stores: &Stores) -> Result<()> {
        let Some(manifest) = self.manifest.as_ref().filter(|_| self.restored) else { return Ok(()) };
        if let Some((number, note)) = &self.note_file {
            let path = self.dir.clone().join(names::deletes(*number));
            stores.blobs.put(&path, PutPayload::from_bytes(note.encode()?)).await?;
        }
        let (bytes, _) = manifest::encode(manifest)?;
        let path = manifest_path(&self.dir, manifest.version);
        stores.blobs.put(&path, PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }

    /// Whose rows they are.
    ///
    /// # Errors
    /// `Corrupt` when no manifest tells, and the directory's name does not either.
    pub fn scope(&self) -> Result<Scope> {
        if let Some(manifest) = &self.manifest {
            return manifest.scope();
        }
        self.dir.filename().and_then(Scope::from_dir).ok_or_else(|| {
            Error::corrupt(format!(
                "{}: no manifest can be read, so whose rows these are is not known",
                self.dir
            ))
        })
    }

    /// What the key-value store is to say of the scope. With `older_manifests` a lost manifest is given up
    /// for the newest that can be read.
    ///
    /// # Errors
    /// `Internal` when a manifest that was read cannot be written.
    pub fn pointer(
        &self,
        def: &TableDef,
        older_manifests: bool,
        report: &mut RecoveryReport,
    ) -> Result<Pointer> {
        let dir = &self.dir;
        // Where all is told, what is not listed is of nobody.
        let is_told = self.lost.is_none() && self.manifest.is_some() && report.problems.is_empty();
        let left_out = if is_told { 0 } else { self.next_number };
        let counting = Pointer { next_number: self.next_number, left_out, ..Pointer::default() };
        if let Some(lost) = self.lost {
            let older = match &self.manifest {
                Some(manifest) => format!("manifest {}", manifest.version),
                None => "no rows at all".to_owned(),
            };
            if !older_manifests {
                report.problems.push(format!(
                    "{dir}: manifest {lost} is missing or damaged, and the scope of {} with it. Put the file \
                     back; or remove the key-value store and recover with --force, which goes back to {older}: \
                     rows deleted since are there again, rows flushed since are not",
                    def.full_name()
                ));
                return Ok(Pointer { version: lost, ..counting });
            }
            report.problems.push(format!(
                "{dir}: manifest {lost} is missing or damaged; the scope went back to {older}"
            ));
        }
        let Some(manifest) = &self.manifest else {
            if self.lost.is_none() {
                report.problems.push(format!(
                    "{dir}: the first flush was cut short, there is no manifest; its files are left out"
                ));
            }
            return Ok(counting);
        };
        let checksum = match self.checksum {
            Some(checksum) => checksum,
            None => manifest::encode(manifest)?.1,
        };
        Ok(Pointer {
            version: manifest.version,
            checksum: Some(checksum),
            flushed_through: manifest.flushed_through,
            feed_floor: manifest.flushed_through,
            noted: manifest.noted.clone(),
            ..counting
        })
    }

    /// The highest `_seq` that is known to be given out.
    #[must_use]
    pub fn last_seq(&self) -> SeqId {
        let seqs = self.manifest.iter().flat_map(|m| m.batches.iter().map(|b| b.max_seq));
        seqs.chain(self.manifest.iter().map(|m| m.flushed_through)).max().unwrap_or(SeqId::ZERO)
    }

    /// The highest column id in a file.
    #[must_use]
    pub fn last_column_id(&self) -> u32 {
        let batches = self.manifest.iter().flat_map(|m| &m.batches);
        batches.flat_map(|b| b.columns.keys()).map(|id| id.0).max().unwrap_or(0)
    }

    /// The schema version of the newest manifest.
    #[must_use]
    pub fn schema_version(&self) -> u32 {
        self.manifest.as_ref().map_or(0, |m| m.schema_version)
    }
}

/// The newest manifest that can be read, and why newer ones cannot.
async fn newest_readable(
    stores: &Stores,
    table: TableId,
    found: &FoundScope,
) -> Result<(Option<(Manifest, Checksum)>, Vec<String>)> {
    let mut damaged = Vec::new();
    for (number, path) in found.manifests.iter().rev() {
        let read = match read_manifest(stores, table, path).await {
            Ok((manifest, checksum)) => match numbered(manifest, *number, path) {
                Ok(manifest) => {
                    from_files::agrees(stores, path, &manifest).await.map(|()| (manifest, checksum))
                }
                Err(e) => Err(e),
            },
            Err(e) => Err(e),
        };
        match read {
            Ok(manifest) => return Ok((Some(manifest), damaged)),
            Err(e) if e.kind() == ErrorKind::Corrupt => damaged.push(e.to_string()),
            Err(e) => return Err(e),
        }
    }
    Ok((None, damaged))
}

/// The copy of the newest manifest, or why it is damaged; `None` without one.
async fn read_copy(stores: &Stores, table: TableId, found: &FoundScope) -> Result<Option<Result<Manifest>>> {
    let Some(path) = &found.copy else { return Ok(None) };
    match read_manifest(stores, table, path).await {
        Err(e) if e.kind() != ErrorKind::Corrupt => Err(e),
        copy => Ok(Some(copy.map(|(manifest, _)| manifest))),
    }
}

async fn read_manifest(stores: &Stores, table: TableId, path: &Path) -> Result<(Manifest, Checksum)> {
    let bytes = stores.blobs.get(path).await?.bytes().await?;
    let (manifest, checksum) = manifest::decode(path.as_ref(), &bytes)?;
    if manifest.table_id != table {
        return Err(Error::corrupt(format!(
            "{path}: belongs to table {}, expected {table}",
            manifest.table_id
        )));
    }
    Ok((manifest, checksum))
}

fn numbered(manifest: Manifest, number: u64, path: &Path) -> Result<Manifest> {
    if manifest.version == number {
        return Ok(manifest);
    }
    Err(Error::corrupt(format!("{path}: is manifest {}, expected {number}", manifest.version)))
}
