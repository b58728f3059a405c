//! STORAGE FLUSH, COMPACT and CHECK, and who may.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Session;
use super::outcome::{Outcome, compacted, flushed, names};
use crate::catalog::TableDef;
use crate::error::{Error, Result};
use crate::flush::let_readers_end;
use crate::jobs::attend;
use crate::jobs::record::{CompactTask, FlushTask, Task};
use crate::pace::Pace;
use crate::sql::StorageTarget;
use crate::types::{Role, Scope};

impl Session {
    pub(super) async fn flush(&self, target: &StorageTarget) -> Result<Outcome> {
        self.refuse_users("STORAGE FLUSH")?;
        let reports = match target {
            StorageTarget::Table(name) => {
                let def = self.engine.shared.tiers.catalog().resolve(name, &self.namespace)?;
                self.who.expect_may_read(&def)?;
                expect_files(&def, "STORAGE FLUSH")?;
                self.engine.flush_table(&def).await?
            }
            StorageTarget::All { namespace } => {
                let_readers_end(&self.engine.shared.tiers).await;
                let task = Task::Flush(FlushTask { namespace: namespace.clone() });
                Box::pin(attend(&self.engine.shared.tiers, &task, &self.cancel)).await?.flushed
            }
        };
        flushed(&self.told(reports, |report| (&report.table, &report.scope)))
    }

    pub(super) async fn compact(&self, target: &StorageTarget) -> Result<Outcome> {
        self.refuse_users("STORAGE COMPACT")?;
        let tiers = &self.engine.shared.tiers;
        let task = match target {
            StorageTarget::Table(name) => {
                let def = tiers.catalog().resolve(name, &self.namespace)?;
                self.who.expect_may_read(&def)?;
                expect_files(&def, "STORAGE COMPACT")?;
                CompactTask { table_id: Some(def.id), namespace: None }
            }
            StorageTarget::All { namespace } => CompactTask { namespace: namespace.clone(), table_id: None },
        };
        let done = Box::pin(attend(tiers, &Task::Compact(task), &self.cancel)).await?;
        compacted(&self.told(done.compacted, |report| (&report.table, &report.scope)))
    }

    /// Of `reports`, each of a table and a scope by their names, those of rows that the session may be told of, as in
    /// `system.scopes`.
    fn told<T>(&self, mut reports: Vec<T>, names: impl Fn(&T) -> (&str, &str)) -> Vec<T> {
        let tiers = &self.engine.shared.tiers;
        let catalog = tiers.catalog();
        let unread = catalog.tables().filter(|def| self.who.expect_may_read(def).is_err());
        let tables: BTreeSet<String> = unread.map(|def| def.full_name().to_string()).collect();
        let users = tiers.users.read();
        let scopes: BTreeSet<String> =
            users.above(self.who.role()).map(|id| Scope::User(id.clone()).dir()).collect();
        reports.retain(|report| {
            let (table, scope) = names(report);
            !tables.contains(table) && !scopes.contains(scope)
        });
        reports
    }

    /// Refuses what concerns the rows of every user: definitions, and the upkeep of whole tables, whose
    /// reports name their owners.
    pub(super) fn refuse_users(&self, what: &str) -> Result<()> {
        if self.who.role() == Role::User {
            return Err(Error::denied(format!(
                "{what} is not for the role user, but for service, dba and system"
            )));
        }
        Ok(())
    }

    /// Of `tables` those that the session may read: a finding tells what is in them.
    fn readable<'a>(&self, tables: impl Iterator<Item = &'a Arc<TableDef>>) -> Vec<Arc<TableDef>> {
        tables.filter(|def| self.who.expect_may_read(def).is_ok()).cloned().collect()
    }

    pub(super) async fn check(&self, target: &StorageTarget) -> Result<Outcome> {
        self.refuse_users("STORAGE CHECK")?;
        let tiers = &self.engine.shared.tiers;
        // What is dropped meanwhile is no damage.
        let _files = tiers.snapshots.pin_files();
        let catalog = tiers.catalog();
        let tables = match target {
            StorageTarget::Table(name) => {
                let def = catalog.resolve(name, &self.namespace)?;
                self.who.expect_may_read(&def)?;
                vec![def]
            }
            StorageTarget::All { namespace: None } => self.readable(catalog.tables()),
            StorageTarget::All { namespace: Some(namespace) } => {
                catalog.expect_namespace(namespace)?;
                self.readable(catalog.tables_in(namespace))
            }
        };
        let stores = &tiers.stores;
        let pace = Pace::new(self.cancel.clone(), Arc::clone(&stores.clock), Arc::clone(&stores.pause));
        let report = Box::pin(crate::engine::check_tables(tiers, &tables, &pace, &mut |_, _| ())).await?;
        names("finding", report.findings)
    }
}

/// Refuses `what` of a table that has no files.
fn expect_files(def: &TableDef, what: &str) -> Result<()> {
    if def.kind.has_files() {
        return Ok(());
    }
    Err(Error::unsupported(format!(
        "{what}: {} is a STREAM table and has no files: its rows are hot until they expire",
        def.full_name()
    )))
}
