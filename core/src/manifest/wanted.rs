//! What a predicate demands of single columns: ranges and lists of values, of any length.
//!
//! Only conjuncts that every matching row satisfies are read; the rest of the predicate is for the
//! evaluators behind.

use std::cmp::Ordering;

use arrow::array::ArrayRef;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_expr::utils::{Guarantee, LiteralGuarantee};
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use std::sync::Arc;

use crate::cold::schema::{FileSchema, SEQ_COLUMN, SEQ_ID};
use crate::key::is_nan;
use crate::types::ColumnId;

/// What every matching row has in a column; neither NULL nor NaN is among it.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The column.
    pub column: ColumnId,
    /// Its values.
    pub values: Values,
}

/// Values of a column.
#[derive(Debug, Clone)]
pub enum Values {
    /// From the first to the second, both included; an absent end is open.
    Within(Option<ScalarValue>, Option<ScalarValue>),
    /// One of these.
    OneOf(ArrayRef),
}

impl Wanted {
    /// What `predicate`, whose columns go by the names of `schema` and `_seq`, demands.
    #[must_use]
    pub fn of(schema: &FileSchema, predicate: &Arc<dyn PhysicalExpr>) -> Vec<Self> {
        let mut wanted = Vec::new();
        for guarantee in LiteralGuarantee::analyze(predicate) {
            if guarantee.guarantee != Guarantee::In {
                continue;
            }
            let Some((column, data_type)) = find(schema, &guarantee.column.name) else { continue };
            let values: Vec<ScalarValue> = guarantee.literals.into_iter().filter(|v| !v.is_null()).collect();
            if values.is_empty() || values.iter().any(|v| v.data_type() != data_type) {
                continue;
            }
            let Ok(values) = ScalarValue::iter_to_array(values) else { continue };
            if (0..values.len()).any(|row| is_nan(&values, row)) {
                continue;
            }
            wanted.push(Self { column, values: Values::OneOf(values) });
        }
        for (column, low, high) in ranges(schema, predicate) {
            wanted.push(Self { column, values: Values::Within(low, high) });
        }
        wanted
    }
}

type Range = (ColumnId, Option<ScalarValue>, Option<ScalarValue>);

/// The comparisons of the conjunction, joined per column.
fn ranges(schema: &FileSchema, predicate: &Arc<dyn PhysicalExpr>) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    for conjunct in split_conjunction(predicate) {
        let Some((name, op, value)) = comparison(conjunct) else { continue };
        let Some((id, data_type)) = find(schema, name) else { continue };
        let unusable = value.is_null() || value.data_type() != data_type;
        if unusable || value.to_array().is_ok_and(|v| is_nan(&v, 0)) {
            continue;
        }
        let at = ranges.iter().position(|(column, ..)| *column == id).unwrap_or_else(|| {
            ranges.push((id, None, None));
            ranges.len() - 1
        });
        let Some((_, low, high)) = ranges.get_mut(at) else { continue };
        let (end, tighter) = match op {
            Operator::Gt | Operator::GtEq => (low, Ordering::Greater),
            Operator::Lt | Operator::LtEq => (high, Ordering::Less),
            _ => continue,
        };
        if end.as_ref().is_none_or(|end| value.partial_cmp(end) == Some(tighter)) {
            *end = Some(value.clone());
        }
    }
    ranges.retain(|(_, low, high)| low.is_some() || high.is_some());
    ranges
}

/// The parts of `column op literal`, turned around where the literal comes first.
fn comparison(expr: &Arc<dyn PhysicalExpr>) -> Option<(&str, Operator, &ScalarValue)> {
    let binary = expr.downcast_ref::<BinaryExpr>()?;
    let (left, right) = (binary.left(), binary.right());
    match (left.downcast_ref::<Column>(), right.downcast_ref::<Literal>()) {
        (Some(column), Some(literal)) => Some((column.name(), *binary.op(), literal.value())),
        _ => {
            let (column, literal) = (right.downcast_ref::<Column>()?, left.downcast_ref::<Literal>()?);
            Some((column.name(), binary.op().swap()?, literal.value()))
        }
    }
}

fn find(schema: &FileSchema, name: &str) -> Option<(ColumnId, arrow::datatypes::DataType)> {
    if name == SEQ_COLUMN {
        return Some((SEQ_ID, arrow::datatypes::DataType::Int64));
    }
    schema.column_named(name).map(|c| (c.id, c.data_type.clone()))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;
    use datafusion::physical_expr::expressions::{binary, col, in_list, lit, not};

    use super::*;
    use crate::cold::fixture::{column, compare, table};

    fn shown(schema: &FileSchema, predicate: &Arc<dyn PhysicalExpr>) -> Vec<String> {
        let text = |v: &Option<ScalarValue>| v.as_ref().map_or("…".to_owned(), ToString::to_string);
        let one = |wanted: &Wanted| match &wanted.values {
            Values::Within(low, high) => format!("{}: {} to {}", wanted.column, text(low), text(high)),
            Values::OneOf(values) => format!("{}: {} values", wanted.column, values.len()),
        };
        Wanted::of(schema, predicate).iter().map(one).collect()
    }

    #[test]
    fn ranges_and_lists_are_read_and_nothing_else_is() {
        let columns = vec![
            column(1, "id", DataType::Int64),
            column(2, "name", DataType::Utf8),
            column(3, "score", DataType::Float64),
        ];
        let s = table(columns, &[1]);
        let arrow = s.arrow();
        let and = |a, b| binary(a, Operator::And, b, &arrow).unwrap();
        let or = |a, b| binary(a, Operator::Or, b, &arrow).unwrap();
        let id = |op, v: i64| compare(&s, "id", op, v);
        let list = |n: i64| in_list(col("id", &arrow).unwrap(), (0..n).map(lit).collect(), &false, &arrow);
        let turned = binary(lit(5i64), Operator::Lt, col("id", &arrow).unwrap(), &arrow).unwrap();
        let cases: Vec<(Arc<dyn PhysicalExpr>, Vec<&str>)> = vec![
            (id(Operator::Eq, 5), vec!["1: 1 values"]),
            (or(id(Operator::Eq, 5), id(Operator::Eq, 7)), vec!["1: 2 values"]),
            (list(2000).unwrap(), vec!["1: 2000 values"]),
            (not(list(9).unwrap()).unwrap(), vec![]),
            (and(id(Operator::GtEq, 3), id(Operator::Lt, 9)), vec!["1: 3 to 9"]),
            (and(and(id(Operator::Gt, 3), id(Operator::Gt, 4)), id(Operator::Gt, 1)), vec!["1: 4 to …"]),
            (turned, vec!["1: 5 to …"]),
            (
                and(id(Operator::Lt, 3), compare(&s, "name", Operator::Gt, "k")),
                vec!["1: … to 3", "2: k to …"],
            ),
            (compare(&s, "_seq", Operator::Gt, 3i64), vec!["0: 3 to …"]),
            (or(id(Operator::Lt, 3), id(Operator::Gt, 9)), vec![]),
            (id(Operator::NotEq, 3), vec![]),
            (compare(&s, "score", Operator::Lt, f64::NAN), vec![]),
            (compare(&s, "score", Operator::Eq, f64::NAN), vec![]),
            (compare(&s, "score", Operator::Lt, 0.5), vec!["3: … to 0.5"]),
            (compare(&s, "id", Operator::Lt, ScalarValue::Int64(None)), vec![]),
        ];
        for (predicate, expected) in cases {
            assert_eq!(shown(&s, &predicate), expected, "{predicate}");
        }
    }
}
