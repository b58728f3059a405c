//! INSERT.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::compute::kernels::zip::zip;
use datafusion::sql::sqlparser::ast::{self, Expr, OnConflictAction, OnInsert, SetExpr, TableObject};

use crate::catalog::{DefaultExpr, TableDef, quoted};
use crate::dml::assign::assign;
use crate::dml::conflict::{self, Resolved};
use crate::dml::keys::{check_not_null, duplicate, existing, first_repeat, key_arrays, repeated};
use crate::dml::returning::returning;
use crate::dml::{Changes, query, source, versions};
use crate::error::{Error, Result};
use crate::heap::on_heap;
use crate::plan::StatementContext;
use crate::scan::TableReads;
use crate::sql::{Insert, Overriding, ident_name, table_name};

/// The row versions of an INSERT.
///
/// # Errors
/// `Constraint` for NULLs and duplicate keys, `InvalidInput` for values that do not fit, and what planning
/// and reading report.
pub async fn insert(context: &StatementContext<'_>, insert: &Insert) -> Result<Changes> {
    let statement = &insert.tree;
    let def = table(context, statement)?;
    let alias = statement.table_alias.as_ref().map_or(def.name.clone(), |a| ident_name(&a.alias));
    let targets = targets(&def, &statement.columns)?;
    let columns = match &statement.source {
        Some(source) => {
            let (targets, given) =
                on_heap(|| rows_of(context, &def, &targets, source, !statement.columns.is_empty())).await?;
            let rows = given.first().map_or(0, |c| c.len());
            let (targets, given) = without_identities(&def, insert, targets, given)?;
            complete(context, &def, &targets, given, rows).await?
        }
        // DEFAULT VALUES
        None => complete(context, &def, &[], Vec::new(), 1).await?,
    };
    let reads = context.reads(&def).await?;

    let action = match &statement.on {
        None => None,
        Some(OnInsert::OnConflict(on)) => {
            conflict::check_target(&def, on)?;
            Some(&on.action)
        }
        Some(_) => return Err(Error::unsupported("ON DUPLICATE KEY UPDATE; write ON CONFLICT DO UPDATE")),
    };
    let resolved = match action {
        None => plain(&def, &reads, columns).await?,
        Some(OnConflictAction::DoNothing) => conflict::do_nothing(&reads, columns).await?,
        Some(OnConflictAction::DoUpdate(update)) => {
            conflict::do_update(context, &reads, &alias, update, columns).await?
        }
    };
    let returned = match &statement.returning {
        Some(items) => Some(returning(context, &def, &alias, items, resolved.columns.clone(), &[]).await?),
        None => None,
    };
    let affected = resolved.columns.first().map_or(0, |c| c.len()) as u64;
    Ok(Changes {
        versions: versions(&def, resolved.columns, false)?,
        scope: reads.scope,
        def,
        affected,
        returned,
        cold_rows: resolved.cold_rows,
    })
}

/// The table of an INSERT, and the query whose rows it inserts; none when it says the rows itself.
///
/// # Errors
/// As [`insert`], before anything is read.
pub fn insert_query(
    context: &StatementContext<'_>,
    insert: &Insert,
) -> Result<(Arc<TableDef>, Option<ast::Query>)> {
    let statement = &insert.tree;
    let def = table(context, statement)?;
    targets(&def, &statement.columns)?;
    let source = statement.source.as_deref().filter(|s| !matches!(s.body.as_ref(), SetExpr::Values(_)));
    Ok((def, source.cloned().map(query::with_names)))
}

/// The table of an INSERT.
///
/// # Errors
/// `NotFound`; `Unsupported` for what is no name of a table.
pub fn table(context: &StatementContext<'_>, statement: &ast::Insert) -> Result<Arc<TableDef>> {
    let TableObject::TableName(name) = &statement.table else {
        return Err(Error::unsupported("INSERT into something that is not a table"));
    };
    context.written_table(&table_name(name)?)
}

