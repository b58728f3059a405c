//! Statements that change definitions.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::outcome::{Outcome, done};
use super::{Session, Statement, WriteSet};
use crate::access::Principal;
use crate::catalog::{self, AlterAction, AlterTable, Catalog, IfThere, ViewDef};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::expect_may_read_view;
use crate::sql::CreateView;
use crate::types::{Role, UserId};

/// What a DDL statement makes of a catalog; `None` when it changes nothing.
type Change<'a> = Box<dyn Fn(&Catalog) -> Result<Option<Catalog>> + Send + Sync + 'a>;

impl Session {
    /// Runs a statement that changes definitions.
    pub(super) async fn define(&self, statement: &Statement) -> Result<Outcome> {
        self.refuse_users("changing definitions")?;
        if self.transaction.is_some() {
            return Err(Error::unsupported(
                "changing definitions inside a transaction; COMMIT or ROLLBACK it first",
            ));
        }
        let (verb, change) = match statement {
            Statement::CreateView(create) => ("CREATE VIEW", self.create_view(create).await?),
            Statement::AlterTable(alter) => {
                self.check_views(alter).await?;
                self.change(statement)?
            }
            other => self.change(other)?,
        };
        let who = &self.who;
        let checked = move |old: &Catalog| {
            let changed = change(old)?;
            let Some(new) = &changed else { return Ok(None) };
            for table in old.tables() {
                if new.table_by_id(table.id).is_none_or(|now| now != table) {
                    who.expect_may_define(table)?;
                }
            }
            for view in old.views() {
                if new.view(&view.namespace, &view.name).is_none_or(|now| now != view) {
                    expect_may_change(who, old, view)?;
                }
            }
            Ok(changed)
        };
        self.engine.change_catalog(checked).await?;
        Ok(done(verb))
    }

    fn change<'a>(&'a self, statement: &'a Statement) -> Result<(&'static str, Change<'a>)> {
        let namespace = &self.namespace;
        let now = self.engine.shared.tiers.stores.clock.now_micros();
        let found: (&'static str, Change<'a>) = match statement {
            Statement::CreateNamespace { name, if_not_exists } => {
                ("CREATE NAMESPACE", Box::new(move |c| catalog::create_namespace(c, name, *if_not_exists)))
            }
            Statement::DropNamespace { name, if_exists, cascade } => {
                ("DROP NAMESPACE", Box::new(move |c| catalog::drop_namespace(c, name, *if_exists, *cascade)))
            }
            Statement::CreateTable(create) => (
                "CREATE TABLE",
                Box::new(move |c| Ok(catalog::create_table(c, create, namespace)?.map(|(c, _)| c))),
            ),
            Statement::DropTable { names, if_exists, cascade } => (
                "DROP TABLE",
                Box::new(move |c| catalog::drop_tables(c, names, *if_exists, *cascade, namespace)),
            ),
            Statement::CreateIndex(create) => {
                ("CREATE INDEX", Box::new(move |c| catalog::create_index(c, create, namespace)))
            }
            Statement::DropIndex { names, if_exists } => {
                ("DROP INDEX", Box::new(move |c| catalog::drop_indexes(c, names, *if_exists, namespace)))
            }
            Statement::DropView { names, if_exists, cascade } => (
                "DROP VIEW",
                Box::new(move |c| catalog::drop_views(c, names, *if_exists, *cascade, namespace)),
            ),
            Statement::AlterTable(alter) => (
                "ALTER TABLE",
                Box::new(move |c| Ok(catalog::alter_table(c, alter, namespace, now)?.map(|(c, _)| c))),
            ),
            Statement::Truncate { names } => {
                let snapshots = &self.engine.shared.tiers.snapshots;
                let emptied =
                    move |c: &Catalog| catalog::truncate_tables(c, names, namespace, snapshots.committed());
                ("TRUNCATE TABLE", Box::new(emptied))
            }
            _ => return Err(Error::internal("a statement that nothing runs")),
        };
        Ok(found)
    }

    /// The view as its query is now, and what adding it makes of a catalog.
    async fn create_view<'a>(&'a self, create: &'a CreateView) -> Result<Change<'a>> {
        let catalog = self.engine.shared.tiers.catalog();
        let namespace = create.name.namespace.as_deref().unwrap_or(&self.namespace);
        let there = catalog.relations_in(namespace).any(|name| name == create.name.name);
        if there && create.if_there == IfThere::Keep {
            return Ok(Box::new(|_| Ok(None)));
        }
        let snapshot = self.engine.shared.tiers.snapshots.acquire();
        let none = WriteSet::default();
        let context = self.context(&self.who, snapshot.seq(), &none, &[]);
        let shape = context.view_shape(&create.query).await?;
        if create.columns.len() > shape.columns.len() {
            return Err(Error::invalid(format!(
                "the view names {} columns, its query has {}",
                create.columns.len(),
                shape.columns.len()
            )));
        }
        let mut columns = shape.columns;
        for (column, name) in columns.iter_mut().zip(&create.columns) {
            column.name.clone_from(name);
        }
        let view = ViewDef {
            namespace: namespace.to_owned(),
            name: create.name.name.clone(),
            query: create.text.clone(),
            search: self.namespace.clone(),
            columns,
            uses: shape.uses,
        };
        Ok(Box::new(move |c| catalog::create_view(c, view.clone(), create.if_there)))
    }

    /// Refuses a change of a table that a view could no longer be made of.
    async fn check_views(&self, alter: &AlterTable) -> Result<()> {
        if alter.actions.iter().all(|action| matches!(action, AlterAction::SetOptions(_))) {
            return Ok(());
        }
        let old = self.engine.shared.tiers.catalog();
        let now = self.engine.shared.tiers.stores.clock.now_micros();
        // What is wrong with the statement itself is said when it is done.
        let Ok(Some((new, table))) = catalog::alter_table(&old, alter, &self.namespace, now) else {
            return Ok(());
        };
        let changed = BTreeSet::from([(table.namespace.clone(), table.name.clone())]);
        let new = Arc::new(new);
        for view in old.users_of(changed) {
            if let (Ok(()), Err(e)) = (self.try_view(&old, &view).await, self.try_view(&new, &view).await) {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    format!(
                        "view {} uses {}, and would no longer work: drop the view first; {e}",
                        view.full_name(),
                        table.full_name()
                    ),
                ));
            }
        }
        Ok(())
    }

    async fn try_view(&self, catalog: &Arc<Catalog>, view: &ViewDef) -> Result<()> {
        let snapshot = self.engine.shared.tiers.snapshots.acquire();
        let none = WriteSet::default();
        // Whoever may not read a view may not break it either.
        let anybody = Principal::itself(UserId::root(), Role::System);
        let mut context = self.context(&anybody, snapshot.seq(), &none, &[]);
        context.catalog = Arc::clone(catalog);
        context.view_schema(view).await.map(|_| ())
    }
}

/// Refuses to drop or replace a view whose rows `who` may not read: it says what others are shown of them.
fn expect_may_change(who: &Principal, catalog: &Catalog, view: &ViewDef) -> Result<()> {
    let may = expect_may_read_view(who, catalog, view);
    may.map_err(|e| e.context(format!("changing view {}", view.full_name())))
}
