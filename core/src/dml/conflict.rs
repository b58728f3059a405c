//! ON CONFLICT: what becomes of rows whose key is taken.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, UInt64Array};
use arrow::compute::{concat, filter, take};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, ConflictTarget, DoUpdate, Expr, OnConflict, visit_expressions_mut,
};
use hashbrown::HashSet;

use crate::catalog::TableDef;
use crate::dml::assign::{assign, assignments};
use crate::dml::keys::{check_not_null, existing, first_repeat, key_arrays, repeated};
use crate::dml::query;
use crate::error::{Error, Result};
use crate::plan::StatementContext;
use crate::scan::{TableReads, rows_by_key};
use crate::sql::ident_name;

/// The name of the rows that were to be inserted, in SET and WHERE.
const EXCLUDED: &str = "excluded";
/// The names under which the two sides stand in the query, and the column that ties them.
const EXISTING_ROWS: &str = "$existing";
const EXCLUDED_ROWS: &str = "$excluded";
const ROW: &str = "$row";

/// The rows that an INSERT leaves, as the table's columns.
#[derive(Debug)]
pub struct Resolved {
    /// The columns, in order.
    pub columns: Vec<ArrayRef>,
    /// How many of them replace cold rows.
    pub cold_rows: u64,
}

/// Refuses a conflict target that is not the primary key: it is the only constraint there is.
///
/// # Errors
/// `InvalidInput` for other columns, `Unsupported` for a named constraint.
pub fn check_target(def: &TableDef, on: &OnConflict) -> Result<()> {
    match &on.conflict_target {
        None => match on.action {
            datafusion::sql::sqlparser::ast::OnConflictAction::DoNothing => Ok(()),
            _ => Err(Error::syntax("ON CONFLICT DO UPDATE needs the key columns: ON CONFLICT (…) DO UPDATE")),
        },
        Some(ConflictTarget::OnConstraint(name)) => {
            Err(Error::unsupported(format!("ON CONFLICT ON CONSTRAINT {name}; name the key columns instead")))
        }
        Some(ConflictTarget::Columns(columns)) => {
            let named: HashSet<String> = columns.iter().map(ident_name).collect();
            let key: HashSet<String> = def
                .key_columns()
                .into_iter()
                .filter_map(|i| def.columns.get(i))
                .map(|c| c.name.clone())
                .collect();
            if named == key {
                return Ok(());
            }
            Err(Error::invalid(format!(
                "ON CONFLICT must name the primary key of {}, which is its only unique constraint",
                def.full_name()
            )))
        }
    }
}

/// Keeps the rows whose key is new; of several with one key the first.
///
/// # Errors
/// What reading reports.
pub async fn do_nothing(reads: &TableReads, columns: Vec<ArrayRef>) -> Result<Resolved> {
    let key_columns = key_arrays(&reads.def, &columns);
    let keys = reads.scope.encoder.encode(&key_columns)?;
    let existing = existing(reads, &keys, &key_columns).await?;
    let mut seen = HashSet::with_capacity(keys.num_rows());
    let keep: BooleanArray =
        keys.iter().zip(&existing).map(|(k, e)| Some(seen.insert(k.data()) && e.is_none())).collect();
    let columns = columns.iter().map(|c| filter(c, &keep)).collect::<Result<_, _>>()?;
    Ok(Resolved { columns, cold_rows: 0 })
}

/// Inserts the rows whose key is new and updates the others.
///
/// # Errors
/// `Constraint` when two rows have one key; what planning and reading report.
pub async fn do_update(
    context: &StatementContext<'_>,
    reads: &TableReads,
    alias: &str,
    update: &DoUpdate,
    columns: Vec<ArrayRef>,
) -> Result<Resolved> {
    let def = &reads.def;
    let key_columns = key_arrays(def, &columns);
    let keys = reads.scope.encoder.encode(&key_columns)?;
    if let Some(row) = first_repeat(&keys) {
        return Err(repeated(def, &key_columns, row)
            .context("ON CONFLICT DO UPDATE cannot change a row twice in one statement"));
    }
    let existing = existing(reads, &keys, &key_columns).await?;
    let taken: Vec<u64> =
        existing.iter().enumerate().filter(|(_, e)| e.is_some()).map(|(i, _)| i as u64).collect();
    if taken.is_empty() {
        return Ok(Resolved { columns, cold_rows: 0 });
    }
    let taken = UInt64Array::from(taken);
    let fresh: BooleanArray = existing.iter().map(|e| Some(e.is_none())).collect();
    let taken_keys = key_columns.iter().map(|c| take(c, &taken, None)).collect::<Result<Vec<_>, _>>()?;
    let (old_rows, found) = rows_by_key(reads, &taken_keys, false, None).await?;
    let order: UInt64Array = found.iter().map(|f| f.map(|f| f.row as u64)).collect();

    let old =
        old_rows.columns().iter().skip(2).map(|c| take(c, &order, None)).collect::<Result<Vec<_>, _>>()?;
    let new = columns.iter().map(|c| take(c, &taken, None)).collect::<Result<Vec<_>, _>>()?;
    let updated = updated(context, def, alias, update, old, new).await?;
    check_not_null(def, &updated.columns)?;
    same_keys(reads, &updated, &taken_keys)?;

    let cold_rows =
        updated.rows.iter().filter(|row| found.get(**row).is_some_and(|f| f.is_some_and(|f| f.cold)));
    let cold_rows = cold_rows.count() as u64;
    let mut all = Vec::with_capacity(columns.len());
    for (inserted, updated) in columns.iter().zip(&updated.columns) {
        all.push(concat(&[filter(inserted, &fresh)?.as_ref(), updated.as_ref()])?);
    }
    Ok(Resolved { columns: all, cold_rows })
}