/// The row versions of rows given as a batch; columns by name, missing ones get their default.
///
/// # Errors
/// As [`insert`].
pub async fn insert_batch(
    context: &StatementContext<'_>,
    def: &Arc<TableDef>,
    batch: &RecordBatch,
) -> Result<Changes> {
    let mut targets = Vec::with_capacity(batch.num_columns());
    for field in batch.schema_ref().fields() {
        targets.push(target(def, field.name())?);
    }
    let columns = complete(context, def, &targets, batch.columns().to_vec(), batch.num_rows()).await?;
    insert_columns(context, def, columns).await
}

/// The row versions of rows that have all columns of the table, typed and checked, as [`load_columns`] gives
/// them.
///
/// # Errors
/// `Constraint` for duplicate keys, and what reading reports.
pub async fn insert_columns(
    context: &StatementContext<'_>,
    def: &Arc<TableDef>,
    columns: Vec<ArrayRef>,
) -> Result<Changes> {
    let rows = columns.first().map_or(0, |c| c.len());
    let reads = context.reads(def).await?;
    let resolved = plain(def, &reads, columns).await?;
    Ok(Changes {
        versions: versions(def, resolved.columns, false)?,
        scope: reads.scope,
        def: Arc::clone(def),
        affected: rows as u64,
        returned: None,
        cold_rows: 0,
    })
}

/// All columns of the table for `rows` rows, of which those at `places` have the values `given`: where a row's
/// is masked, and in all other columns, the default.
///
/// # Errors
/// As [`insert`], but for duplicate keys, which are not looked for.
pub async fn load_columns(
    context: &StatementContext<'_>,
    def: &TableDef,
    places: &[usize],
    given: Vec<(ArrayRef, Option<BooleanArray>)>,
    rows: usize,
) -> Result<Vec<ArrayRef>> {
    let mut values = Vec::with_capacity(given.len());
    for (place, (column, mask)) in places.iter().zip(given) {
        let Some(target) = def.columns.get(*place) else { continue };
        values.push(match mask.filter(|_| target.default.is_some()) {
            None => column,
            Some(mask) => {
                let default = source::default_column(context, def, target, rows).await?;
                let (column, default) = (assign(def, target, &column)?, assign(def, target, &default)?);
                zip(&mask, &column, &default)?
            }
        });
    }
    complete(context, def, places, values, rows).await
}

/// The places of the columns that an INSERT names; all, if it names none.
///
/// # Errors
/// `NotFound` for an unknown column, `InvalidInput` for one named twice.
pub fn targets(def: &TableDef, names: &[ast::ObjectName]) -> Result<Vec<usize>> {
    if names.is_empty() {
        return Ok((0..def.columns.len()).collect());
    }
    let mut found: Vec<usize> = Vec::with_capacity(names.len());
    for name in names {
        let parts: Vec<&ast::Ident> = name.0.iter().filter_map(|p| p.as_ident()).collect();
        let [ident] = parts.as_slice() else {
            return Err(Error::not_found(format!("{name} does not name a column of {}", def.full_name())));
        };
        let at = target(def, &ident_name(ident))?;
        if found.contains(&at) {
            return Err(Error::invalid(format!("column {ident} is named twice")));
        }
        found.push(at);
    }
    Ok(found)
}

/// The place of a column by name.
fn target(def: &TableDef, name: &str) -> Result<usize> {
    if name == "_seq" || name == "_deleted" {
        return Err(Error::invalid(format!("column {name} is set by the engine and cannot be written")));
    }
    def.index_of(name).ok_or_else(|| def.no_column(name))
}

