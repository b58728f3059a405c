//! Reading everything at rest and verifying it.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::catalog::TableDef;
use crate::cold::names;
use crate::cold::state::ColdState;
use crate::error::{ErrorKind, Result};
use crate::hot::block::Block;
use crate::manifest::store as manifest_store;
use crate::storage::keys::scope_key;
use crate::storage::{KeyRange, Keyspace};
use crate::tiers::Tiers;
use crate::types::Scope;

/// How many blocks are read at a time.
const PAGE: usize = 64;

/// What a check looked at and found.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// Damage, a line each, naming the file or key.
    pub findings: Vec<String>,
    /// What is not wrong but worth knowing, such as files that nothing refers to.
    pub notes: Vec<String>,
    /// Scopes looked at.
    pub scopes: u64,
    /// Files read whole.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Hot blocks read.
    pub blocks: u64,
}

impl CheckReport {
    /// Whether nothing is damaged.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Verifies `tables`: every block, manifest, deletion vector and batch file.
pub async fn check(tiers: &Tiers, tables: &[Arc<TableDef>]) -> Result<CheckReport> {
    let mut report = CheckReport::default();
    for def in tables {
        for scope in tiers.scopes_of(def.id).await? {
            report.scopes += 1;
            check_blocks(tiers, def, &scope, &mut report).await?;
            match ColdState::load(&tiers.stores, def, &scope, false).await {
                Ok(cold) => check_files(tiers, &cold, &mut report).await?,
                Err(e) => note_damage(e, &mut report)?,
            }
        }
    }
    Ok(report)
}

/// Damage becomes a finding; what prevents looking ends the check.
fn note_damage(e: crate::error::Error, report: &mut CheckReport) -> Result<()> {
    match e.kind() {
        ErrorKind::Corrupt | ErrorKind::Unsupported => {
            report.findings.push(e.to_string());
            Ok(())
        }
        _ => Err(e),
    }
}

async fn check_blocks(tiers: &Tiers, def: &TableDef, scope: &Scope, report: &mut CheckReport) -> Result<()> {
    let mut range = KeyRange::prefix(scope_key(def.id, scope));
    loop {
        let page = tiers.stores.kv.page(Keyspace::Hot, range.clone(), PAGE).await?;
        for (key, value) in &page {
            report.blocks += 1;
            let name = format!("{} {scope} {key:02x?}", def.full_name());
            let decoded = Block::parse(value.clone(), &name)
                .and_then(|block| block.decode(def.row_schema_at(block.schema_version)?));
            if let Err(e) = decoded {
                note_damage(e, report)?;
            }
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE => range = range.after(last.clone()),
            _ => return Ok(()),
        }
    }
}

async fn check_files(tiers: &Tiers, cold: &ColdState, report: &mut CheckReport) -> Result<()> {
    for file in &cold.files {
        report.files += 1;
        report.bytes += file.entry().bytes;
        if let Err(e) = file.verify().await {
            note_damage(e, report)?;
        }
    }
    check_names(tiers, cold, report).await
}

/// Names files that nothing refers to, and a copy of the manifest that is not the newest.
async fn check_names(tiers: &Tiers, cold: &ColdState, report: &mut CheckReport) -> Result<()> {
    let Some(manifest) = &cold.manifest else { return Ok(()) };
    let blobs = tiers.stores.blobs.as_ref();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for batch in &manifest.batches {
        known.insert(batch.path.clone());
        known.insert(names::sums(batch.number));
        known.extend(batch.deletes.iter().map(|d| d.path.clone()));
    }
    let listed: Vec<Path> = blobs.list(Some(&cold.dir)).map_ok(|o| o.location).try_collect().await?;
    for path in listed {
        let Some(name) = path.filename() else { continue };
        if !name.starts_with("manifest") && !known.contains(name) {
            report.notes.push(format!("{path}: nothing refers to it any more"));
        }
    }
    let copy = cold.dir.clone().join(manifest_store::COPY);
    let newest = manifest_store::read(blobs, &cold.dir, &cold.pointer).await?.bytes;
    let same = match blobs.get(&copy).await {
        Ok(found) => found.bytes().await? == newest,
        Err(object_store::Error::NotFound { .. }) => false,
        Err(e) => return Err(e.into()),
    };
    if !same {
        report
            .notes
            .push(format!("{copy}: is not the newest manifest; opening the scope for writing renews it"));
    }
    Ok(())
}