/// The rows after SET, and which of the conflicting rows each is.
struct Updated {
    columns: Vec<ArrayRef>,
    rows: Vec<usize>,
}

async fn updated(
    context: &StatementContext<'_>,
    def: &TableDef,
    alias: &str,
    update: &DoUpdate,
    old: Vec<ArrayRef>,
    new: Vec<ArrayRef>,
) -> Result<Updated> {
    let existing = provider_as_source(Arc::new(numbered(def, old, str::to_owned)?));
    let excluded = provider_as_source(Arc::new(numbered(def, new, excluded_name)?));
    let mut items = Vec::with_capacity(def.columns.len() + 1);
    let set = assignments(def, &update.assignments)?;
    for (place, column) in def.columns.iter().enumerate() {
        let expr = set.iter().find(|(at, _)| *at == place).map(|(_, e)| e.clone());
        let expr = expr.unwrap_or_else(|| query::column_of(alias, &column.name));
        items.push(query::named(of_excluded(expr, def), &format!("c{place}")));
    }
    items.push(query::named(query::column_of(alias, ROW), ROW));
    let tie = Expr::BinaryOp {
        left: Box::new(query::column_of(alias, ROW)),
        op: BinaryOperator::Eq,
        right: Box::new(query::column_of(EXCLUDED, ROW)),
    };
    let selection = match &update.selection {
        None => tie,
        Some(condition) => Expr::BinaryOp {
            left: Box::new(tie),
            op: BinaryOperator::And,
            right: Box::new(Expr::Nested(Box::new(of_excluded(condition.clone(), def)))),
        },
    };
    let from = vec![query::table(EXISTING_ROWS, alias), query::table(EXCLUDED_ROWS, EXCLUDED)];
    let query = query::select(items, from, Some(selection))?;
    let extra =
        vec![(query::reference(EXISTING_ROWS), existing), (query::reference(EXCLUDED_ROWS), excluded)];
    let (schema, batches) = context.rows(query, extra).await?;
    let rows = arrow::compute::concat_batches(&schema, &batches)?;
    let mut columns = rows.columns().to_vec();
    let numbers = columns.pop().ok_or_else(|| Error::internal("an update lost its row numbers"))?;
    let numbers = numbers.as_any().downcast_ref::<Int64Array>().cloned();
    let numbers = numbers.ok_or_else(|| Error::internal("an update lost its row numbers"))?;
    let columns = def
        .columns
        .iter()
        .zip(&columns)
        .map(|(column, values)| assign(def, column, values))
        .collect::<Result<_>>()?;
    Ok(Updated { columns, rows: numbers.values().iter().map(|n| usize::try_from(*n).unwrap_or(0)).collect() })
}

/// `expr` with the columns of `excluded` under the names they have in the query. Other names stay: a bare
/// one is a column of the existing row, or of a subquery that has one of that name.
fn of_excluded(mut expr: Expr, def: &TableDef) -> Expr {
    let _ = visit_expressions_mut(&mut expr, |e| {
        if let Expr::CompoundIdentifier(parts) = e
            && let [table, column] = parts.as_slice()
            && ident_name(table) == EXCLUDED
        {
            let name = ident_name(column);
            if def.column(&name).is_some() {
                *e = query::column_of(EXCLUDED, &excluded_name(&name));
            }
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
    expr
}

/// The name of a column of the excluded rows; no column of a table has it.
fn excluded_name(column: &str) -> String {
    format!("{EXCLUDED_ROWS}\0{column}")
}

/// `columns` and the number of each row; their names are those of the table through `name`.
fn numbered(def: &TableDef, mut columns: Vec<ArrayRef>, name: fn(&str) -> String) -> Result<MemTable> {
    let rows = columns.first().map_or(0, |c| c.len());
    columns.push(Arc::new(Int64Array::from_iter_values((0..rows).map(|r| r as i64))));
    let mut fields: Vec<Field> =
        def.arrow_schema().fields().iter().map(|f| f.as_ref().clone().with_name(name(f.name()))).collect();
    fields.push(Field::new(ROW, DataType::Int64, false));
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    Ok(MemTable::try_new(schema, vec![vec![batch]])?)
}

fn same_keys(reads: &TableReads, updated: &Updated, taken_keys: &[ArrayRef]) -> Result<()> {
    let after = reads.scope.encoder.encode(&key_arrays(&reads.def, &updated.columns))?;
    let before = reads.scope.encoder.encode(taken_keys)?;
    for (row, number) in updated.rows.iter().enumerate() {
        if after.row(row).data() != before.row(*number).data() {
            return Err(Error::unsupported(format!(
                "ON CONFLICT DO UPDATE cannot change the primary key of {}",
                reads.def.full_name()
            ))
            .with_hint("DELETE the row, and INSERT it under its new key"));
        }
    }
    Ok(())
}
