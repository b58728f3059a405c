//! Which batch files a predicate can match, decided from the manifest alone.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use datafusion::common::Column as ColumnName;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::scalar::ScalarValue;

use crate::cold::schema::{FileSchema, SEQ_COLUMN};
use crate::manifest::entries::{ColumnBounds, Entries};
use crate::manifest::wanted::Wanted;

/// What a predicate leaves of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// Positions of the files that may hold a matching row.
    pub keep: Vec<usize>,
    /// How many files statistics ruled out.
    pub by_stats: usize,
}

/// Rules out files of which no row, live or dead, can satisfy `predicate`, whose columns go by the
/// table's names in `schema` and by `_seq`. Anything that cannot be decided keeps the file.
///
/// Ranges and lists of values are searched first, which does not look at each file; the whole of the
/// predicate is evaluated on what that leaves.
#[must_use]
pub fn prune(entries: &Entries, schema: &FileSchema, predicate: &Arc<dyn PhysicalExpr>) -> Pruned {
    let found = entries.holding(schema, &Wanted::of(schema, predicate));
    let among = found.filter(|found| found.len() < entries.len());
    let left: Vec<usize> = match &among {
        Some(found) => found.iter().map(|at| *at as usize).collect(),
        None => (0..entries.len()).collect(),
    };
    let may_match = if left.is_empty() { None } else { evaluate(entries, schema, predicate, among) };
    let keep: Vec<usize> = match may_match {
        Some(may) => left.into_iter().zip(may).filter(|(_, may)| *may).map(|(at, _)| at).collect(),
        None => left,
    };
    let by_stats = entries.len() - keep.len();
    Pruned { keep, by_stats }
}

/// Per file of `among` whether it may match; `None` when that cannot be told.
fn evaluate(
    entries: &Entries,
    schema: &FileSchema,
    predicate: &Arc<dyn PhysicalExpr>,
    among: Option<Vec<u32>>,
) -> Option<Vec<bool>> {
    let arrow = schema.arrow();
    let predicate = indexed(predicate, &arrow)?;
    let pruning = PruningPredicateBuilder::new().with_file_schema(arrow).build(predicate)?;
    pruning.prune(&EntryStatistics { entries, schema, among: among.map(UInt32Array::from) }).ok()
}

/// `predicate` with its columns numbered as in `schema`, by name: it may come from a projection.
fn indexed(predicate: &Arc<dyn PhysicalExpr>, schema: &SchemaRef) -> Option<Arc<dyn PhysicalExpr>> {
    let renumber = |expr: Arc<dyn PhysicalExpr>| {
        let place = expr.downcast_ref::<Column>().and_then(|c| {
            schema.index_of(c.name()).ok().filter(|i| *i != c.index()).map(|i| Column::new(c.name(), i))
        });
        Ok(match place {
            Some(column) => Transformed::yes(Arc::new(column) as Arc<dyn PhysicalExpr>),
            None => Transformed::no(expr),
        })
    };
    Arc::clone(predicate).transform(renumber).data().ok()
}

/// The statistics of the entries, in the shape that DataFusion's pruning reads.
struct EntryStatistics<'a> {
    entries: &'a Entries,
    schema: &'a FileSchema,
    /// The files to look at; absent, all.
    among: Option<UInt32Array>,
}

impl EntryStatistics<'_> {
    fn bounds(&self, name: &str) -> Option<Arc<ColumnBounds>> {
        if name == SEQ_COLUMN {
            return Some(self.entries.seqs());
        }
        Some(self.entries.column(self.schema.column_named(name)?))
    }

    fn chosen(&self, values: &ArrayRef) -> Option<ArrayRef> {
        match &self.among {
            Some(among) => take(values, among, None).ok(),
            None => Some(Arc::clone(values)),
        }
    }
}

