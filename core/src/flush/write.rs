//! Writing what a flush has picked: P and M of the commit protocol.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use object_store::path::Path;
use roaring::RoaringBitmap;

use crate::catalog::TableDef;
use crate::cold::locate::Located;
use crate::cold::notes::{self, CommitNote};
use crate::cold::state::ColdState;
use crate::cold::{BatchFileWriter, DeletionVectors, FileSchema, WrittenFile, names};
use crate::error::{Error, ErrorKind, Result};
use crate::flush::FlushReport;
use crate::flush::select::Picked;
use crate::hot::scope::ScopeState;
use crate::manifest::store::{self as manifest_store, Doubt, Pointer, create_blob};
use crate::manifest::{BatchEntry, BatchStatus, DeletesRef, FORMAT, Manifest, Noted};
use crate::pace::{CancelToken, Pace};
use crate::storage::WriteBatch;
use crate::tiers::Tiers;
use crate::types::{Durability, Scope, SeqId, UserId};

/// Rows gathered at a time.
const WRITE_ROWS: usize = 8192;

/// What is to be written.
#[derive(Debug)]
pub struct Plan<'a> {
    def: &'a TableDef,
    scope: &'a ScopeState,
    before: &'a ColdState,
    picked: &'a Picked,
    /// Per batch file its dead rows after this flush, for files where that changes.
    dead: BTreeMap<u64, RoaringBitmap>,
    hidden: u64,
    through: SeqId,
}

/// What was written, and the cold state it leads to.
#[derive(Debug)]
pub struct Written {
    /// The state after the commit.
    pub cold: ColdState,
    /// The bytes of its manifest.
    pub manifest_bytes: Bytes,
    /// What the blob store calls them.
    pub manifest_tag: Option<String>,
    before: Pointer,
    files: Vec<String>,
    bytes: u64,
    hidden: u64,
}

/// Advances the scope's counter by `count` and syncs it, so that no name is ever used twice; the pointer
/// as it is then.
pub async fn reserve_numbers(
    tiers: &Tiers,
    scope: &ScopeState,
    cold: &ColdState,
    count: u64,
) -> Result<Pointer> {
    // Another flush may have reserved numbers and failed; the store knows.
    let now = manifest_store::read_pointer(tiers.stores.kv.as_ref(), scope.table, &scope.scope).await?;
    if now.version != cold.pointer.version {
        return Err(Error::unavailable("another writer has published a manifest of this scope"));
    }
    let reserved = Pointer { next_number: now.next_number + count, ..now.clone() };
    let mut batch = tiers.fenced_batch();
    manifest_store::move_pointer(&mut batch, scope.table, &scope.scope, &now, &reserved)?;
    tiers.commit(batch, Durability::Strict).await?;
    Ok(reserved)
}

impl<'a> Plan<'a> {
    /// The plan of a flush of `picked`, whose older cold rows are `located`.
    pub fn new(
        def: &'a TableDef,
        scope: &'a ScopeState,
        before: &'a ColdState,
        picked: &'a Picked,
        located: &Located,
        through: SeqId,
    ) -> Self {
        let mut dead: BTreeMap<u64, RoaringBitmap> = BTreeMap::new();
        let mut hidden = 0;
        for position in located.positions.iter().flatten() {
            let rows = dead.entry(position.batch).or_insert_with(|| {
                before.dead_in(position.batch).map(|d| d.as_ref().clone()).unwrap_or_default()
            });
            hidden += u64::from(rows.insert(position.row));
        }
        Self { def, scope, before, picked, dead, hidden, through }
    }

    fn file_rows(&self, tiers: &Tiers) -> usize {
        rows_per_file(tiers, self.picked.bytes().div_ceil(self.picked.live_rows().max(1)).max(1))
    }

    fn file_count(&self, tiers: &Tiers) -> u64 {
        self.picked.live_rows().div_ceil(self.file_rows(tiers)) as u64
    }

    /// How many numbers it takes: its batch files, a deletion vector, a manifest.
    pub fn numbers_needed(&self, tiers: &Tiers) -> u64 {
        self.file_count(tiers) + 2
    }

