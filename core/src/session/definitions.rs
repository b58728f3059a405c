//! Statements that change definitions.

use super::outcome::{Outcome, done};
use super::{Session, Statement};
use crate::catalog::{self, Catalog};
use crate::error::{Error, Result};

/// What a DDL statement makes of a catalog; `None` when it changes nothing.
type Change<'a> = Box<dyn FnOnce(&Catalog) -> Result<Option<Catalog>> + Send + 'a>;

impl Session {
    /// Runs a statement that changes definitions.
    pub(super) async fn define(&self, statement: &Statement) -> Result<Outcome> {
        self.refuse_users("changing definitions")?;
        if self.transaction.is_some() {
            return Err(Error::unsupported(
                "changing definitions inside a transaction; COMMIT or ROLLBACK it first",
            ));
        }
        let (verb, change) = self.change(statement)?;
        self.engine.change_catalog(change).await?;
        Ok(done(verb))
    }

    fn change<'a>(&'a self, statement: &'a Statement) -> Result<(&'static str, Change<'a>)> {
        let namespace = &self.namespace;
        let now = self.engine.shared.tiers.stores.clock.now_micros();
        Ok(match statement {
            Statement::CreateNamespace { name, if_not_exists } => {
                ("CREATE NAMESPACE", Box::new(|c| catalog::create_namespace(c, name, *if_not_exists)))
            }
            Statement::DropNamespace { name, if_exists, cascade } => {
                ("DROP NAMESPACE", Box::new(|c| catalog::drop_namespace(c, name, *if_exists, *cascade)))
            }
            Statement::CreateTable(create) => (
                "CREATE TABLE",
                Box::new(|c| Ok(catalog::create_table(c, create, namespace)?.map(|(c, _)| c))),
            ),
            Statement::DropTable { names, if_exists } => {
                ("DROP TABLE", Box::new(|c| catalog::drop_tables(c, names, *if_exists, namespace)))
            }
            Statement::AlterTable(alter) => (
                "ALTER TABLE",
                Box::new(move |c| Ok(catalog::alter_table(c, alter, namespace, now)?.map(|(c, _)| c))),
            ),
            Statement::Truncate { names } => {
                ("TRUNCATE TABLE", Box::new(|c| catalog::truncate_tables(c, names, namespace)))
            }
            _ => return Err(Error::internal("a statement that nothing runs")),
        })
    }
}
