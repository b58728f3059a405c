//! Giving values to columns.

use arrow::array::ArrayRef;
use datafusion::sql::sqlparser::ast::{
    Assignment, AssignmentTarget, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr,
    ObjectName, ObjectNamePart, OrderByKind, Query, Select, SelectItem, SetExpr, Value,
};

use crate::catalog::{ColumnDef, DefaultExpr, TableDef, convert, quoted};
use crate::dml::query::is_default;
use crate::error::{Error, Result};
use crate::plan::choice;
use crate::sql::ident_name;

/// `values` as values of `column`.
///
/// # Errors
/// `InvalidInput` naming table, column and the value that does not fit; `Constraint` for text that is too
/// long.
pub fn assign(def: &TableDef, column: &ColumnDef, values: &ArrayRef) -> Result<ArrayRef> {
    convert(values, column.ty)
        .map_err(|why| why.error(&format!("column {} of {} is {}", column.name, def.full_name(), column.ty)))
}

/// The assignments of SET by the place of their column.
///
/// # Errors
/// `NotFound` for unknown columns, `InvalidInput` for one named twice, for another number of values than of
/// columns, and for a value that an identity is given; `Unsupported` for a subquery that cannot be divided.
pub fn assignments(def: &TableDef, set: &[Assignment]) -> Result<Vec<(usize, Expr)>> {
    let mut places: Vec<(usize, Expr)> = Vec::with_capacity(set.len());
    for Assignment { target, value } in set {
        match target {
            AssignmentTarget::ColumnName(name) => place(def, name, value.clone(), &mut places)?,
            AssignmentTarget::Tuple(names) => {
                let values = row_of(value, names.len())?;
                for (name, value) in names.iter().zip(values) {
                    place(def, name, value, &mut places)?;
                }
            }
        }
    }
    Ok(places)
}

fn place(def: &TableDef, name: &ObjectName, value: Expr, places: &mut Vec<(usize, Expr)>) -> Result<()> {
    let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() else {
        // PostgreSQL takes what is in front for a column, of which the rest would be a field.
        let last = name.0.last().and_then(|part| part.as_ident()).map(ident_name).unwrap_or_default();
        return Err(Error::invalid(format!("SET {name}: a column is set by its name alone"))
            .about(None, &last)
            .with_hint(format!("write SET {} = …", quoted(&last))));
    };
    let name = ident_name(ident);
    if name == "_seq" || name == "_deleted" {
        return Err(Error::invalid(format!("column {name} is set by the engine and cannot be written")));
    }
    let at = def.index_of(&name).ok_or_else(|| def.no_column(&name))?;
    let identity = def.columns.get(at).is_some_and(|c| c.default == Some(DefaultExpr::Identity));
    if identity && !is_default(&value) {
        return Err(Error::invalid(format!(
            "column {} of {} is GENERATED ALWAYS and cannot be set",
            quoted(&name),
            def.full_name()
        )));
    }
    if places.iter().any(|(other, _)| *other == at) {
        return Err(Error::invalid(format!("column {name} is set twice")));
    }
    places.push((at, value));
    Ok(())
}

/// The values of `(a, b)`, `ROW(a, b)` or a subquery of as many columns as are set.
fn row_of(value: &Expr, columns: usize) -> Result<Vec<Expr>> {
    let values: Vec<Expr> = match value {
        Expr::Tuple(values) => values.clone(),
        Expr::Nested(inner) => vec![inner.as_ref().clone()],
        Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("row") => {
            let FunctionArguments::List(list) = &function.args else { return Err(no_row(value)) };
            let values = list.args.iter().map(|arg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr.clone()),
                _ => Err(no_row(value)),
            });
            values.collect::<Result<_>>()?
        }
        Expr::Subquery(query) => divided(query)?,
        _ => return Err(no_row(value)),
    };
    if values.len() != columns {
        return Err(Error::invalid(format!("SET gives {} values to {columns} columns", values.len())));
    }
    Ok(values)
}

fn no_row(value: &Expr) -> Error {
    Error::syntax(format!("SET (a, b) = needs a row, as (1, 2), or a subquery, found {value}"))
}

/// A subquery of several columns as one subquery for each.
fn divided(query: &Query) -> Result<Vec<Expr>> {
    let refused = || {
        Error::unsupported(
            "SET (a, b) = a subquery with *, DISTINCT, UNION, or GROUP BY and ORDER BY by number: set each column \
             by a subquery of its own",
        )
    };
    let SetExpr::Select(select) = query.body.as_ref() else { return Err(refused()) };
    let Select {
        distinct: None, top: None, projection, group_by: GroupByExpr::Expressions(groups, _), ..
    } = select.as_ref()
    else {
        return Err(refused());
    };
    let ordered = match query.order_by.as_ref().map(|by| &by.kind) {
        None => Vec::new(),
        Some(OrderByKind::Expressions(all)) => all.iter().map(|by| &by.expr).collect(),
        Some(OrderByKind::All(_)) => return Err(refused()),
    };
    let is_number = |expr: &&Expr| matches!(expr, Expr::Value(v) if matches!(v.value, Value::Number(..)));
    if groups.iter().chain(ordered).any(|expr| is_number(&expr)) {
        return Err(refused());
    }
    // Each column has a query of its own, which has to find the same row.
    if projection.len() > 1
        && let Some(what) = choice(query)
    {
        return Err(Error::unsupported(format!(
            "SET (a, b) = a subquery with {what}, which could take the columns from different rows: use max or min, \
             or WHERE for the row, or set each column by a subquery of its own"
        )));
    }
    let of_item = |item: &SelectItem| {
        let (SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }) = item else {
            return Err(refused());
        };
        let mut select = select.clone();
        select.projection = vec![item.clone()];
        let mut query = query.clone();
        query.body = Box::new(SetExpr::Select(select));
        Ok(Expr::Subquery(Box::new(query)))
    };
    projection.iter().map(of_item).collect()
}