    /// Writes files, deletion vector and manifest under the numbers below `pointer.next_number`.
    pub async fn write(self, tiers: &Tiers, schema: &FileSchema, pointer: Pointer) -> Result<Written> {
        let version = pointer.next_number - 1;
        let deletes_number = version - 1;
        let first_file = pointer.next_number - self.numbers_needed(tiers);
        let mut batches = self.before.manifest.as_ref().map(|m| m.batches.clone()).unwrap_or_default();
        let mut dead = self.before.dead.clone();
        let mut files = Vec::new();
        let mut bytes = 0;

        let file_count = self.file_count(tiers);
        // The note of the commit goes into the last file that it writes.
        let noted_in_batch = self.dead.is_empty() && file_count > 0;
        for index in 0..file_count {
            let number = first_file + index;
            let note = (noted_in_batch && index + 1 == file_count)
                .then(|| self.note(tiers, version, &batches, Some(number)));
            let entry = self.write_file(tiers, schema, (number, index), version, note).await?;
            files.push(entry.path.clone());
            bytes += entry.bytes;
            batches.push(entry);
        }
        let mut noted = files.last().cloned();
        if !noted_in_batch {
            let path = names::deletes(deletes_number);
            mark_dead(&mut batches, &self.dead, &path)?;
            self.write_deletes(tiers, deletes_number, self.note(tiers, version, &batches, None)).await?;
            dead.extend(self.dead.iter().map(|(n, rows)| (*n, Arc::new(rows.clone()))));
            noted = Some(path);
        }
        let noted = noted.map(|file| Noted { version, file });
        let manifest = Manifest {
            noted: noted.clone(),
            ..next_manifest(tiers, self.def, self.scope, self.before, self.through, version, batches)
        };
        manifest.check().map_err(|e| Error::internal(format!("a flush made a bad manifest: {e}")))?;
        let created =
            manifest_store::create(tiers.stores.blobs.as_ref(), &self.before.dir, &manifest).await?;
        let after = Pointer {
            version,
            checksum: Some(created.checksum),
            flushed_through: self.through,
            noted,
            doubt: doubt(tiers, &pointer),
            ..pointer.clone()
        };
        let cold = ColdState::new(&tiers.stores.blobs, self.before.dir.clone(), after, Some(manifest), dead);
        Ok(Written {
            cold,
            manifest_bytes: created.bytes,
            manifest_tag: created.e_tag,
            before: pointer,
            files,
            bytes,
            hidden: self.hidden,
        })
    }

    async fn write_file(
        &self,
        tiers: &Tiers,
        schema: &FileSchema,
        (number, index): (u64, u64),
        version: u64,
        note: Option<CommitNote>,
    ) -> Result<BatchEntry> {
        let size = self.file_rows(tiers);
        let from = usize::try_from(index).unwrap_or(usize::MAX).saturating_mul(size);
        let end = from.saturating_add(size).min(self.picked.live_rows());
        let stores = &tiers.stores;
        let pace = Pace::new(CancelToken::new(), Arc::clone(&stores.clock), Arc::clone(&stores.pause));
        let mut writer = BatchFileWriter::new(schema, &self.scope.scope, number, version, Vec::new())?;
        for start in (from..end).step_by(WRITE_ROWS) {
            pace.step().await?;
            self.write_rows(&mut writer, schema, start, end.min(start + WRITE_ROWS))?;
        }
        if let Some(note) = note {
            writer.set_note(&note)?;
        }
        store_file(tiers, &self.before.dir, writer.finish()?).await
    }

    /// Writes the rows `from..to`; in halves where they pass what one array holds.
    fn write_rows(
        &self,
        writer: &mut BatchFileWriter,
        schema: &FileSchema,
        from: usize,
        to: usize,
    ) -> Result<()> {
        match self.picked.live(from, to) {
            Ok(rows) => writer.write(&file_rows(&rows, schema)?),
            Err(e) if e.kind() == ErrorKind::LimitExceeded && to - from > 1 => {
                let middle = from + (to - from) / 2;
                self.write_rows(writer, schema, from, middle)?;
                self.write_rows(writer, schema, middle, to)
            }
            Err(e) => Err(e),
        }
    }

    /// The note of this flush, whose files are `batches` and the one with the number `coming`.
    fn note(&self, tiers: &Tiers, version: u64, batches: &[BatchEntry], coming: Option<u64>) -> CommitNote {
        let mut live = notes::live(batches);
        live.extend(coming.map(|number| (number, None)));
        CommitNote {
            version,
            epoch: tiers.fence.epoch(),
            flushed_through: self.through,
            schema_version: self.def.schema_version,
            user: user_of(&self.scope.scope),
            live,
        }
    }

    async fn write_deletes(&self, tiers: &Tiers, number: u64, note: CommitNote) -> Result<()> {
        let file = DeletionVectors {
            table: self.def.id,
            scope: self.scope.scope.dir(),
            number,
            previous: self.before.newest_deletes(),
            vectors: self.dead.clone(),
            note: Some(note),
        };
        let path = self.before.dir.clone().join(names::deletes(number));
        create_blob(tiers.stores.blobs.as_ref(), &path, file.encode()?).await?;
        Ok(())
    }
}

impl Written {
    /// Adds the move of the pointer to `batch`.
    pub fn move_pointer(&self, batch: &mut WriteBatch, scope: &ScopeState) -> Result<()> {
        manifest_store::move_pointer(batch, scope.table, &scope.scope, &self.before, &self.cold.pointer)
    }

