//! Rebuilding a lost key-value store from the blob store.
//!
//! Definitions come from `table-{version}.json`, cold rows from the newest valid manifest of each scope.
//! Every counter starts past all that was seen, so that no name and no `_seq` is given out twice.

use std::collections::BTreeMap;
use std::fmt;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::catalog::{Catalog, TableDef, decode_table, write_difference};
use crate::cold::FileName;
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
    /// What could not be used, a line each.
    pub problems: Vec<String>,
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
        Ok(())
    }
}

/// What the blob store's listing says of one table.
#[derive(Default)]
struct Found {
    /// Definition files by schema version.
    definitions: BTreeMap<u32, Path>,
    /// Manifests by number, and the highest number of any file, per scope directory.
    scopes: BTreeMap<Path, (BTreeMap<u64, Path>, u64)>,
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
    let mut tables = Vec::new();
    let mut highest = Highest::default();
    for found in list(stores).await?.into_values() {
        let Some(def) = newest_definition(stores, &found, &mut report).await? else { continue };
        if !def.dropped {
            report.tables.push(def.full_name().to_string());
            for (dir, (manifests, last_number)) in &found.scopes {
                let scope = newest_manifest(stores, &def, manifests, &mut report).await?;
                match scope {
                    Some(manifest) => {
                        point_at(&mut batch, &def, &manifest, *last_number, &mut highest)?;
                        count(&manifest, &mut report);
                    }
                    None => {
                        report.problems.push(format!("{dir}: no readable manifest, its files are left out"))
                    }
                }
            }
        }
        if def.dropped && !found.scopes.is_empty() {
            // The drop may not have been committed when the store was lost; its rows are not brought back
            // without anybody asking, and not passed over without a word.
            report.problems.push(format!(
                "{}: was being dropped, {} of its scopes still have files; they are left out",
                def.full_name(),
                found.scopes.len()
            ));
        }
        tables.push(def);
    }
    let catalog = Catalog::from_parts(Vec::new(), tables, 1)?;
    write_difference(&Catalog::default(), &catalog, &mut batch)?;
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

async fn list(stores: &Stores) -> Result<BTreeMap<Path, Found>> {
    let mut tables: BTreeMap<Path, Found> = BTreeMap::new();
    let mut listed = stores.blobs.list(None);
    while let Some(object) = listed.try_next().await? {
        let path = object.location;
        let parts: Vec<String> = path.parts().map(|p| p.as_ref().to_owned()).collect();
        match parts.as_slice() {
            [namespace, table, name] => {
                let version = name.strip_prefix("table-").and_then(|n| n.strip_suffix(".json"));
                if let Some(version) = version.and_then(|v| v.parse().ok()) {
                    let found =
                        tables.entry(Path::from_iter([namespace.as_str(), table.as_str()])).or_default();
                    found.definitions.insert(version, path);
                }
            }
            [namespace, table, scope, name] => {
                let found = tables.entry(Path::from_iter([namespace.as_str(), table.as_str()])).or_default();
                let dir = Path::from_iter([namespace.as_str(), table.as_str(), scope.as_str()]);
                let (manifests, last) = found.scopes.entry(dir).or_default();
                let Some(file) = FileName::parse(name) else { continue };
                if let Some(number) = file.number() {
                    *last = (*last).max(number);
                }
                if let FileName::Manifest(number) = file {
                    manifests.insert(number, path);
                }
            }
            _ => {}
        }
    }
    Ok(tables)
}

async fn newest_definition(
    stores: &Stores,
    found: &Found,
    report: &mut RecoveryReport,
) -> Result<Option<TableDef>> {
    for path in found.definitions.values().rev() {
        let bytes = stores.blobs.get(path).await?.bytes().await?;
        match decode_table(&bytes, path.as_ref()) {
            Ok(def) => return Ok(Some(def)),
            Err(e) => report.problems.push(e.to_string()),
        }
    }
    for dir in found.scopes.keys() {
        report.problems.push(format!("{dir}: belongs to a table without a readable definition"));
    }
    Ok(None)
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