/// The columns and values without those that the statement does not set, though it gives values for them: an
/// identity gets a new one.
///
/// # Errors
/// `InvalidInput` for a value that an identity is given, though it is always the engine that makes it.
fn without_identities(
    def: &TableDef,
    insert: &Insert,
    targets: Vec<usize>,
    given: Vec<ArrayRef>,
) -> Result<(Vec<usize>, Vec<ArrayRef>)> {
    let column = |target: &usize| def.columns.get(*target);
    let is_identity =
        |target: &usize| column(target).is_some_and(|c| c.default == Some(DefaultExpr::Identity));
    if insert.overriding == Some(Overriding::System) || !targets.iter().any(is_identity) {
        return Ok((targets, given));
    }
    let said = insert.tree.source.as_deref().and_then(values_of);
    let kept = targets.iter().copied().zip(given).filter(|(target, _)| !is_identity(target)).unzip();
    if insert.overriding == Some(Overriding::User) {
        return Ok(kept);
    }
    for (place, target) in targets.iter().enumerate().filter(|(_, target)| is_identity(target)) {
        if said.as_ref().is_none_or(|rows| !source::leaves_to_default(rows, place)) {
            let name = column(target).map_or("", |c| c.name.as_str());
            return Err(Error::invalid(format!(
                "column {} of {} is GENERATED ALWAYS: leave it out, or write DEFAULT",
                quoted(name),
                def.full_name()
            ))
            .with_hint("write OVERRIDING SYSTEM VALUE in front of VALUES to set it all the same"));
        }
    }
    Ok(kept)
}

/// The rows of VALUES, if a query has nothing else.
pub fn values_of(source: &ast::Query) -> Option<Vec<&[Expr]>> {
    match source.body.as_ref() {
        SetExpr::Values(values)
            if source.with.is_none()
                && source.order_by.is_none()
                && source.limit_clause.is_none()
                && source.fetch.is_none() =>
        {
            Some(values.rows.iter().map(|row| row.content.as_slice()).collect())
        }
        _ => None,
    }
}

/// The columns that the statement gives values, and one array of them for each; types are not yet the columns'.
async fn rows_of(
    context: &StatementContext<'_>,
    def: &TableDef,
    targets: &[usize],
    source: &ast::Query,
    columns_named: bool,
) -> Result<(Vec<usize>, Vec<ArrayRef>)> {
    if let Some(rows) = values_of(source) {
        // VALUES may give fewer columns than the table has when no column list was written.
        let width = rows.first().map_or(0, |r| r.len());
        let targets = if columns_named { targets } else { targets.get(..width).unwrap_or(targets) };
        return Ok((targets.to_vec(), source::values(context, def, targets, &rows).await?));
    }
    let (schema, batches) = on_heap(|| context.rows(query::with_names(source.clone()), Vec::new())).await?;
    let width = schema.fields().len();
    if width > targets.len() || (width < targets.len() && columns_named) {
        return Err(Error::invalid(format!(
            "the query gives {width} columns for {} columns of {}",
            targets.len(),
            def.full_name()
        )));
    }
    let given = concat_batches(&schema, &batches)?.columns().to_vec();
    Ok((targets.get(..width).unwrap_or(targets).to_vec(), given))
}

/// All columns of the table, in order and typed: the given ones, the others by their defaults.
async fn complete(
    context: &StatementContext<'_>,
    def: &TableDef,
    targets: &[usize],
    given: Vec<ArrayRef>,
    rows: usize,
) -> Result<Vec<ArrayRef>> {
    let mut columns: Vec<Option<ArrayRef>> = vec![None; def.columns.len()];
    for (target, values) in targets.iter().zip(given) {
        if let (Some(slot), Some(column)) = (columns.get_mut(*target), def.columns.get(*target)) {
            *slot = Some(assign(def, column, &values)?);
        }
    }
    let mut complete = Vec::with_capacity(columns.len());
    for (values, column) in columns.into_iter().zip(&def.columns) {
        complete.push(match values {
            Some(values) => values,
            None => assign(def, column, &source::default_column(context, def, column, rows).await?)?,
        });
    }
    check_not_null(def, &complete)?;
    Ok(complete)
}

/// INSERT without ON CONFLICT: every key must be new.
async fn plain(def: &TableDef, reads: &TableReads, columns: Vec<ArrayRef>) -> Result<Resolved> {
    let key_columns = key_arrays(def, &columns);
    let keys = reads.scope.encoder.encode(&key_columns)?;
    if let Some(row) = first_repeat(&keys) {
        return Err(repeated(def, &key_columns, row));
    }
    let existing = existing(reads, &keys, &key_columns).await?;
    if let Some(row) = existing.iter().position(Option::is_some) {
        return Err(duplicate(def, &key_columns, row));
    }
    Ok(Resolved { columns, cold_rows: 0 })
}
