//! UPDATE.

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{concat_batches, filter};
use datafusion::sql::sqlparser::ast::{self, Expr, SelectItem, TableFactor, TableWithJoins};
use hashbrown::HashSet;

use crate::catalog::TableDef;
use crate::dml::assign::assign;
use crate::dml::conflict::assignments;
use crate::dml::keys::{check_not_null, duplicate, existing, first_repeat, key_arrays};
use crate::dml::returning::returning;
use crate::dml::{Changes, query, versions};
use crate::error::{Error, Result};
use crate::plan::StatementContext;
use crate::scan::TableReads;
use crate::sql::{ident_name, mentions, table_name};
use crate::types::SeqId;

/// The row versions of an UPDATE.
///
/// # Errors
/// `Constraint` for NULLs and duplicate keys, `InvalidInput` for values that do not fit, and what planning
/// and reading report.
pub async fn update(context: &StatementContext<'_>, statement: &ast::Update) -> Result<Changes> {
    if statement.from.is_some() {
        return Err(Error::unsupported("UPDATE … FROM; use a subquery in SET or WHERE"));
    }
    let (name, alias) = target(&statement.table, "UPDATE")?;
    let def = context.table(&name)?;
    let alias = alias.unwrap_or_else(|| def.name.clone());
    check_selection(statement.selection.as_ref())?;
    let set = assignments(&def, &statement.assignments)?;

    let mut items = Vec::new();
    for (place, column) in def.columns.iter().enumerate() {
        let expr = match set.iter().find(|(at, _)| *at == place) {
            Some((_, expr)) if query::is_default(expr) => column.default_expr()?,
            Some((_, expr)) => (*expr).clone(),
            None => query::column_of(&alias, &column.name),
        };
        items.push(query::named(expr, &format!("c{place}")));
    }
    let rows = selected(context, &def, &alias, items, &statement.table, statement.selection.clone()).await?;
    let columns: Vec<ArrayRef> = def
        .columns
        .iter()
        .zip(&rows.items)
        .map(|(column, values)| assign(&def, column, values))
        .collect::<Result<_>>()?;
    check_not_null(&def, &columns)?;
    let reads = context.reads(&def).await?;
    let moved = moved_keys(&def, &reads, &columns, &rows.keys).await?;
    let returned = match &statement.returning {
        Some(items) => Some(returning(context, &def, &alias, items, columns.clone()).await?),
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

/// The rows that a WHERE selects.
pub struct Selected {
    /// The columns asked for.
    pub items: Vec<ArrayRef>,
    /// The key columns as they were, in key order.
    pub keys: Vec<ArrayRef>,
    seqs: Int64Array,
}

impl Selected {
    /// How many of the rows were cold.
    pub fn cold(&self, reads: &TableReads) -> u64 {
        let through = reads.scope.view().cold.pointer.flushed_through;
        self.seqs.values().iter().filter(|s| SeqId::from_i64(**s) <= through).count() as u64
    }
}

/// Runs `SELECT items, key columns, _seq FROM table WHERE selection`.
///
/// # Errors
/// What planning and running it report.
pub async fn selected(
    context: &StatementContext<'_>,
    def: &TableDef,
    alias: &str,
    mut items: Vec<SelectItem>,
    table: &TableWithJoins,
    selection: Option<Expr>,
) -> Result<Selected> {
    let width = items.len();
    for (place, at) in def.key_columns().into_iter().enumerate() {
        if let Some(column) = def.columns.get(at) {
            items.push(query::named(query::column_of(alias, &column.name), &format!("k{place}")));
        }
    }
    items.push(query::named(query::column_of(alias, "_seq"), "s"));
    let query = query::select(items, vec![table.clone()], selection)?;
    let (schema, batches) = context.rows(query, Vec::new()).await?;
    let rows = concat_batches(&schema, &batches)?;
    let mut items = rows.columns().to_vec();
    let seqs = items.pop().and_then(|c| c.as_any().downcast_ref::<Int64Array>().cloned());
    let seqs = seqs.ok_or_else(|| Error::internal("a selection lost its _seq"))?;
    let keys = items.split_off(width.min(items.len()));
    Ok(Selected { items, keys, seqs })
}

/// The table of an UPDATE or DELETE and its alias.
///
/// # Errors
/// `Unsupported` for anything but one table.
pub fn target(table: &TableWithJoins, verb: &str) -> Result<(crate::catalog::TableName, Option<String>)> {
    match &table.relation {
        TableFactor::Table { name, alias, .. } if table.joins.is_empty() => {
            Ok((table_name(name)?, alias.as_ref().map(|a| ident_name(&a.name))))
        }
        _ => Err(Error::unsupported(format!("{verb} of anything but one table"))),
    }
}

/// Refuses conditions on tombstones: only rows can be written.
///
/// # Errors
/// `InvalidInput`.
pub fn check_selection(selection: Option<&Expr>) -> Result<()> {
    match selection.map(mentions) {
        Some(shown) if shown.deleted => Err(Error::invalid(
            "UPDATE and DELETE work on rows, not on tombstones: _deleted cannot be used here",
        )),
        _ => Ok(()),
    }
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
        return Err(duplicate(def, &new_columns, row));
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
