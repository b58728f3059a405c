//! DELETE.

use datafusion::sql::sqlparser::ast::{self, FromTable};

use crate::dml::returning::returning;
use crate::dml::update::{check_selection, selected, target, tombstones};
use crate::dml::{Changes, query};
use crate::error::{Error, Result};
use crate::plan::StatementContext;

/// The tombstones of a DELETE.
///
/// # Errors
/// What planning and reading report.
pub async fn delete(context: &StatementContext<'_>, statement: &ast::Delete) -> Result<Changes> {
    if statement.using.is_some() {
        return Err(Error::unsupported("DELETE … USING; use a subquery in WHERE"));
    }
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &statement.from;
    let [table] = from.as_slice() else {
        return Err(Error::unsupported("DELETE from several tables"));
    };
    let (name, alias) = target(table, "DELETE")?;
    let def = context.table(&name)?;
    let alias = alias.unwrap_or_else(|| def.name.clone());
    check_selection(statement.selection.as_ref())?;

    // Only RETURNING needs more of a row than its key.
    let items = match &statement.returning {
        None => Vec::new(),
        Some(_) => def
            .columns
            .iter()
            .enumerate()
            .map(|(at, c)| query::named(query::column_of(&alias, &c.name), &format!("c{at}")))
            .collect(),
    };
    let rows = selected(context, &def, &alias, items, table, statement.selection.clone()).await?;
    let returned = match &statement.returning {
        Some(items) => Some(returning(context, &def, &alias, items, rows.items.clone()).await?),
        None => None,
    };
    let reads = context.reads(&def).await?;
    let versions = tombstones(&def, &rows.keys)?;
    let cold_rows = rows.cold(&reads);
    let affected = versions.num_rows() as u64;
    Ok(Changes { versions, scope: reads.scope, def, affected, returned, cold_rows })
}
