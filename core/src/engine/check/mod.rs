//! Reading everything at rest and verifying it.
//!
//! Per scope: the hot blocks, the manifest and its copy, every batch file (`files.rs`), the deletion vectors and the
//! commit note (`vectors.rs`), the keys that are visible over all files (`keys.rs`), and what nothing refers to.
//! Memory is bounded by the files of one scope, not by their rows.

mod files;
mod keys;
mod names;
mod vectors;

use std::collections::BTreeSet;
use std::sync::Arc;

use object_store::path::Path;

use crate::access::audit;
use crate::catalog::TableDef;
use crate::engine::backup::OnProgress;
use crate::error::{Error, ErrorKind, Result};
use crate::hot::block::Block;
use crate::manifest::Manifest;
use crate::manifest::store::{self as manifest_store, Pointer};
use crate::pace::Pace;
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
    /// What was looked at and is as it has to be, a line per file.
    pub verified: Vec<String>,
    /// Scopes looked at.
    pub scopes: u64,
    /// Files read whole.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their rows, dead ones included.
    pub rows: u64,
    /// Hot blocks read.
    pub blocks: u64,
    /// Files that nothing refers to.
    pub orphans: u64,
    /// Their bytes.
    pub orphan_bytes: u64,
}

impl CheckReport {
    /// Whether nothing is damaged.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Damage becomes a finding; what prevents looking ends the check.
    fn note_damage(&mut self, e: Error) -> Result<()> {
        match e.kind() {
            ErrorKind::Corrupt | ErrorKind::Unsupported => {
                self.findings.push(e.to_string());
                Ok(())
            }
            _ => Err(e),
        }
    }
}

/// A check that goes on: what it looks at, and what it has to say.
struct Checking<'a> {
    tiers: &'a Tiers,
    pace: &'a Pace,
    report: CheckReport,
    /// Bytes of the files that are listed so far, read or not.
    listed: u64,
}

/// A scope that is being checked, as its pointer says.
struct Looking<'a> {
    def: &'a TableDef,
    dir: Path,
    pointer: Pointer,
    /// Names of deletion vectors that later ones follow.
    followed: BTreeSet<String>,
}

/// Verifies `tables`, and the audit log. `progress` is told how many bytes of batch files were read, and how many are known to be there.
///
/// # Errors
/// Only what prevents looking; damage is in the report. `Cancelled` by the pace.
pub async fn check(
    tiers: &Tiers,
    tables: &[Arc<TableDef>],
    pace: &Pace,
    progress: OnProgress<'_>,
) -> Result<CheckReport> {
    let mut checking = Checking { tiers, pace, report: CheckReport::default(), listed: 0 };
    for def in tables {
        for scope in tiers.scopes_of(def.id).await? {
            pace.step().await?;
            checking.report.scopes += 1;
            checking.blocks(def, &scope).await?;
            Box::pin(checking.cold(def, &scope, &mut *progress)).await?;
        }
    }
    checking.report.findings.extend(audit::check(tiers, pace).await?);
    Ok(checking.report)
}

impl Checking<'_> {
    async fn blocks(&mut self, def: &TableDef, scope: &Scope) -> Result<()> {
        let mut range = KeyRange::prefix(scope_key(def.id, scope));
        loop {
            let page = self.tiers.stores.kv.page(Keyspace::Hot, range.clone(), PAGE).await?;
            for (key, value) in &page {
                self.pace.step().await?;
                self.report.blocks += 1;
                let name = format!("{} {scope} {key:02x?}", def.full_name());
                let decoded = Block::parse(value.clone(), &name)
                    .and_then(|block| block.decode(def.row_schema_at(block.schema_version)?));
                if let Err(e) = decoded {
                    self.report.note_damage(e)?;
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => range = range.after(last.clone()),
                _ => return Ok(()),
            }
        }
    }

    async fn cold(&mut self, def: &TableDef, scope: &Scope, progress: OnProgress<'_>) -> Result<()> {
        let pointer = match manifest_store::read_pointer(self.tiers.stores.kv.as_ref(), def.id, scope).await {
            Ok(pointer) => pointer,
            Err(e) => return self.report.note_damage(e),
        };
        let dir = Path::from(def.dir()).join(scope.dir());
        let mut looking = Looking { def, dir, pointer, followed: BTreeSet::new() };
        if looking.pointer.version == 0 {
            return self.names(&looking, None).await;
        }
        let manifest = match self.manifest(&looking, scope).await {
            Ok(manifest) => manifest,
            Err(e) => return self.report.note_damage(e),
        };
        self.listed += manifest.live().map(|b| b.bytes).sum::<u64>();
        let found_before = self.report.findings.len();
        let dead = self.vectors(&mut looking, &manifest).await?;
        for entry in manifest.live() {
            Box::pin(self.file(&looking, entry)).await?;
            progress(self.report.bytes, self.listed);
        }
        // With a file or a vector damaged, it cannot be told which keys are visible.
        let is_readable = self.report.findings.len() == found_before;
        self.note(&looking, &manifest).await?;
        if is_readable {
            Box::pin(self.unique_keys(&looking, &manifest, &dead)).await?;
        }
        self.names(&looking, Some(&manifest)).await
    }

    /// The manifest that the pointer names.
    async fn manifest(&mut self, looking: &Looking<'_>, scope: &Scope) -> Result<Manifest> {
        let blobs = self.tiers.stores.blobs.as_ref();
        let path = manifest_store::manifest_path(&looking.dir, looking.pointer.version);
        let manifest = manifest_store::read(blobs, &looking.dir, &looking.pointer).await?.manifest;
        if manifest.table_id != looking.def.id || manifest.scope()? != *scope {
            return Err(Error::corrupt(format!(
                "{path}: belongs to table {} and scope {}, expected {} and {scope}",
                manifest.table_id, manifest.scope, looking.def.id,
            )));
        }
        if manifest.flushed_through != looking.pointer.flushed_through {
            return Err(Error::corrupt(format!(
                "{path}: is of a flush through {}, but {} was committed",
                manifest.flushed_through, looking.pointer.flushed_through
            )));
        }
        self.report.verified.push(format!("{path}: lists {} batch files", manifest.live().count()));
        if let Some(why) = &manifest.rebuilt {
            self.report.notes.push(format!("{path}: was made from the files, because {why}"));
        }
        Ok(manifest)
    }
}
