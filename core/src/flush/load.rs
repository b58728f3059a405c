//! Committing rows as batch files: what does not fit one batch of the key-value store.
//!
//! The order is that of a flush, **P** files → **M** manifest → **C** commit → **E** copy, but the rows were never
//! hot: C makes them visible, and a crash before it leaves files that nothing refers to. All of it happens under
//! the lock of commits, because a `_seq` is given out in the order of commits and is in the files.
//!
//! **Invariant**: such a file is above every snapshot that was alive when it was committed, so a reader leaves out
//! the files whose lowest `_seq` is above its snapshot; a flush never makes one that a reader must leave out.
//!
//! **Invariant**: no key of such a file had a hot version at its commit. Hot versions hide cold rows, so the row of a
//! key whose tombstone is hot becomes hot too, in the same commit.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::filter_record_batch;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::access::audit::{self, Draft};
use crate::catalog::TableDef;
use crate::cold::locate::locate;
use crate::cold::rebuild::note_file;
use crate::cold::state::ColdState;
use crate::cold::{BatchFileWriter, FileSchema, names};
use crate::dml::duplicate;
use crate::error::{Error, ErrorKind, Result};
use crate::flush::mend::mend;
use crate::flush::runs::{Runs, key_columns};
use crate::flush::sizes::row_sizes;
use crate::flush::write::{file_rows, next_manifest, reserve_numbers, store_file};
use crate::hot::block;
use crate::hot::scope::ScopeState;
use crate::manifest::store::{self as manifest_store, Created, Pointer};
use crate::manifest::{BatchEntry, Manifest, Noted};
use crate::pace::Pace;
use crate::storage::Keyspace;
use crate::storage::keys::seq_key;
use crate::tiers::Tiers;
use crate::txn::commit::{check_owner, check_unaltered};
use crate::txn::writes::with_column;
use crate::types::{Durability, SeqId};

/// Commits the rows of `runs` as new rows of `scope`, and the audit entries of `acts`, which tell of them: all, or
/// none.
///
/// On return they are in synced files that a synced commit refers to, and every later snapshot includes them.
///
/// # Errors
/// `Constraint` when a key is there already or comes twice, `Conflict` when the table was altered: nothing is
/// applied. `LimitExceeded` when too many rows have keys whose tombstones are hot. `Unavailable` when a store failed; whether the commit is there is unknown only if that itself failed.
pub async fn load_runs(
    tiers: &Tiers,
    def: &Arc<TableDef>,
    scope: &Arc<ScopeState>,
    runs: &Runs,
    pace: &Pace,
    acts: &[Draft],
) -> Result<()> {
    tiers.check_writable()?;
    if !def.kind.has_files() {
        return Err(Error::internal(format!("{} cannot have files", def.full_name())));
    }
    // First, for whoever has it may have it for long, and commits of every table wait for the other.
    let publishing = scope.publish.lock().await;
    Box::pin(mend(tiers, def, scope, pace)).await?;
    let order = tiers.commit_order.lock().await;
    check_unaltered(&tiers.catalog(), def)?;
    check_owner(tiers, &scope.scope)?;
    let before = scope.view().cold;
    // A file ends with the row that fills it, by rows or by bytes.
    let most = &tiers.config;
    let files = runs.rows() / most.batch_file.rows.max(1) + runs.bytes() / most.batch_file.bytes.max(1) + 1;
    let files = files as u64;
    let pointer = reserve_numbers(tiers, scope, &before, files + 2).await?;
    let version = pointer.next_number - 1;
    let mut load = Load {
        tiers,
        def,
        scope,
        before: &before,
        schema: def.file_schema()?,
        version,
        // One number before the manifest's is that of the note.
        next_file: version - 1 - files,
        writer: None,
        entries: Vec::new(),
        hot: Vec::new(),
        seqs: None,
    };
    let prepared = match load.write(runs, pace).await {
        Ok(()) => load.manifest(&pointer).await,
        Err(e) => Err(e),
    };
    let (cold, manifest) = match prepared {
        Ok(prepared) => prepared,
        Err(e) => {
            load.take_back().await;
            return Err(e);
        }
    };
    if let Err(e) = load.commit(&pointer, &cold, acts).await {
        // After any other failure the commit may be there, and refer to the files.
        if e.kind() == ErrorKind::LimitExceeded {
            load.take_back().await;
        }
        return Err(e);
    }
    let (last, hot) = (load.last(), std::mem::take(&mut load.hot));
    let cold = Arc::new(cold);
    show(def, scope, hot, Arc::clone(&cold)).map_err(|e| {
        tiers.fail();
        Error::unavailable("the rows are committed, but cannot be shown; close the store and open it again")
            .with_source(e)
    })?;
    tiers.snapshots.publish(last);
    let written = std::iter::once((def.id, &scope.scope));
    tiers.feed.committed(&tiers.snapshots, tiers.stores.clock.now_ms(), written);
    drop(order);
    tiers.manifest_published(def, scope, &cold, &manifest.bytes, manifest.e_tag).await;
    if let Some(manifest) = &cold.manifest {
        try_note(tiers, &cold.dir, &before, manifest).await;
    }
    drop(publishing);
    Ok(())
}

