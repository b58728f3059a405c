//! The rows of INSERT … VALUES.
//!
//! Literals and parameters go straight into arrays; whatever else stands in a cell is evaluated by
//! DataFusion, all such cells in one query of one row.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::Expr;

use crate::catalog::{ColumnDef, ColumnType, DefaultExpr, Literal, TableDef};
use crate::dml::assign::assign;
use crate::dml::query;
use crate::error::{Error, Result};
use crate::plan::{StatementContext, literal, number};

/// One cell of VALUES.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Value(ScalarValue),
    Default,
    /// The n-th expression that DataFusion evaluates.
    Computed(usize),
}

/// Whether every one of `rows` leaves the value at `place` to the column.
#[must_use]
pub fn leaves_to_default(rows: &[&[Expr]], place: usize) -> bool {
    rows.iter().all(|row| row.get(place).is_some_and(query::is_default))
}

/// The columns of `rows`, one per target column, typed as it.
///
/// # Errors
/// `InvalidInput` when a row has another number of values, or a value does not fit.
pub async fn values(
    context: &StatementContext<'_>,
    def: &TableDef,
    targets: &[usize],
    rows: &[&[Expr]],
) -> Result<Vec<ArrayRef>> {
    let mut computed = Vec::new();
    let columns: Vec<&ColumnDef> = targets.iter().filter_map(|target| def.columns.get(*target)).collect();
    let mut cells: Vec<Vec<Cell>> = targets.iter().map(|_| Vec::with_capacity(rows.len())).collect();
    for (number, row) in rows.iter().enumerate() {
        if row.len() != targets.len() {
            return Err(Error::invalid(format!(
                "row {} of VALUES has {} values for {} columns of {}",
                number + 1,
                row.len(),
                targets.len(),
                def.full_name()
            )));
        }
        for ((expr, column), cells) in row.iter().zip(&columns).zip(&mut cells) {
            cells.push(cell(context, def, column, expr, &mut computed)?);
        }
    }
    let computed = compute(context, computed).await?;
    let mut arrays = Vec::with_capacity(targets.len());
    for (column, cells) in columns.into_iter().zip(cells) {
        arrays.push(column_of(context, def, column, cells, &computed).await?);
    }
    Ok(arrays)
}

fn cell(
    context: &StatementContext<'_>,
    def: &TableDef,
    column: &ColumnDef,
    expr: &Expr,
    computed: &mut Vec<Expr>,
) -> Result<Cell> {
    if query::is_default(expr) {
        return Ok(Cell::Default);
    }
    // A decimal has digits that a float, which other numbers go by, would lose.
    if let (ColumnType::Decimal { .. }, Some(text)) = (column.ty, number(expr)) {
        let value = Literal::from_number(&text, column.ty).and_then(|value| value.to_scalar(column.ty));
        let value = value.map_err(|e| e.context(format!("column {} of {}", column.name, def.full_name())));
        return value.map(Cell::Value);
    }
    if let Some(value) = literal(context.params, expr)? {
        return Ok(Cell::Value(value));
    }
    computed.push(expr.clone());
    Ok(Cell::Computed(computed.len() - 1))
}

/// The values of expressions without columns.
///
/// # Errors
/// What planning and computing them report.
pub async fn constants(context: &StatementContext<'_>, exprs: &[Expr]) -> Result<Vec<ScalarValue>> {
    let mut computed = Vec::new();
    let mut cells = Vec::with_capacity(exprs.len());
    for expr in exprs {
        cells.push(match literal(context.params, expr)? {
            Some(value) => Cell::Value(value),
            None => {
                computed.push(expr.clone());
                Cell::Computed(computed.len() - 1)
            }
        });
    }
    let computed = compute(context, computed).await?;
    let values = cells.into_iter().map(|cell| match cell {
        Cell::Value(value) => value,
        Cell::Computed(n) => computed.get(n).cloned().unwrap_or(ScalarValue::Null),
        Cell::Default => ScalarValue::Null,
    });
    Ok(values.collect())
}

async fn compute(context: &StatementContext<'_>, exprs: Vec<Expr>) -> Result<Vec<ScalarValue>> {
    if exprs.is_empty() {
        return Ok(Vec::new());
    }
    let items = exprs.into_iter().enumerate().map(|(i, e)| query::named(e, &format!("c{i}"))).collect();
    let (_, batches) = context.rows(query::select(items, Vec::new(), None)?, Vec::new()).await?;
    let row = batches.iter().find(|b| b.num_rows() == 1);
    let row = row.ok_or_else(|| Error::internal("expressions of VALUES gave no row"))?;
    row.columns().iter().map(|c| Ok(ScalarValue::try_from_array(c, 0)?)).collect()
}

