//! Rebuilding a lost key-value store from the blob store.
//!
//! Definitions come from `table-{version}.json` and those of views, cold rows from the newest manifest of each scope, or,
//! where that is lost, from the notes that commits left in their files (`from_files.rs`); a scope of which not even those
//! tell for certain is damaged, and says so when it is read. Every counter starts past
//! all that was seen, so that no name, no id and no `_seq` is given out twice.

mod definitions;
mod from_files;
mod listing;
mod scopes;
mod users;
mod views;

use std::collections::BTreeSet;
use std::fmt;

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::catalog::{Catalog, write_difference};
use crate::config::Config;
use crate::engine::open::{FORMAT, FORMAT_KEY, STORE_ID, read_store_file};
use crate::engine::recover::definitions::ReadTable;
use crate::engine::recover::scopes::ReadScope;
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::manifest::store::{Pointer, move_pointer};
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
    /// Views whose definitions were found.
    pub views: Vec<String>,
    /// Users whose records were found, dropped ones too.
    pub users: u64,
    /// Scopes whose manifest is taken.
    pub scopes: u64,
    /// Batch files they list.
    pub files: u64,
    /// Rows in them that are alive.
    pub rows: u64,
    /// Scopes whose manifest was lost, and made again from their files.
    pub rebuilt: u64,
    /// What could not be used, or is not certain, a line each.
    pub problems: Vec<String>,
    /// What is as it should be but worth knowing, a line each.
    pub notes: Vec<String>,
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "rebuilt {} tables, {} views, {} users, {} scopes, {} batch files, {} rows",
            self.tables.len(),
            self.views.len(),
            self.users,
            self.scopes,
            self.files,
            self.rows
        )?;
        if self.rebuilt > 0 {
            writeln!(f, "manifests that were lost, and made again from the files: {}", self.rebuilt)?;
        }
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

/// Rebuilds the key-value store of `stores`, which must be empty. With `older_manifests`, a scope whose
/// newest manifest cannot be read goes back to the newest that can.
pub async fn recover(stores: &Stores, config: &Config, older_manifests: bool) -> Result<RecoveryReport> {
    config.validate()?;
    if config.writer.read_only {
        return Err(Error::invalid("a store that is only read (writer.read_only) cannot be recovered"));
    }
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
    for found in listed.tables.values() {
        tables.extend(definitions::read(stores, found, &mut report).await?);
    }
    definitions::settle_drops(&mut tables, &mut report)?;
    let mut highest = Highest::default();
    for table in tables.iter_mut().filter(|t| !t.def.dropped) {
        report.tables.push(table.def.full_name().to_string());
        if !table.def.kind.has_files() {
            report.notes.push(format!(
                "{}: rows of a STREAM table are never in files; it is empty",
                table.def.full_name()
            ));
        }
        let scopes = read_scopes(stores, table, older_manifests, &mut report).await?;
        table.go_past(&scopes, &mut report)?;
        for scope in &scopes {
            highest.include(scope);
            let pointer = scope.pointer(&table.def, older_manifests, &mut report)?;
            if let Some(manifest) = scope.manifest.as_ref().filter(|m| m.version == pointer.version) {
                count(manifest, &mut report);
            }
            scope.restore(stores).await?;
            match scope.scope() {
                Ok(name) => move_pointer(&mut batch, table.def.id, &name, &Pointer::default(), &pointer)?,
                // Without a pointer its user would find no rows, and nothing would say why.
                Err(e) if scope.lost.is_some() && !older_manifests => return Err(e),
                Err(e) => report.problems.push(e.to_string()),
            }
        }
    }
    let last_id = listed.tables.values().filter_map(|t| t.id).max().unwrap_or(0);
    let missing: BTreeSet<Path> = tables.iter().filter_map(ReadTable::path_to_write).collect();
    let definitions = tables.into_iter().map(|t| t.def);
    let catalog = Catalog::from_parts(Vec::new(), definitions, last_id.saturating_add(1))?;
    let catalog = views::add(stores, &listed.views, catalog, &mut report).await?;
    write_catalog(stores, &catalog, &missing, &mut batch).await?;
    users::add(stores, &listed.users, &mut batch, &mut report).await?;
    let now = stores.clock.now_ms().max(highest.seq.unix_ms());
    put_mark(&mut batch, SeqId::at(now + MARGIN_MS, config.writer.node));
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

impl Highest {
    fn include(&mut self, scope: &ReadScope) {
        self.seq = self.seq.max(scope.last_seq());
        self.epoch = self.epoch.max(scope.manifest.as_ref().map_or(0, |m| m.epoch));
    }
}

async fn read_scopes(
    stores: &Stores,
    table: &ReadTable<'_>,
    older_manifests: bool,
    report: &mut RecoveryReport,
) -> Result<Vec<ReadScope>> {
    let mut scopes = Vec::with_capacity(table.found.scopes.len());
    for (dir, found) in &table.found.scopes {
        let mut scope = ReadScope::read(stores, table.def.id, dir, found, report).await?;
        Box::pin(from_files::consult(&mut scope, stores, &table.def, found, older_manifests, report)).await?;
        scope.tell_damage(report);
        scopes.push(scope);
    }
    Ok(scopes)
}

/// Adds the definitions to `batch`, and writes the files of those that have none as they are.
async fn write_catalog(
    stores: &Stores,
    catalog: &Catalog,
    missing: &BTreeSet<Path>,
    batch: &mut WriteBatch,
) -> Result<()> {
    for (path, bytes) in write_difference(&Catalog::default(), catalog, batch)? {
        if missing.contains(&path) {
            stores.blobs.put(&path, PutPayload::from_bytes(bytes)).await?;
        }
    }
    Ok(())
}

fn count(manifest: &Manifest, report: &mut RecoveryReport) {
    report.scopes += 1;
    for batch in manifest.live() {
        report.files += 1;
        report.rows += batch.live_rows();
    }
}