/// Puts what is committed into memory; no snapshot includes it yet.
fn show(def: &TableDef, scope: &ScopeState, hot: Vec<RecordBatch>, cold: Arc<ColdState>) -> Result<()> {
    for rows in hot {
        scope.append(rows, def.schema_version, def.row_key_columns(def.schema_version)?)?;
    }
    scope.publish_cold(cold)
}

/// Writes the note of a load. A reader may see its rows only from the commit on, so the note follows that. Nobody
/// needs it before the manifest is lost, and the next commit writes another: a failure is only logged.
async fn try_note(tiers: &Tiers, dir: &Path, before: &ColdState, manifest: &Manifest) {
    let number = manifest.version - 1;
    let file = note_file(manifest, number, before.newest_deletes());
    let path = dir.clone().join(names::deletes(number));
    let written = match file.encode() {
        Ok(bytes) => manifest_store::create_blob(tiers.stores.blobs.as_ref(), &path, bytes).await,
        Err(e) => Err(e),
    };
    if let Err(error) = written {
        tracing::warn!(%error, %path, "the note of a load could not be written");
    }
}

/// A load that is being written. What awaits takes it as `&mut`: a file's writer cannot be shared by threads.
struct Load<'a> {
    tiers: &'a Tiers,
    def: &'a TableDef,
    scope: &'a ScopeState,
    before: &'a ColdState,
    schema: FileSchema,
    /// The manifest's number.
    version: u64,
    next_file: u64,
    /// The file being made, and how many rows and bytes of rows are in it.
    writer: Option<(BatchFileWriter, usize, usize)>,
    entries: Vec<BatchEntry>,
    /// Rows whose key has a hot tombstone: all of them until the commit, so they may not be many.
    hot: Vec<RecordBatch>,
    /// The first and the last number given out.
    seqs: Option<(SeqId, SeqId)>,
}

