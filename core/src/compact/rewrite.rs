//! Writing the live rows of the claimed files as new batch files: P of a compaction, under no lock.

use std::sync::Arc;

use arrow::array::RecordBatch;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::cold::{BatchFileWriter, names};
use crate::compact::OnRows;
use crate::compact::claim::Claim;
use crate::compact::merge::Merge;
use crate::error::{Error, Result};
use crate::flush::write::{reserve_numbers, store_file};
use crate::hot::scope::ScopeState;
use crate::manifest::BatchEntry;
use crate::manifest::store as manifest_store;
use crate::pace::Pace;
use crate::tiers::Tiers;

/// New batch files that are being written. What awaits takes it as `&mut`: a file's writer cannot be shared by
/// threads.
pub struct Rewrite<'a> {
    tiers: &'a Tiers,
    scope: &'a Arc<ScopeState>,
    claim: &'a Claim,
    dir: Path,
    /// The number that was reserved with the claim, until it is used.
    number: Option<u64>,
    /// The file being made, and how many rows and bytes of rows are in it.
    writer: Option<(BatchFileWriter, usize, usize)>,
    /// The numbers of files that were begun.
    begun: Vec<u64>,
    /// What was written.
    pub entries: Vec<BatchEntry>,
}

impl<'a> Rewrite<'a> {
    /// Nothing written yet.
    #[must_use]
    pub fn new(tiers: &'a Tiers, scope: &'a Arc<ScopeState>, claim: &'a Claim) -> Self {
        let dir = scope.view().cold.dir.clone();
        let number = Some(claim.number);
        Self { tiers, scope, claim, dir, number, writer: None, begun: Vec::new(), entries: Vec::new() }
    }

    /// Writes the files, synced.
    ///
    /// # Errors
    /// `Cancelled` by `pace`, `Corrupt` when a file is damaged; what the stores report.
    pub async fn run(&mut self, pace: &Pace, progress: OnRows<'_>) -> Result<()> {
        let claim = self.claim;
        let live = |input: &crate::compact::claim::Input| input.file.entry().rows - input.dead.len();
        let total = claim.inputs.iter().map(live).sum();
        let mut done = 0;
        progress(done, total);
        let mut merge = Merge::new(&self.tiers.caches, &claim.schema, &claim.inputs).await?;
        while let Some((rows, sizes)) = merge.next().await? {
            pace.step().await?;
            let mut written = 0;
            while written < rows.num_rows() {
                let rest = rows.slice(written, rows.num_rows() - written);
                written += self.write_some(&rest, sizes.get(written..).unwrap_or_default()).await?;
            }
            done += rows.num_rows() as u64;
            progress(done, total);
        }
        self.end_file(false).await?;
        pace.step().await?;
        let written: u64 = self.entries.iter().map(|entry| entry.rows).sum();
        if written != total {
            return Err(Error::internal(format!("a compaction of {total} rows wrote {written}")));
        }
        Ok(())
    }

    /// Writes rows, whose bytes are `sizes`, up to the end of a file; how many.
    async fn write_some(&mut self, rows: &RecordBatch, sizes: &[usize]) -> Result<usize> {
        let (mut writer, before, mut bytes) = match self.writer.take() {
            Some(open) => open,
            None => (self.begin_file().await?, 0, 0),
        };
        let most = &self.tiers.config;
        let (mut taken, mut is_full) = (0, false);
        for size in sizes {
            taken += 1;
            bytes += size;
            is_full = before + taken >= most.batch_file.rows || bytes >= most.batch_file.bytes;
            if is_full {
                break;
            }
        }
        writer.write(&rows.slice(0, taken))?;
        self.writer = Some((writer, before + taken, bytes));
        if is_full {
            self.end_file(true).await?;
        }
        Ok(taken)
    }

    async fn begin_file(&mut self) -> Result<BatchFileWriter> {
        let number = match self.number.take() {
            Some(number) => number,
            None => {
                let publishing = self.scope.publish.lock().await;
                let cold = self.scope.view().cold;
                let pointer = reserve_numbers(self.tiers, self.scope, &cold, 1).await?;
                drop(publishing);
                pointer.next_number - 1
            }
        };
        self.begun.push(number);
        let claim = self.claim;
        let replaces = claim.numbers().into_iter().collect();
        // Which manifest will list it is not known yet; the claim's is the last one that does not.
        BatchFileWriter::new(&claim.schema, &self.scope.scope, number, claim.version, replaces)
    }

    async fn end_file(&mut self, full: bool) -> Result<()> {
        if let Some((writer, ..)) = self.writer.take() {
            let mut entry = store_file(self.tiers, &self.dir, writer.finish()?).await?;
            entry.full = full;
            self.entries.push(entry);
        }
        Ok(())
    }

    /// Removes what was written and is not committed, as far as possible: nothing refers to it. What says that it
    /// was goes first, so that no recovery believes it: the manifest of the version `listing` and the note that was
    /// to go with it, in the deletion vectors numbered before.
    pub async fn take_back(&mut self, listing: Option<u64>) {
        // Another engine's files of the same names are not ours to remove.
        if !self.tiers.fence.is_held().await.unwrap_or(false) {
            return;
        }
        let dir = &self.dir;
        let manifest = listing.map(|version| manifest_store::manifest_path(dir, version));
        let note = listing.map(|version| dir.clone().join(names::deletes(version - 1)));
        let files = self.begun.iter().flat_map(|number| [names::batch(*number), names::sums(*number)]);
        let files = files.map(|name| dir.clone().join(name));
        let manifest = manifest.into_iter().chain(note);
        for path in manifest.chain(files).collect::<Vec<Path>>() {
            match self.tiers.stores.blobs.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => self.tiers.caches.forget(&path),
                Err(error) => {
                    tracing::warn!(%error, %path, "a file that was not committed could not be removed");
                    return;
                }
            }
        }
    }
}