    /// What was done.
    pub fn report(&self, def: &TableDef, scope: &ScopeState, picked: &Picked) -> FlushReport {
        FlushReport {
            table: format!("{}.{}", def.namespace, def.name),
            scope: scope.scope.dir(),
            rows: picked.live_rows() as u64,
            tombstones: picked.tombstones.num_rows() as u64,
            hidden: self.hidden,
            files: self.files.clone(),
            bytes: self.bytes,
        }
    }
}

/// Rows of a batch file: as configured, or fewer when rows are large, since a file is made in memory.
fn rows_per_file(tiers: &Tiers, row_bytes: usize) -> usize {
    tiers.config.batch_file.rows.min((tiers.config.batch_file.bytes / row_bytes.max(1)).max(1))
}

/// Writes a batch file and its checksums into `dir`, synced.
///
/// # Errors
/// What the blob store reports.
pub async fn store_file(tiers: &Tiers, dir: &Path, file: WrittenFile) -> Result<BatchEntry> {
    let blobs = tiers.stores.blobs.as_ref();
    let number = file.entry.number;
    // In this order a batch file that is there can be verified, whatever was cut short.
    create_blob(blobs, &dir.clone().join(names::sums(number)), file.sums).await?;
    create_blob(blobs, &dir.clone().join(names::batch(number)), file.parquet).await?;
    Ok(file.entry)
}

/// The manifest of `version` that follows that of `before`, and lists `batches`.
#[must_use]
pub fn next_manifest(
    tiers: &Tiers,
    def: &TableDef,
    scope: &ScopeState,
    before: &ColdState,
    through: SeqId,
    version: u64,
    mut batches: Vec<BatchEntry>,
) -> Manifest {
    let time = DateTime::<Utc>::from_timestamp_micros(tiers.stores.clock.now_micros()).unwrap_or_default();
    let before = before.manifest.as_ref();
    for entry in batches.iter_mut().filter(|entry| !entry.status.is_live()) {
        entry.archived_at_ms.get_or_insert(tiers.stores.clock.now_ms());
    }
    Manifest {
        format: FORMAT,
        namespace: def.namespace.clone(),
        table: def.name.clone(),
        table_id: def.id,
        scope: scope.scope.dir(),
        user: user_of(&scope.scope),
        version,
        previous: before.map(|m| m.version),
        epoch: tiers.fence.epoch(),
        generated_at: time.to_rfc3339_opts(SecondsFormat::Millis, true),
        max_batch: batches.iter().map(|b| b.number).chain(before.map(|m| m.max_batch)).max().unwrap_or(0),
        flushed_through: through,
        schema_version: def.schema_version,
        rebuilt: None,
        noted: before.and_then(|m| m.noted.clone()),
        last_deletes: before.and_then(|m| m.last_deletes),
        batches,
    }
}

fn user_of(scope: &Scope) -> Option<UserId> {
    match scope {
        Scope::User(id) => Some(id.clone()),
        Scope::Shared => None,
    }
}

/// Points the entries of the files in `dead` at the deletion vectors in `path`; a file with no row left
/// is no longer read.
fn mark_dead(batches: &mut [BatchEntry], dead: &BTreeMap<u64, RoaringBitmap>, path: &str) -> Result<()> {
    for (number, rows) in dead {
        let entry = batches.iter_mut().find(|b| b.number == *number);
        let entry =
            entry.ok_or_else(|| Error::internal(format!("batch {number} has dead rows and no entry")))?;
        if rows.len() > entry.rows {
            return Err(Error::internal(format!("batch {number} has more dead rows than rows")));
        }
        entry.deletes = Some(DeletesRef { path: path.to_owned(), count: rows.len() });
        if rows.len() == entry.rows {
            entry.status = BatchStatus::Archived;
        }
    }
    Ok(())
}

/// What a pointer after `before` goes back to where names cannot be synced: the last state beyond doubt.
#[must_use]
pub fn doubt(tiers: &Tiers, before: &Pointer) -> Option<Doubt> {
    if tiers.stores.names_are_synced {
        return None;
    }
    let (epoch, since_ms) = (tiers.fence.epoch(), tiers.stores.clock.now_ms());
    Some(match &before.doubt {
        Some(doubt) => Doubt { epoch, since_ms, ..doubt.clone() },
        None => Doubt {
            epoch,
            since_ms,
            version: before.version,
            checksum: before.checksum,
            flushed_through: before.flushed_through,
            noted: before.noted.clone(),
        },
    })
}

/// Row versions without their flag: cold rows are live.
pub fn file_rows(rows: &RecordBatch, schema: &FileSchema) -> Result<RecordBatch> {
    let mut columns = rows.columns().to_vec();
    if columns.len() > 1 {
        columns.remove(1);
    }
    Ok(RecordBatch::try_new(schema.arrow(), columns)?)
}
