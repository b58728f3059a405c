//! Recognising `SELECT … FROM one table WHERE key = value AND …`.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Query, Select, SelectFlavor, SelectItem, SetExpr, TableFactor,
    TableWithJoins,
};

use crate::catalog::{ColumnType, TableDef, TableName};
use crate::plan::literal::literal;
use crate::sql::{ident_name, table_name};
use crate::values::uuid;

/// The parts of a query that is nothing but a projection and a condition over one table.
pub struct Shape<'a> {
    pub table: TableName,
    pub alias: Option<String>,
    pub items: &'a [SelectItem],
    selection: &'a Expr,
}

impl<'a> Shape<'a> {
    pub fn of(query: &'a Query) -> Option<Self> {
        let SetExpr::Select(inner) = query.body.as_ref() else { return None };
        let selection = inner.selection.as_ref()?;
        let [TableWithJoins { relation, joins }] = inner.from.as_slice() else { return None };
        if !joins.is_empty() || !is_plain(query, inner) {
            return None;
        }
        let TableFactor::Table {
            name,
            alias,
            args: None,
            with_hints,
            version: None,
            with_ordinality: false,
            partitions,
            json_path: None,
            sample: None,
            index_hints,
        } = relation
        else {
            return None;
        };
        let renamed = alias.as_ref().is_some_and(|a| !a.columns.is_empty());
        if renamed || !with_hints.is_empty() || !partitions.is_empty() || !index_hints.is_empty() {
            return None;
        }
        Some(Self {
            table: table_name(name).ok()?,
            alias: alias.as_ref().map(|a| ident_name(&a.name)),
            items: &inner.projection,
            selection,
        })
    }

    /// The parts of the condition, all of which have to hold.
    pub fn conditions(&self) -> Vec<&'a Expr> {
        let mut conditions = Vec::new();
        conjunction(self.selection, &mut conditions);
        conditions
    }

    /// The one key that the condition allows, an array of one value per key column; and the conditions
    /// besides.
    pub fn key(
        &self,
        def: &TableDef,
        alias: &str,
        params: &[ScalarValue],
    ) -> Option<(Vec<ArrayRef>, Vec<&'a Expr>)> {
        let conditions = self.conditions();
        let places = def.key_columns();
        let mut key: Vec<Option<ArrayRef>> = vec![None; places.len()];
        let mut rest = Vec::new();
        for condition in conditions {
            let found = equality(def, alias, params, condition).and_then(|(column, value)| {
                let at = places.iter().position(|p| *p == column)?;
                key.get_mut(at).filter(|slot| slot.is_none()).map(|slot| *slot = Some(value))
            });
            if found.is_none() {
                rest.push(condition);
            }
        }
        Some((key.into_iter().collect::<Option<_>>()?, rest))
    }
}

/// Whether a query has nothing but its projection, FROM and WHERE. Every field is named, so that a clause
/// the parser learns to read is not passed over here.
fn is_plain(query: &Query, inner: &Select) -> bool {
    let Query {
        with: None,
        body: _,
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks,
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators,
    } = query
    else {
        return false;
    };
    let Select {
        select_token: _,
        optimizer_hints,
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: _,
        projection: _,
        exclude: None,
        into: None,
        from: _,
        lateral_views,
        prewhere: None,
        selection: _,
        connect_by,
        group_by: GroupByExpr::Expressions(groups, group_modifiers),
        cluster_by,
        distribute_by,
        sort_by,
        having: None,
        named_window,
        qualify: None,
        window_before_qualify: _,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    } = inner
    else {
        return false;
    };
    locks.is_empty()
        && pipe_operators.is_empty()
        && optimizer_hints.is_empty()
        && lateral_views.is_empty()
        && connect_by.is_empty()
        && groups.is_empty()
        && group_modifiers.is_empty()
        && cluster_by.is_empty()
        && distribute_by.is_empty()
        && sort_by.is_empty()
        && named_window.is_empty()
}

/// The parts of the conjunction `expr`, as they stand.
fn conjunction<'a>(expr: &'a Expr, parts: &mut Vec<&'a Expr>) {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            conjunction(left, parts);
            conjunction(right, parts);
        }
        Expr::Nested(inner) => conjunction(inner, parts),
        _ => parts.push(expr),
    }
}

/// The column and the value of `column = value`, when the value is of the column's type as it stands.
fn equality(def: &TableDef, alias: &str, params: &[ScalarValue], expr: &Expr) -> Option<(usize, ArrayRef)> {
    let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = expr else { return None };
    let (name, value) = match (column_name(left, alias), column_name(right, alias)) {
        (Some(name), None) => (name, right),
        (None, Some(name)) => (name, left),
        _ => return None,
    };
    let place = def.index_of(&name)?;
    let value = as_type(literal(params, value).ok()??, def.columns.get(place)?.ty)?;
    Some((place, value.to_array().ok()?))
}

/// `value` as a key of type `ty`, if comparing the two would not convert the column.
fn as_type(value: ScalarValue, ty: ColumnType) -> Option<ScalarValue> {
    if ty == ColumnType::Uuid {
        // What is no UUID is an error, which the planner reports.
        let ScalarValue::Utf8(Some(text)) = &value else { return None };
        return Some(ScalarValue::Utf8(Some(uuid::canonical(text)?)));
    }
    let target = ty.arrow();
    // Zero has two signs and NaN many: comparing floats is the planner's.
    if value.is_null() || target.is_floating() {
        return None;
    }
    match (&value, &target) {
        (ScalarValue::Int64(Some(v)), DataType::Int32) => {
            i32::try_from(*v).ok().map(|v| ScalarValue::Int32(Some(v)))
        }
        (ScalarValue::Int64(Some(v)), DataType::Int16) => {
            i16::try_from(*v).ok().map(|v| ScalarValue::Int16(Some(v)))
        }
        _ => (value.data_type() == target).then_some(value),
    }
}

/// The name of the column that `expr` is, in a statement that calls its table `alias`.
pub fn column_name(expr: &Expr, alias: &str) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(ident_name(ident)),
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [table, column] if ident_name(table) == alias => Some(ident_name(column)),
            _ => None,
        },
        _ => None,
    }
}