impl Load<'_> {
    /// P: the batch files.
    async fn write(&mut self, runs: &Runs, pace: &Pace) -> Result<()> {
        let mut hot_bytes = 0;
        let mut merged = runs.merged(self.tiers).await?;
        while let Some(rows) = merged.next().await? {
            pace.step().await?;
            let (rows, hot) = self.new_rows(runs, rows).await?;
            if let Some(hot) = hot {
                hot_bytes += row_sizes(&hot).iter().sum::<usize>();
                self.check_hot(hot_bytes)?;
                let hot = self.stamped(hot).await?;
                self.hot.push(hot);
            }
            let rows = self.stamped(rows).await?;
            let sizes = row_sizes(&rows);
            let mut written = 0;
            while written < rows.num_rows() {
                let rest = rows.slice(written, rows.num_rows() - written);
                written += self.write_some(&rest, sizes.get(written..).unwrap_or_default()).await?;
            }
        }
        self.end_file().await
    }

    /// Refuses more rows of deleted keys than go into one commit of the key-value store.
    fn check_hot(&self, bytes: usize) -> Result<()> {
        let most = self.tiers.config.load.bytes;
        if bytes <= most {
            return Ok(());
        }
        let message = format!(
            "more than {most} bytes of the rows (load.bytes) have keys of rows that were deleted and are not flushed yet"
        );
        Err(Error::limit(message).with_hint(
            "STORAGE FLUSH TABLE first; it goes no further than the oldest transaction or stream, so end those",
        ))
    }

    /// The rows, all of whose keys must be new; apart from them those whose key has a hot tombstone.
    async fn new_rows(
        &mut self,
        runs: &Runs,
        rows: RecordBatch,
    ) -> Result<(RecordBatch, Option<RecordBatch>)> {
        let keys = runs.keys(&rows)?;
        // Nothing commits while this is done: what is there is what the rows meet.
        let (versions, _) = self.scope.look_up(keys.iter().map(|k| k.data()), SeqId::MAX);
        if let Some(row) = versions.iter().position(|v| v.as_ref().is_some_and(|v| !v.is_deleted())) {
            return Err(duplicate(self.def, &key_columns(self.def, &rows), row));
        }
        let mask: BooleanArray = versions.iter().map(|version| Some(version.is_none())).collect();
        let (cold, hot) = if mask.true_count() == rows.num_rows() {
            (rows, None)
        } else {
            let tombstones: BooleanArray = versions.iter().map(|version| Some(version.is_some())).collect();
            (filter_record_batch(&rows, &mask)?, Some(filter_record_batch(&rows, &tombstones)?))
        };
        let columns = key_columns(self.def, &cold);
        let located = locate(&self.tiers.caches, &self.schema, self.before, &columns).await?;
        match located.positions.iter().position(Option::is_some) {
            Some(row) => Err(duplicate(self.def, &columns, row)),
            None => Ok((cold, hot)),
        }
    }

    /// The rows with the next `_seq` numbers.
    async fn stamped(&mut self, rows: RecordBatch) -> Result<RecordBatch> {
        let seqs = self.tiers.seqs.allocate(rows.num_rows()).await?;
        if let (Some(first), Some(last)) = (seqs.first().copied(), seqs.last().copied()) {
            self.seqs = Some((self.seqs.map_or(first, |(first, _)| first), last));
        }
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(seqs.iter().map(|s| s.as_i64())));
        with_column(&rows, 0, column)
    }

    /// Writes rows, whose bytes are `sizes`, up to the end of a file; how many.
    async fn write_some(&mut self, rows: &RecordBatch, sizes: &[usize]) -> Result<usize> {
        let (mut writer, before, mut bytes) = match self.writer.take() {
            Some(open) => open,
            None => {
                let number = self.next_file;
                self.next_file += 1;
                let scope = &self.scope.scope;
                (BatchFileWriter::new(&self.schema, scope, number, self.version, Vec::new())?, 0, 0)
            }
        };
        let most = &self.tiers.config;
        let mut taken = 0;
        let mut is_full = false;
        for size in sizes {
            taken += 1;
            bytes += size;
            is_full = before + taken >= most.batch_file.rows || bytes >= most.batch_file.bytes;
            if is_full {
                break;
            }
        }
        writer.write(&file_rows(&rows.slice(0, taken), &self.schema)?)?;
        self.writer = Some((writer, before + taken, bytes));
        if is_full {
            self.end_file().await?;
        }
        Ok(taken)
    }

    async fn end_file(&mut self) -> Result<()> {
        if let Some((writer, ..)) = self.writer.take() {
            let file = writer.finish()?;
            self.entries.push(file.entry.clone());
            store_file(self.tiers, &self.before.dir, file).await?;
        }
        Ok(())
    }

    /// M: the manifest, and the cold state that it describes.
    async fn manifest(&mut self, pointer: &Pointer) -> Result<(ColdState, Created)> {
        let before = self.before;
        let mut batches = before.manifest.as_ref().map(|m| m.batches.clone()).unwrap_or_default();
        batches.extend(self.entries.iter().cloned());
        let through = pointer.flushed_through;
        let noted = Noted { version: self.version, file: names::deletes(self.version - 1) };
        let manifest = Manifest {
            noted: Some(noted.clone()),
            ..next_manifest(self.tiers, self.def, self.scope, before, through, self.version, batches)
        };
        manifest.check().map_err(|e| Error::internal(format!("a load made a bad manifest: {e}")))?;
        let blobs = self.tiers.stores.blobs.as_ref();
        let created = manifest_store::create(blobs, &before.dir, &manifest).await?;
        let after = Pointer {
            version: self.version,
            checksum: Some(created.checksum),
            noted: Some(noted),
            ..pointer.clone()
        };
        let dir = before.dir.clone();
        let cold = ColdState::new(&self.tiers.stores.blobs, dir, after, Some(manifest), before.dead.clone());
        Ok((cold, created))
    }

    /// C: the pointer moves, and hot rows come with it.
    async fn commit(&mut self, pointer: &Pointer, cold: &ColdState, acts: &[Draft]) -> Result<()> {
        let mut batch = self.tiers.fenced_batch();
        manifest_store::move_pointer(&mut batch, self.def.id, &self.scope.scope, pointer, &cold.pointer)?;
        for rows in &self.hot {
            let seqs = rows.columns().first().and_then(|c| c.as_any().downcast_ref::<Int64Array>());
            let first = seqs.filter(|s| !s.is_empty()).map(|s| SeqId::from_i64(s.value(0)));
            let first = first.ok_or_else(|| Error::internal("rows without _seq"))?;
            let key = seq_key(self.def.id, &self.scope.scope, first);
            batch.put(Keyspace::Hot, key, block::encode(self.def.schema_version, rows)?);
        }
        let log = audit::write(self.tiers, &mut batch, acts, |_| self.seqs)?;
        self.tiers.commit(batch, Durability::Strict).await?;
        log.committed(self.tiers);
        Ok(())
    }

    fn last(&self) -> SeqId {
        self.seqs.map_or(SeqId::ZERO, |(_, last)| last)
    }

    /// Removes the files of a load that is not committed, as far as possible: nothing refers to them.
    async fn take_back(&mut self) {
        // Another engine's files of the same names are not ours to remove.
        if !self.tiers.fence.is_held().await.unwrap_or(false) {
            return;
        }
        let dir = &self.before.dir;
        let files = self.entries.iter().flat_map(|e| [names::batch(e.number), names::sums(e.number)]);
        let files = files.map(|name| dir.clone().join(name));
        let all = files.chain([manifest_store::manifest_path(dir, self.version)]);
        for path in all.collect::<Vec<Path>>() {
            {
                match self.tiers.stores.blobs.delete(&path).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => self.tiers.caches.forget(&path),
                    Err(error) => {
                        tracing::warn!(%error, %path, "a file that was not committed could not be removed");
                    }
                }
            }
        }
    }
}