impl PruningStatistics for EntryStatistics<'_> {
    fn min_values(&self, column: &ColumnName) -> Option<ArrayRef> {
        self.chosen(self.bounds(column.name())?.min.as_ref()?)
    }

    fn max_values(&self, column: &ColumnName) -> Option<ArrayRef> {
        self.chosen(self.bounds(column.name())?.max.as_ref()?)
    }

    fn num_containers(&self) -> usize {
        self.among.as_ref().map_or(self.entries.len(), Array::len)
    }

    fn null_counts(&self, column: &ColumnName) -> Option<ArrayRef> {
        self.chosen(&self.bounds(column.name())?.nulls)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        self.chosen(self.entries.rows())
    }

    fn contained(&self, _: &ColumnName, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        // Lists of any length were looked up in the ranges before.
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array,
        Int64Array, RecordBatch, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::{DataType, TimeUnit};
    use datafusion::logical_expr::Operator;
    use datafusion::physical_expr::expressions::{
        binary, col, in_list, is_not_null, is_null, like, lit, not,
    };

    use crate::cold::fixture::{column, compare, rows, table, write};
    use crate::cold::rows::conform;
    use crate::manifest::BatchEntry;
    use crate::storage::{Rng, SeededRng};

    fn schema() -> FileSchema {
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        let columns = vec![
            column(1, "id", DataType::Int64),
            column(2, "name", DataType::Utf8),
            column(3, "score", DataType::Float64),
            column(4, "at", micros),
            column(5, "ok", DataType::Boolean),
            column(6, "day", DataType::Date32),
            column(7, "raw", DataType::Binary),
        ];
        table(columns, &[1])
    }

    fn file(
        schema: &FileSchema,
        ids: &[i64],
        names: Vec<Option<&str>>,
        scores: Vec<Option<f64>>,
    ) -> BatchEntry {
        let n = ids.len();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(ids.to_vec())),
            Arc::new(StringArray::from(names)),
            Arc::new(Float64Array::from(scores)),
            Arc::new(TimestampMicrosecondArray::from(ids.to_vec())),
            Arc::new(BooleanArray::from(vec![true; n])),
            Arc::new(Date32Array::from(vec![3; n])),
            Arc::new(BinaryArray::from(vec![&b"x"[..]; n])),
        ];
        write(schema, 1, &[rows(schema, columns)]).entry
    }

    fn kept(entries: &[BatchEntry], schema: &FileSchema, predicate: &Arc<dyn PhysicalExpr>) -> Vec<usize> {
        let entries = Entries::new(entries.iter().cloned().map(Arc::new).collect());
        let pruned = prune(&entries, schema, predicate);
        assert_eq!(pruned.keep.len() + pruned.by_stats, entries.len());
        pruned.keep
    }

    #[test]
    fn ranges_nulls_and_nans() {
        let s = schema();
        let long = "z".repeat(100);
        let files = [
            file(&s, &[1, 5], vec![Some("a"), Some("c")], vec![Some(1.0), Some(2.0)]),
            file(&s, &[10, 20], vec![None, None], vec![Some(0.0), None]),
            file(&s, &[30, 40], vec![Some("m"), Some(&long)], vec![Some(f64::NAN), Some(1.0)]),
        ];
        let arrow = s.arrow();
        let c = |name: &str| col(name, &arrow).unwrap();
        let cases: Vec<(Arc<dyn PhysicalExpr>, Vec<usize>)> = vec![
            (compare(&s, "id", Operator::Eq, 5i64), vec![0]),
            (compare(&s, "id", Operator::Eq, 6i64), vec![]),
            (compare(&s, "id", Operator::GtEq, 20i64), vec![1, 2]),
            (compare(&s, "id", Operator::NotEq, 5i64), vec![0, 1, 2]),
            (compare(&s, "name", Operator::Eq, "b"), vec![0]),
            (compare(&s, "name", Operator::GtEq, "zz"), vec![2]),
            (compare(&s, "name", Operator::Lt, "m"), vec![0]),
            (is_null(c("name")).unwrap(), vec![1]),
            (is_not_null(c("name")).unwrap(), vec![0, 2]),
            (compare(&s, "score", Operator::Gt, 1.5), vec![0, 2]),
            (compare(&s, "score", Operator::Lt, 0.5), vec![1, 2]),
            (compare(&s, "score", Operator::Eq, -0.0), vec![1, 2]),
            (compare(&s, "ok", Operator::Eq, false), vec![]),
            (not(c("ok")).unwrap(), vec![]),
            (compare(&s, "_seq", Operator::Gt, 1000i64), vec![0, 1, 2]),
            (compare(&s, "_seq", Operator::Gt, 1001i64), vec![]),
            (compare(&s, "at", Operator::LtEq, ScalarValue::TimestampMicrosecond(Some(9), None)), vec![0]),
            (compare(&s, "day", Operator::Eq, ScalarValue::Date32(Some(4))), vec![]),
            (compare(&s, "raw", Operator::Eq, ScalarValue::Binary(Some(b"x".to_vec()))), vec![0, 1, 2]),
            (
                binary(
                    compare(&s, "id", Operator::Lt, 6i64),
                    Operator::Or,
                    compare(&s, "id", Operator::Gt, 35i64),
                    &arrow,
                )
                .unwrap(),
                vec![0, 2],
            ),
            (in_list(c("id"), vec![lit(3i64), lit(10i64)], &false, &arrow).unwrap(), vec![0, 1]),
            (in_list(c("id"), (41i64..3000).map(lit).collect(), &false, &arrow).unwrap(), vec![]),
            (in_list(c("id"), (-90i64..2).map(lit).collect(), &false, &arrow).unwrap(), vec![0]),
            (like(false, false, c("name"), lit("c%"), &arrow).unwrap(), vec![0]),
            // Nothing is known of these: every file stays.
            (compare(&s, "id", Operator::Eq, ScalarValue::Int64(None)), vec![0, 1, 2]),
            (binary(c("id"), Operator::Gt, c("at"), &arrow).unwrap_or_else(|_| lit(true)), vec![0, 1, 2]),
            (lit(true), vec![0, 1, 2]),
        ];
        for (predicate, expected) in cases {
            assert_eq!(kept(&files, &s, &predicate), expected, "{predicate}");
        }
    }

    #[test]
    fn decimals_times_and_instants_have_ranges_and_arrays_have_none() {
        let (instant, hour) =
            (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), TimeUnit::Microsecond);
        let list = DataType::new_list(DataType::Int32, true);
        let columns = vec![
            column(1, "price", DataType::Decimal128(10, 2)),
            column(2, "at", instant.clone()),
            column(3, "hour", DataType::Time64(hour)),
            column(4, "list", list.clone()),
        ];
        let s = table(columns, &[1]);
        let file = |number: u64, low: i64| {
            let prices = Decimal128Array::from(vec![i128::from(low), i128::from(low) + 50]);
            let columns: Vec<ArrayRef> = vec![
                Arc::new(prices.with_precision_and_scale(10, 2).unwrap()),
                Arc::new(TimestampMicrosecondArray::from(vec![low, low + 50]).with_timezone("UTC")),
                Arc::new(Time64MicrosecondArray::from(vec![low + 1000, low + 1050])),
                arrow::array::new_null_array(&list, 2),
            ];
            write(&s, number, &[rows(&s, columns)]).entry
        };
        let files = [file(1, -100), file(2, 0), file(3, 1000)];
        let price = |v: i128| ScalarValue::Decimal128(Some(v), 10, 2);
        let at = |v: i64| ScalarValue::TimestampMicrosecond(Some(v), Some("UTC".into()));
        let hour = |v: i64| ScalarValue::Time64Microsecond(Some(v));
        let cases: Vec<(Arc<dyn PhysicalExpr>, Vec<usize>)> = vec![
            (compare(&s, "price", Operator::Eq, price(25)), vec![1]),
            (compare(&s, "price", Operator::Lt, price(0)), vec![0]),
            (compare(&s, "price", Operator::GtEq, price(50)), vec![1, 2]),
            (compare(&s, "at", Operator::Eq, at(1025)), vec![2]),
            (compare(&s, "at", Operator::Gt, at(1050)), vec![]),
            (compare(&s, "hour", Operator::Eq, hour(925)), vec![0]),
            (compare(&s, "hour", Operator::Lt, hour(900)), vec![]),
            (is_null(col("list", &s.arrow()).unwrap()).unwrap(), vec![0, 1, 2]),
            (is_not_null(col("list", &s.arrow()).unwrap()).unwrap(), vec![]),
        ];
        for (predicate, expected) in cases {
            assert_eq!(kept(&files, &s, &predicate), expected, "{predicate}");
        }
        assert!(files.iter().all(|f| f.columns[&s.columns[3].id].min.is_none()));
    }

    #[test]
    fn columns_are_found_by_name_and_files_by_id() {
        let old = schema();
        let files = [file(&old, &[1, 5], vec![Some("a"); 2], vec![None; 2])];
        let mut s = old.clone();
        s.columns[1].name = "title".into();
        let mut name = column(9, "name", DataType::Utf8);
        name.missing = ScalarValue::from("new");
        s.columns.push(name);
        s.columns.push(column(10, "extra", DataType::Int32));
        let mut zero = column(11, "zero", DataType::Float64);
        zero.missing = ScalarValue::from(0.0);
        s.columns.push(zero);
        let extra = col("extra", &s.arrow()).unwrap();
        let cases: Vec<(Arc<dyn PhysicalExpr>, Vec<usize>)> = vec![
            (compare(&s, "title", Operator::Eq, "a"), vec![0]),
            (compare(&s, "title", Operator::Eq, "b"), vec![]),
            (compare(&s, "name", Operator::Eq, "a"), vec![]),
            (compare(&s, "name", Operator::Eq, "new"), vec![0]),
            (compare(&s, "extra", Operator::Eq, 1), vec![]),
            (is_null(Arc::clone(&extra)).unwrap(), vec![0]),
            (is_not_null(extra).unwrap(), vec![]),
            (compare(&s, "zero", Operator::Eq, -0.0), vec![0]),
            (compare(&s, "zero", Operator::Eq, 1.0), vec![]),
        ];
        for (predicate, expected) in cases {
            assert_eq!(kept(&files, &s, &predicate), expected, "{predicate}");
        }
        // Numbered for a projection of another shape.
        let elsewhere: Arc<dyn PhysicalExpr> = Arc::new(Column::new("title", 99));
        let predicate = binary(elsewhere, Operator::Eq, lit("b"), &old.arrow()).ok();
        let predicate = predicate.unwrap_or_else(|| compare(&s, "title", Operator::Eq, "b"));
        assert_eq!(kept(&files, &s, &predicate), Vec::<usize>::new());
    }

    struct Dice(SeededRng);

    impl Dice {
        fn below(&self, n: u64) -> u64 {
            let mut bytes = [0; 8];
            self.0.fill(&mut bytes);
            u64::from_le_bytes(bytes) % n
        }
    }

    fn random_rows(dice: &Dice, schema: &FileSchema) -> RecordBatch {
        let n = 1 + dice.below(6) as i64;
        let base = dice.below(40) as i64;
        let score = |i: i64| match dice.below(12) {
            0 => None,
            1 => Some(f64::NAN),
            2 => Some(-0.0),
            3 => Some(-f64::NAN),
            _ => Some((base + i) as f64 / 2.0),
        };
        let some = |i: i64| (dice.below(5) > 0).then_some(base / 2 + i);
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values((0..n).map(|i| base + i))),
            Arc::new((0..n).map(|i| some(i).map(|v| "k".repeat(v as usize * 9))).collect::<StringArray>()),
            Arc::new((0..n).map(score).collect::<Float64Array>()),
            Arc::new((0..n).map(some).collect::<TimestampMicrosecondArray>()),
            Arc::new((0..n).map(|i| some(i).map(|v| v > 9)).collect::<BooleanArray>()),
            Arc::new((0..n).map(|i| some(i).map(|v| v as i32)).collect::<Date32Array>()),
            Arc::new((0..n).map(|i| some(i).map(|v| vec![0xFF; v as usize * 8])).collect::<BinaryArray>()),
            Arc::new((0..n).map(|i| some(i).map(|v| v as i32)).collect::<Int32Array>()),
        ];
        columns.truncate(schema.columns.len());
        rows(schema, columns)
    }

    fn random_predicate(dice: &Dice, schema: &FileSchema, depth: u32) -> Arc<dyn PhysicalExpr> {
        let arrow = schema.arrow();
        if depth > 0 && dice.below(3) == 0 {
            let op = if dice.below(2) == 0 { Operator::And } else { Operator::Or };
            let (a, b) =
                (random_predicate(dice, schema, depth - 1), random_predicate(dice, schema, depth - 1));
            return binary(a, op, b, &arrow).unwrap();
        }
        if depth > 0 && dice.below(6) == 0 {
            return not(random_predicate(dice, schema, depth - 1)).unwrap();
        }
        let field = arrow.field(dice.below(arrow.fields().len() as u64) as usize);
        let column = col(field.name(), &arrow).unwrap();
        match dice.below(10) {
            0 => return is_null(column).unwrap(),
            1 => return is_not_null(column).unwrap(),
            _ => {}
        }
        let v = dice.below(45) as i64;
        let value = match field.data_type() {
            DataType::Int64 if field.name() == "_seq" => ScalarValue::from(990 + v),
            DataType::Int64 => ScalarValue::from(v),
            DataType::Int32 => ScalarValue::from(v as i32 / 2),
            DataType::Utf8 => ScalarValue::from("k".repeat(v as usize / 2 * 9)),
            DataType::Float64 if v == 44 => ScalarValue::from(f64::NAN),
            DataType::Float64 => ScalarValue::from(v as f64 / 2.0),
            DataType::Boolean => ScalarValue::from(v % 2 == 0),
            DataType::Date32 => ScalarValue::Date32(Some(v as i32 / 2)),
            DataType::Binary => ScalarValue::Binary(Some(vec![0xFF; v as usize / 2 * 8])),
            _ => ScalarValue::TimestampMicrosecond(Some(v / 2), None),
        };
        let ops = [Operator::Eq, Operator::NotEq, Operator::Lt, Operator::LtEq, Operator::Gt, Operator::GtEq];
        binary(column, ops[dice.below(6) as usize], lit(value), &arrow).unwrap()
    }

    /// A pruned file must not hold a single matching row, whatever the predicate.
    #[test]
    fn what_is_pruned_has_no_matching_row() {
        let dice = Dice(SeededRng::new(20_261_122));
        let old = schema();
        let mut new = old.clone();
        let mut later = column(8, "later", DataType::Int32);
        later.missing = ScalarValue::from(11);
        new.columns.push(later);
        let mut pruned_files = 0;
        for _ in 0..150 {
            let batches: Vec<(BatchEntry, RecordBatch)> = (0..8)
                .map(|_| {
                    let writing = if dice.below(2) == 0 { &old } else { &new };
                    let batch = random_rows(&dice, writing);
                    (write(writing, 1, std::slice::from_ref(&batch)).entry, conform(&batch, &new).unwrap())
                })
                .collect();
            let entries = Entries::new(batches.iter().map(|(e, _)| Arc::new(e.clone())).collect());
            for _ in 0..10 {
                let predicate = random_predicate(&dice, &new, 2);
                let pruned = prune(&entries, &new, &predicate);
                pruned_files += pruned.by_stats;
                for (i, (_, batch)) in batches.iter().enumerate().filter(|(i, _)| !pruned.keep.contains(i)) {
                    let matches = predicate.evaluate(batch).unwrap().into_array(batch.num_rows()).unwrap();
                    assert_eq!(
                        matches.as_boolean().true_count(),
                        0,
                        "{predicate} pruned file {i}: {batch:?}"
                    );
                }
            }
        }
        assert!(pruned_files > 2000, "only {pruned_files} files pruned");
    }
}
