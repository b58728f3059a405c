//! Which definition of a table a recovery takes.

use std::collections::BTreeSet;

use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::catalog::{TableDef, decode_table};
use crate::engine::recover::RecoveryReport;
use crate::engine::recover::listing::FoundTable;
use crate::engine::recover::scopes::ReadScope;
use crate::error::{Error, Result};
use crate::storage::Stores;
use crate::types::TableId;

/// A table whose definition could be read.
#[derive(Debug)]
pub struct ReadTable<'a> {
    /// Its newest readable definition, until something better is known.
    pub def: TableDef,
    /// What else is there of it.
    pub found: &'a FoundTable,
}

/// The newest readable definition of `found`.
///
/// # Errors
/// What the blob store reports.
pub async fn read<'a>(
    stores: &Stores,
    found: &'a FoundTable,
    report: &mut RecoveryReport,
) -> Result<Option<ReadTable<'a>>> {
    for path in found.definitions.values().rev() {
        let bytes = stores.blobs.get(path).await?.bytes().await?;
        match decode_table(&bytes, path.as_ref()) {
            Ok(def) => return Ok(Some(ReadTable { def, found })),
            Err(e) => report.problems.push(e.to_string()),
        }
    }
    for dir in found.scopes.keys() {
        report.problems.push(format!("{dir}: belongs to a table without a readable definition"));
    }
    Ok(None)
}

/// Decides which tables are dropped. The definition that says so is written before the drop commits, and
/// removed after all files: with files still there, both are possible, and the table is brought back.
///
/// # Errors
/// `LimitExceeded` when there is no schema version left.
pub fn settle_drops(tables: &mut [ReadTable<'_>], report: &mut RecoveryReport) -> Result<()> {
    let unmade = doubtful_truncations(tables);
    let named = tables.iter().filter(|t| !unmade.contains(&t.def.id));
    let named: Vec<_> = named.map(|t| (t.def.namespace.clone(), t.def.name.clone(), t.def.id)).collect();
    for ReadTable { def, found } in tables {
        let name = def.full_name();
        if unmade.contains(&def.id) {
            def.dropped = true;
            def.schema_version = next_version(found, def)?;
            report.notes.push(format!("{name}: was being truncated; the table is kept as it was before"));
            continue;
        }
        // A name is free again only when the drop is committed.
        if named.iter().any(|(ns, t, id)| *ns == def.namespace && *t == def.name && *id > def.id) {
            def.dropped = true;
            report.notes.push(format!(
                "{name} with id {}: was dropped before another table got its name; its files go when the \
                 store is next opened",
                def.id
            ));
        } else if def.dropped && found.scopes.is_empty() {
            report.notes.push(format!("{name}: was being dropped and has no files; it is not brought back"));
        } else if def.dropped {
            def.dropped = false;
            def.schema_version = next_version(found, def)?;
            report.problems.push(format!(
                "{name}: was being dropped, and {} of its scopes still have files; it is brought back with \
                 them: drop it again if it should be gone",
                found.scopes.len()
            ));
        }
    }
    Ok(())
}

/// The empty tables of truncations that may not have committed. The definition of the empty table is written
/// first, then the one that says that the old table is dropped; its files go after the commit. So with the
/// second definition missing the commit did not happen; with both, and files of the old table, it may have.
/// An empty table that has changed since, or has files of its own, was committed.
fn doubtful_truncations(tables: &[ReadTable<'_>]) -> BTreeSet<TableId> {
    let doubtful = tables.iter().filter(|empty| {
        let replaced = tables.iter().find(|old| Some(old.def.id) == empty.def.replaces);
        empty.def.schema_version == 1
            && empty.found.scopes.is_empty()
            && replaced.is_some_and(|old| !old.def.dropped || !old.found.scopes.is_empty())
    });
    doubtful.map(|empty| empty.def.id).collect()
}

/// A schema version past every one that has a file, so that a definition under it is the newest.
fn next_version(found: &FoundTable, def: &TableDef) -> Result<u32> {
    let last = found.definitions.keys().next_back().copied().unwrap_or(0).max(def.schema_version);
    last.checked_add(1).ok_or_else(|| Error::limit(format!("{} has no schema version left", def.full_name())))
}

impl ReadTable<'_> {
    /// Makes the definition one to go on from: an older one than the newest takes the place of that, and no
    /// column gets the id of one that a file has.
    ///
    /// # Errors
    /// `LimitExceeded` when there is no schema version or column id left.
    pub fn go_past(&mut self, scopes: &[ReadScope], report: &mut RecoveryReport) -> Result<()> {
        let def = &mut self.def;
        let column = scopes.iter().map(ReadScope::last_column_id).max().unwrap_or(0);
        if column >= def.next_column_id {
            report.problems.push(format!(
                "{}: files have columns up to id {column}, the definition knows ids below {}; what is in the \
                 others is left out",
                def.full_name(),
                def.next_column_id
            ));
            let next = column.checked_add(1);
            def.next_column_id =
                next.ok_or_else(|| Error::limit(format!("{} has no column id left", def.full_name())))?;
        } else if self.is_newest(scopes) {
            return Ok(());
        }
        let written = scopes.iter().map(ReadScope::schema_version).max().unwrap_or(0);
        self.def.schema_version = self.def.schema_version.max(written);
        self.def.schema_version = next_version(self.found, &self.def)?;
        Ok(())
    }

    /// Whether no file tells of a later definition.
    fn is_newest(&self, scopes: &[ReadScope]) -> bool {
        let mut seen =
            self.found.definitions.keys().copied().chain(scopes.iter().map(ReadScope::schema_version));
        seen.all(|version| version <= self.def.schema_version)
    }

    /// Where the definition is kept, if it is not there as it is.
    #[must_use]
    pub fn path_to_write(&self) -> Option<Path> {
        let there = self.found.definitions.contains_key(&self.def.schema_version);
        (!there).then(|| self.def.definition_path())
    }
}