async fn column_of(
    context: &StatementContext<'_>,
    def: &TableDef,
    column: &ColumnDef,
    cells: Vec<Cell>,
    computed: &[ScalarValue],
) -> Result<ArrayRef> {
    let defaults = cells.iter().filter(|c| **c == Cell::Default).count();
    let mut defaults = match defaults {
        0 => Vec::new(),
        n => default_values(context, def, column, n).await?,
    }
    .into_iter();
    let target = column.ty.arrow();
    let mut values = Vec::with_capacity(cells.len());
    for cell in cells {
        let value = match cell {
            Cell::Value(value) => value,
            Cell::Computed(n) => computed.get(n).cloned().unwrap_or(ScalarValue::Null),
            Cell::Default => defaults.next().unwrap_or(ScalarValue::Null),
        };
        values.push(fit(def, column, &target, value)?);
    }
    if values.is_empty() {
        return Ok(arrow::array::new_empty_array(&target));
    }
    Ok(ScalarValue::iter_to_array(values)?)
}

/// `value` as a value of `column`; the common cases without going through an array.
fn fit(def: &TableDef, column: &ColumnDef, target: &DataType, value: ScalarValue) -> Result<ScalarValue> {
    if value.is_null() {
        return Ok(ScalarValue::try_from(target)?);
    }
    if value.data_type() == *target {
        return Ok(value);
    }
    let direct = match (&value, target) {
        (ScalarValue::Int64(Some(v)), DataType::Int32) => {
            i32::try_from(*v).ok().map(|v| ScalarValue::Int32(Some(v)))
        }
        (ScalarValue::Int64(Some(v)), DataType::Int16) => {
            i16::try_from(*v).ok().map(|v| ScalarValue::Int16(Some(v)))
        }
        _ => None,
    };
    if let Some(value) = direct {
        return Ok(value);
    }
    let array = assign(def, column, &value.to_array()?)?;
    Ok(ScalarValue::try_from_array(&array, 0)?)
}

/// `count` values of the column's default; each id is another.
async fn default_values(
    context: &StatementContext<'_>,
    def: &TableDef,
    column: &ColumnDef,
    count: usize,
) -> Result<Vec<ScalarValue>> {
    match &column.default {
        None => Ok(vec![ScalarValue::try_from(&column.ty.arrow())?; count]),
        Some(DefaultExpr::Literal(value)) => Ok(vec![value.to_scalar(column.ty)?; count]),
        Some(DefaultExpr::Now) => {
            let now = ScalarValue::TimestampMicrosecond(Some(context.now_micros), None);
            Ok(vec![fit(def, column, &column.ty.arrow(), now)?; count])
        }
        Some(DefaultExpr::SnowflakeId | DefaultExpr::Identity) => {
            let ids = context.tiers.seqs.allocate(count).await?;
            Ok(ids.into_iter().map(|id| ScalarValue::Int64(Some(id.as_i64()))).collect())
        }
        Some(DefaultExpr::UuidV7) => Ok(drawn(count, || context.planner.ids().uuid_v7())),
        Some(DefaultExpr::Ulid) => Ok(drawn(count, || context.planner.ids().ulid())),
        Some(DefaultExpr::CurrentUser) => {
            Ok(vec![ScalarValue::Utf8(Some(context.who.subject().to_string())); count])
        }
    }
}

fn drawn(count: usize, draw: impl Fn() -> String) -> Vec<ScalarValue> {
    (0..count).map(|_| ScalarValue::Utf8(Some(draw()))).collect()
}

/// A column of `count` defaults.
///
/// # Errors
/// What allocating ids reports.
pub async fn default_column(
    context: &StatementContext<'_>,
    def: &TableDef,
    column: &ColumnDef,
    count: usize,
) -> Result<ArrayRef> {
    let target = column.ty.arrow();
    if column.default.is_none() {
        return Ok(arrow::array::new_null_array(&target, count));
    }
    if count == 0 {
        return Ok(arrow::array::new_empty_array(&target));
    }
    if matches!(column.default, Some(DefaultExpr::SnowflakeId | DefaultExpr::Identity)) {
        let ids = context.tiers.seqs.allocate(count).await?;
        let ids = arrow::array::Int64Array::from_iter_values(ids.iter().map(|id| id.as_i64()));
        return Ok(Arc::new(ids));
    }
    if matches!(column.default, Some(DefaultExpr::UuidV7 | DefaultExpr::Ulid)) {
        return Ok(ScalarValue::iter_to_array(default_values(context, def, column, count).await?)?);
    }
    let value = default_values(context, def, column, 1).await?.pop().unwrap_or(ScalarValue::Null);
    Ok(value.to_array_of_size(count)?)
}
