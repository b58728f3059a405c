//! DELETE.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{self, Expr, FromTable};

use crate::catalog::TableDef;
use crate::dml::returning::returning;
use crate::dml::selected::Target;
use crate::dml::update::tombstones;
use crate::dml::{Changes, query};
use crate::error::{Error, Result};
use crate::plan::StatementContext;

/// The tombstones of a DELETE.
///
/// # Errors
/// What planning and reading report.
pub async fn delete(context: &StatementContext<'_>, statement: &ast::Delete) -> Result<Changes> {
    let target = target(context, statement)?;
    let def = Arc::clone(&target.def);
    let reads = context.reads(&def).await?;
    let with_sources = statement.returning.is_some();
    let rows = target.select(context, &reads, old_values(&target, statement), with_sources).await?;
    let returned = match &statement.returning {
        Some(items) => {
            Some(returning(context, &def, &target.alias, items, rows.items.clone(), &rows.sources).await?)
        }
        None => None,
    };
    let versions = tombstones(&def, &rows.keys)?;
    let cold_rows = rows.cold(&reads);
    let affected = versions.num_rows() as u64;
    Ok(Changes { versions, scope: reads.scope, def, affected, returned, cold_rows })
}

/// The table of a DELETE, and the query of keys that it runs.
///
/// # Errors
/// As [`delete`], before anything is read.
pub fn delete_query(
    context: &StatementContext<'_>,
    statement: &ast::Delete,
) -> Result<(Arc<TableDef>, ast::Query)> {
    let target = target(context, statement)?;
    let query = target.query(old_values(&target, statement), statement.returning.is_some())?;
    Ok((target.def, query))
}

fn target<'a>(context: &StatementContext<'_>, statement: &'a ast::Delete) -> Result<Target<'a>> {
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &statement.from;
    let [table] = from.as_slice() else {
        return Err(Error::unsupported("DELETE from several tables"));
    };
    let sources = statement.using.as_deref().unwrap_or_default();
    Target::new(context, "DELETE", table, sources, statement.selection.as_ref())
}

/// The columns as they were; only RETURNING needs more of a row than its key.
fn old_values(target: &Target<'_>, statement: &ast::Delete) -> Vec<Expr> {
    if statement.returning.is_none() {
        return Vec::new();
    }
    target.def.columns.iter().map(|c| query::column_of(&target.alias, &c.name)).collect()
}
