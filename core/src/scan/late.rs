//! What DataFusion's Parquet reader is told beside the predicate: whether to read its columns first, and what
//! long lists of values lie between.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{max, min};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use arrow::row::{RowConverter, SortField};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, lit};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, conjunction};

use crate::cold::FileSchema;
use crate::manifest::{Values, Wanted};
use crate::types::ColumnId;

/// Whether it pays to read the columns of `predicate` first and those of the rest only for the rows that match:
/// where few do, by the look of the predicate, and a column of texts, bytes or arrays is among the rest. Numbers
/// are read faster than they are skipped. `share` says how much of a column lies between two values.
#[must_use]
pub fn pays(
    wanted: &[Wanted],
    predicate: &Arc<dyn PhysicalExpr>,
    schema: &SchemaRef,
    projection: Option<&Vec<usize>>,
    share: impl Fn(ColumnId, &ScalarValue, &ScalarValue) -> Option<f64>,
) -> bool {
    let is_selective = wanted.iter().any(|w| match &w.values {
        Values::OneOf(values) => values.len() <= FEW_VALUES,
        Values::Within(Some(low), Some(high)) => share(w.column, low, high).is_some_and(|s| s <= SMALL_SHARE),
        Values::Within(..) => false,
    });
    if !is_selective {
        return false;
    }
    let first: Vec<usize> = collect_columns(predicate).iter().map(Column::index).collect();
    let is_wide = |at: usize| {
        let ty = schema.fields().get(at).map(|f| f.data_type());
        matches!(ty, Some(DataType::Utf8 | DataType::Binary | DataType::List(_)))
    };
    let read = |at: &usize| projection.is_none_or(|projection| projection.contains(at));
    (0..schema.fields().len()).filter(read).any(|at| is_wide(at) && !first.contains(&at))
}

/// A range of more than this share of what a column spans is not taken for selective.
const SMALL_SHARE: f64 = 0.2;

/// Equality with more values than this is not taken for selective.
const FEW_VALUES: usize = 16;

/// For each list of more than `longest` values, that the column lies between the lowest and the highest of them;
/// `None` when there is no such list.
#[must_use]
pub fn hulls(
    wanted: &[Wanted],
    schema: &FileSchema,
    shown: &SchemaRef,
    longest: usize,
) -> Option<Arc<dyn PhysicalExpr>> {
    let mut ends = Vec::new();
    for one in wanted {
        let Values::OneOf(values) = &one.values else { continue };
        let Some((low, high)) = lowest_and_highest(values).filter(|_| values.len() > longest) else {
            continue;
        };
        let Some(name) = schema.column(one.column).map(|c| c.name.as_str()) else { continue };
        let Ok(at) = shown.index_of(name) else { continue };
        let column = || Arc::new(Column::new(name, at)) as Arc<dyn PhysicalExpr>;
        let end = |op, value| Arc::new(BinaryExpr::new(column(), op, lit(value))) as Arc<dyn PhysicalExpr>;
        ends.extend([end(Operator::GtEq, low), end(Operator::LtEq, high)]);
    }
    (!ends.is_empty()).then(|| conjunction(ends))
}

fn lowest_and_highest(values: &ArrayRef) -> Option<(ScalarValue, ScalarValue)> {
    if let Some(numbers) = values.as_primitive_opt::<Int64Type>() {
        return Some((min(numbers)?.into(), max(numbers)?.into()));
    }
    let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())]).ok()?;
    let rows = converter.convert_columns(std::slice::from_ref(values)).ok()?;
    let low = (0..rows.num_rows()).min_by_key(|row| rows.row(*row))?;
    let high = (0..rows.num_rows()).max_by_key(|row| rows.row(*row))?;
    let at = |row| ScalarValue::try_from_array(values, row).ok();
    Some((at(low)?, at(high)?))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, Int64Array, StringArray};
    use arrow::datatypes::{Field, Schema};

    use super::*;
    use crate::cold::fixture::{column, compare, table};

    fn schema() -> FileSchema {
        table(
            vec![
                column(1, "id", DataType::Int64),
                column(2, "n", DataType::Int32),
                column(3, "body", DataType::Utf8),
            ],
            &[1],
        )
    }

    #[test]
    fn wide_columns_are_read_late_when_few_rows_match() {
        let s = schema();
        // As a scan has them: without `_seq` in front.
        let fields: Vec<Field> = s.arrow().fields().iter().skip(1).map(|f| f.as_ref().clone()).collect();
        let shown: SchemaRef = Arc::new(Schema::new(fields));
        let expr = |name: &str, op, value: ScalarValue| -> Arc<dyn PhysicalExpr> {
            let at = shown.index_of(name).unwrap();
            Arc::new(BinaryExpr::new(Arc::new(Column::new(name, at)), op, lit(value)))
        };
        let decide = |predicate: &Arc<dyn PhysicalExpr>, projection: Option<Vec<usize>>| {
            let share = |_: ColumnId, low: &ScalarValue, _: &ScalarValue| {
                Some(if *low == 3i32.into() { 0.1 } else { 0.9 })
            };
            pays(&Wanted::of(&s, predicate), predicate, &shown, projection.as_ref(), share)
        };
        let between = |low: i32| {
            let high = expr("n", Operator::Lt, 50i32.into());
            conjunction([expr("n", Operator::GtEq, low.into()), high])
        };
        assert!(decide(&between(3), None));
        assert!(!decide(&between(4), None), "most rows match");
        let n = expr("n", Operator::Eq, 3i32.into());
        assert!(decide(&n, None));
        assert!(decide(&n, Some(vec![1, 2])));
        assert!(!decide(&n, Some(vec![0, 1])), "only numbers are left");
        assert!(!decide(&expr("n", Operator::Gt, 3i32.into()), None), "half of the rows may match");
        assert!(
            !decide(&expr("body", Operator::Eq, "x".into()), None),
            "the wide column is read first anyway"
        );
        assert!(!decide(&compare(&s, "n", Operator::NotEq, 3i32), None));
    }

    #[test]
    fn long_lists_have_a_lowest_and_a_highest() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![5, -3, 9, 4]));
        assert_eq!(lowest_and_highest(&numbers), Some(((-3i64).into(), 9i64.into())));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["b", "a", "c"]));
        assert_eq!(lowest_and_highest(&texts), Some(("a".into(), "c".into())));

        let s = schema();
        let wanted = |values: ArrayRef, column: u32| {
            [Wanted { column: ColumnId(column), values: Values::OneOf(values) }]
        };
        let small: ArrayRef = Arc::new(Int32Array::from_iter_values(0..100));
        let hull = hulls(&wanted(Arc::clone(&small), 2), &s, &s.arrow(), 64).unwrap();
        assert_eq!(hull.to_string(), "n@2 >= 0 AND n@2 <= 99");
        assert!(hulls(&wanted(small, 2), &s, &s.arrow(), 100).is_none());
    }
}
