//! UPDATE.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter};
use datafusion::sql::sqlparser::ast::{self, Expr, UpdateTableFromKind};
use hashbrown::HashSet;

use crate::catalog::TableDef;
use crate::dml::assign::{assign, assignments};
use crate::dml::keys::{check_not_null, duplicate, existing, first_repeat, key_arrays, repeated};
use crate::dml::returning::returning;
use crate::dml::selected::Target;
use crate::dml::{Changes, query, versions};
use crate::error::{Error, Result};
use crate::plan::StatementContext;
use crate::scan::TableReads;

/// The row versions of an UPDATE.
///
/// # Errors
/// `Constraint` for NULLs and duplicate keys, `InvalidInput` for values that do not fit, and what planning
/// and reading report.
pub async fn update(context: &StatementContext<'_>, statement: &ast::Update) -> Result<Changes> {
    let target = target(context, statement)?;
    let def = Arc::clone(&target.def);
    let reads = context.reads(&def).await?;
    let values = new_values(&target, statement)?;
    let rows = target.select(context, &reads, values, statement.returning.is_some()).await?;
    let columns: Vec<ArrayRef> = def
        .columns
        .iter()
        .zip(&rows.items)
        .map(|(column, values)| assign(&def, column, values))
        .collect::<Result<_>>()?;
    check_not_null(&def, &columns)?;
    let moved = moved_keys(&def, &reads, &columns, &rows.keys).await?;
    let returned = match &statement.returning {
        Some(items) => {
            Some(returning(context, &def, &target.alias, items, columns.clone(), &rows.sources).await?)
        }
        None => None,
    };
    let affected = columns.first().map_or(0, |c| c.len()) as u64;
    let written = versions(&def, columns, false)?;
    let versions = match moved {
        None => written,
        Some(tombstones) => concat_batches(&def.row_schema(), [&tombstones, &written])?,
    };
    let cold_rows = rows.cold(&reads);
    Ok(Changes { versions, scope: reads.scope, def, affected, returned, cold_rows })
}

/// The table of an UPDATE, and the query of keys and new values that it runs.
///
/// # Errors
/// As [`update`], before anything is read.
pub fn update_query(
    context: &StatementContext<'_>,
    statement: &ast::Update,
) -> Result<(Arc<TableDef>, ast::Query)> {
    let target = target(context, statement)?;
    let query = target.query(new_values(&target, statement)?, statement.returning.is_some())?;
    Ok((target.def, query))
}

fn target<'a>(context: &StatementContext<'_>, statement: &'a ast::Update) -> Result<Target<'a>> {
    let sources = match &statement.from {
        None => [].as_slice(),
        Some(UpdateTableFromKind::AfterSet(sources)) => sources,
        Some(UpdateTableFromKind::BeforeSet(_)) => {
            return Err(Error::unsupported("FROM before SET: write it behind SET"));
        }
    };
    Target::new(context, "UPDATE", &statement.table, sources, statement.selection.as_ref())
}

/// What each column of the table becomes.
fn new_values(target: &Target<'_>, statement: &ast::Update) -> Result<Vec<Expr>> {
    let set = assignments(&target.def, &statement.assignments)?;
    let columns = target.def.columns.iter().enumerate();
    let values = columns.map(|(place, column)| match set.iter().find(|(at, _)| *at == place) {
        Some((_, expr)) if query::is_default(expr) => column.default_expr(),
        Some((_, expr)) => Ok(expr.clone()),
        None => Ok(query::column_of(&target.alias, &column.name)),
    });
    values.collect()
}

/// The tombstones of the keys that the new rows leave, if any row changes its key; checks that the keys
/// they move to are free.
async fn moved_keys(
    def: &TableDef,
    reads: &TableReads,
    columns: &[ArrayRef],
    old_columns: &[ArrayRef],
) -> Result<Option<RecordBatch>> {
    let new_columns = key_arrays(def, columns);
    let new = reads.scope.encoder.encode(&new_columns)?;
    let old = reads.scope.encoder.encode(old_columns)?;
    if new.iter().zip(old.iter()).all(|(n, o)| n.data() == o.data()) {
        return Ok(None);
    }
    if let Some(row) = first_repeat(&new) {
        return Err(repeated(def, &new_columns, row));
    }
    let left: HashSet<&[u8]> = old.iter().map(|k| k.data()).collect();
    let taken = existing(reads, &new, &new_columns).await?;
    let clash = new.iter().zip(&taken).position(|(key, taken)| taken.is_some() && !left.contains(key.data()));
    if let Some(row) = clash {
        return Err(duplicate(def, &new_columns, row));
    }
    let kept: HashSet<&[u8]> = new.iter().map(|k| k.data()).collect();
    let gone: BooleanArray = old.iter().map(|k| Some(!kept.contains(k.data()))).collect();
    let keys = old_columns.iter().map(|c| filter(c, &gone)).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(tombstones(def, &keys)?))
}

/// A tombstone per key: the key, and NULL elsewhere.
///
/// # Errors
/// `Internal` when the keys are not those of the table.
pub fn tombstones(def: &TableDef, keys: &[ArrayRef]) -> Result<RecordBatch> {
    let rows = keys.first().map_or(0, |k| k.len());
    let places = def.key_columns();
    let columns = def.columns.iter().enumerate().map(|(at, column)| {
        let key = places.iter().position(|p| *p == at).and_then(|k| keys.get(k));
        key.cloned().unwrap_or_else(|| arrow::array::new_null_array(&column.ty.arrow(), rows))
    });
    versions(def, columns.collect(), true)
}
