//! Rebuilding a lost key-value store from the blob store.
//!
//! Definitions come from `table-{version}.json`, cold rows from the newest valid manifest of each scope.
//! Every counter starts past all that was seen, so that no name and no `_seq` is given out twice.

mod definitions;
mod listing;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::catalog::{Catalog, TableDef, write_difference};
use crate::config::Config;
use crate::engine::open::{FORMAT, FORMAT_KEY, STORE_ID, read_store_file};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::store::{Pointer, move_pointer};
use crate::manifest::{self, Manifest};
use crate::storage::{Keyspace, Stores, WriteBatch};
use crate::txn::fence::EPOCH_KEY;
use crate::txn::seq::put_mark;
use crate::types::{Durability, SeqId};

/// How far past the highest `_seq` seen the sequence goes on: more than was ever reserved ahead.
const MARGIN_MS: i64 = 60_000;

/// What a recovery rebuilt, and what it could not.
#[derive(Debug, Clone, Default)]
pub struct RecoveryReport {
    /// Tables whose definitions were found.
    pub tables: Vec<String>,
    /// Scopes whose manifest was found.
    pub scopes: u64,
    /// Batch files they list.
    pub files: u64,
    /// Rows in them that are alive.
    pub rows: u64,
    /// What could not be used, or is not certain, a line each.
    pub problems: Vec<String>,
    /// What is as it should be but worth knowing, a line each.
    pub notes: Vec<String>,
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "rebuilt {} tables, {} scopes, {} batch files, {} rows",
            self.tables.len(),
            self.scopes,
            self.files,
            self.rows
        )?;
        writeln!(f, "rows that had not been flushed were in the lost key-value store and are gone")?;
        for problem in &self.problems {
            writeln!(f, "problem: {problem}")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}

/// Rebuilds the key-value store of `stores`, which must be empty.
pub async fn recover(stores: &Stores, config: &Config) -> Result<RecoveryReport> {
    if stores.kv.get(Keyspace::Meta, STORE_ID).await?.is_some() {
        return Err(Error::already_exists("the key-value store is there: nothing to recover"));
    }
    let file = read_store_file(stores.blobs.as_ref()).await?;
    let file =
        file.ok_or_else(|| Error::not_found("the blob store holds no store: store.json is missing"))?;
    let mut report = RecoveryReport::default();
    let mut batch = WriteBatch::new();
    batch.expect_absent(Keyspace::Meta, STORE_ID);
    let listed = listing::list(stores).await?;
    let mut tables = Vec::new();
    for found in listed.values() {
        tables.extend(definitions::read(stores, found, &mut report).await?);
    }
    definitions::settle_drops(&mut tables, &mut report)?;
    let mut highest = Highest::default();
    for table in tables.iter().filter(|t| !t.def.dropped) {
        report.tables.push(table.def.full_name().to_string());
        for (dir, found) in &table.found.scopes {
            match newest_manifest(stores, &table.def, &found.manifests, &mut report).await? {
                Some(manifest) => {
                    point_at(&mut batch, &table.def, &manifest, found.last_number, &mut highest)?;
                    count(&manifest, &mut report);
                }
                None => report.problems.push(format!("{dir}: no readable manifest, its files are left out")),
            }
        }
    }
    let to_write: BTreeSet<Path> = tables.iter().filter_map(definitions::ReadTable::path_to_write).collect();
    let last_id = listed.values().filter_map(|t| t.id).max().unwrap_or(0);
    let catalog =
        Catalog::from_parts(Vec::new(), tables.into_iter().map(|t| t.def), last_id.saturating_add(1))?;
    for (path, bytes) in write_difference(&Catalog::default(), &catalog, &mut batch)? {
        if to_write.contains(&path) {
            stores.blobs.put(&path, PutPayload::from_bytes(bytes)).await?;
        }
    }
    let now = stores.clock.now_ms().max(highest.seq.unix_ms());
    put_mark(&mut batch, SeqId::at(now + MARGIN_MS, config.node));
    batch.put(Keyspace::Meta, FORMAT_KEY, FORMAT.to_be_bytes().to_vec());
    batch.put(Keyspace::Meta, EPOCH_KEY, (highest.epoch + 1).to_be_bytes().to_vec());
    batch.put(Keyspace::Meta, STORE_ID, file.store_id.into_bytes());
    stores.kv.commit(batch, Durability::Strict).await?;
    Ok(report)
}

#[derive(Default)]
struct Highest {
    seq: SeqId,
    epoch: u64,
}

async fn newest_manifest(
    stores: &Stores,
    def: &TableDef,
    manifests: &BTreeMap<u64, Path>,
    report: &mut RecoveryReport,
) -> Result<Option<Manifest>> {
    for path in manifests.values().rev() {
        let bytes = stores.blobs.get(path).await?.bytes().await?;
        let manifest = manifest::decode(path.as_ref(), &bytes).and_then(|(m, _)| {
            m.scope()?;
            if m.table_id == def.id {
                Ok(m)
            } else {
                Err(Error::corrupt(format!("{path}: belongs to table {}, expected {}", m.table_id, def.id)))
            }
        });
        match manifest {
            Ok(manifest) => return Ok(Some(manifest)),
            Err(e) if e.kind() == ErrorKind::Corrupt => report.problems.push(e.to_string()),
            Err(e) => return Err(e),
        }
    }
    Ok(None)
}

fn point_at(
    batch: &mut WriteBatch,
    def: &TableDef,
    manifest: &Manifest,
    last_number: u64,
    highest: &mut Highest,
) -> Result<()> {
    let (_, checksum) = manifest::encode(manifest)?;
    let pointer = Pointer {
        version: manifest.version,
        checksum: Some(checksum),
        flushed_through: manifest.flushed_through,
        next_number: last_number.max(manifest.version) + 1,
        feed_floor: manifest.flushed_through,
    };
    move_pointer(batch, def.id, &manifest.scope()?, &Pointer::default(), &pointer)?;
    let seqs = manifest.batches.iter().map(|b| b.max_seq);
    highest.seq = seqs.chain([manifest.flushed_through, highest.seq]).max().unwrap_or_default();
    highest.epoch = highest.epoch.max(manifest.epoch);
    Ok(())
}

fn count(manifest: &Manifest, report: &mut RecoveryReport) {
    report.scopes += 1;
    for batch in manifest.live() {
        report.files += 1;
        report.rows += batch.live_rows();
    }
}
