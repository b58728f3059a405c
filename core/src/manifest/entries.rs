//! The batch files of a manifest by column: what pruning looks at, made once per manifest and column.

use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, UInt64Array};
use arrow::compute::{self, cast};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::ScalarValue;
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::cold::schema::{FileColumn, FileSchema, SEQ_ID};
use crate::manifest::intervals::{Intervals, Sought};
use crate::manifest::model::{BatchEntry, ColumnStats};
use crate::manifest::statistics::bounds;
use crate::manifest::value::StatValue;
use crate::manifest::wanted::{Values, Wanted};
use crate::types::{ColumnId, SeqId};

/// The live batch files of a manifest. A file goes by its position.
#[derive(Debug, Default)]
pub struct Entries {
    list: Vec<Arc<BatchEntry>>,
    /// The highest `min_seq`.
    last_begun: SeqId,
    columns: Mutex<HashMap<ColumnId, Arc<ColumnBounds>>>,
    rows: OnceLock<ArrayRef>,
}

/// What is known of one column in each file.
#[derive(Debug)]
pub struct ColumnBounds {
    /// No value is lower; NULL where that is not known. `None` for types without statistics.
    pub min: Option<ArrayRef>,
    /// No value is higher, likewise.
    pub max: Option<ArrayRef>,
    /// How many NULLs.
    pub nulls: ArrayRef,
    intervals: OnceLock<Option<Intervals>>,
    /// The lowest and the highest bound of all files, where they are numbers or times.
    span: OnceLock<Option<(f64, f64)>>,
}

#[derive(Clone, Copy)]
enum End {
    Min,
    Max,
}

impl End {
    fn of(self, stats: &ColumnStats) -> Option<&StatValue> {
        // A NaN is above every bound or below it, as its sign says, and the bounds leave it out.
        if stats.nans > 0 {
            return None;
        }
        match self {
            Self::Min => stats.min.as_ref(),
            Self::Max => stats.max.as_ref(),
        }
    }

    /// The value of rows that are older than the column, as a bound.
    fn of_missing(self, missing: &ScalarValue) -> Option<StatValue> {
        let zero = match self {
            Self::Min => -0.0,
            Self::Max => 0.0,
        };
        match missing {
            ScalarValue::Float64(Some(v)) if *v == 0.0 => Some(StatValue::from_float(zero)),
            ScalarValue::Float32(Some(v)) if *v == 0.0 => Some(StatValue::from_float(zero)),
            other => StatValue::from_scalar(other),
        }
    }
}

impl Entries {
    /// These files, in this order.
    #[must_use]
    pub fn new(list: Vec<Arc<BatchEntry>>) -> Self {
        let last_begun = list.iter().map(|e| e.min_seq).max().unwrap_or_default();
        Self { list, last_begun, ..Self::default() }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Every file.
    #[must_use]
    pub fn list(&self) -> &[Arc<BatchEntry>] {
        &self.list
    }

    /// The highest `_seq` that any file begins with.
    #[must_use]
    pub fn last_begun(&self) -> SeqId {
        self.last_begun
    }

    /// Rows of each file.
    #[must_use]
    pub fn rows(&self) -> &ArrayRef {
        self.rows.get_or_init(|| Arc::new(UInt64Array::from_iter_values(self.list.iter().map(|e| e.rows))))
    }

    /// What is known of `column`. Its type and its missing value never change, so that its id is enough.
    #[must_use]
    pub fn column(&self, column: &FileColumn) -> Arc<ColumnBounds> {
        self.remembered(column.id, || {
            let ends = |end: End| {
                let missing = end.of_missing(&column.missing);
                let values = self.list.iter().map(|e| match e.columns.get(&column.id) {
                    Some(stats) => end.of(stats),
                    None => missing.as_ref(),
                });
                bounds(&column.data_type, values)
            };
            let nulls = self.list.iter().map(|e| match e.columns.get(&column.id) {
                Some(stats) => stats.nulls,
                None if column.missing.is_null() => e.rows,
                None => 0,
            });
            ColumnBounds::new(ends(End::Min), ends(End::Max), Arc::new(UInt64Array::from_iter_values(nulls)))
        })
    }

    /// What is known of `_seq`.
    #[must_use]
    pub fn seqs(&self) -> Arc<ColumnBounds> {
        self.remembered(SEQ_ID, || {
            let ends = |end: fn(&BatchEntry) -> SeqId| -> ArrayRef {
                Arc::new(Int64Array::from_iter_values(self.list.iter().map(|e| end(e).as_i64())))
            };
            let nulls = Arc::new(UInt64Array::from(vec![0; self.list.len()]));
            ColumnBounds::new(Some(ends(|e| e.min_seq)), Some(ends(|e| e.max_seq)), nulls)
        })
    }

    fn remembered(&self, id: ColumnId, make: impl FnOnce() -> ColumnBounds) -> Arc<ColumnBounds> {
        if let Some(found) = self.columns.lock().get(&id) {
            return Arc::clone(found);
        }
        let made = Arc::new(make());
        Arc::clone(self.columns.lock().entry(id).or_insert(made))
    }

    /// The positions, ascending, of the files that may hold a row as `wanted` by each; `None` when nothing
    /// in it says anything.
    #[must_use]
    pub fn holding(&self, schema: &FileSchema, wanted: &[Wanted]) -> Option<Vec<u32>> {
        let mut left: Option<Vec<u32>> = None;
        for one in wanted {
            let bounds = match schema.column(one.column) {
                Some(column) => self.column(column),
                None if one.column == SEQ_ID => self.seqs(),
                None => continue,
            };
            let Some(found) = bounds.holding(&one.values) else { continue };
            left = Some(match left {
                Some(mut left) => {
                    left.retain(|at| found.binary_search(at).is_ok());
                    left
                }
                None => found,
            });
        }
        left
    }
}

/// Numbers and times as floats.
fn numbers(values: &ArrayRef) -> Option<Float64Array> {
    let whole = values.data_type().is_temporal().then(|| cast(values, &DataType::Int64).ok());
    let numbers = cast(whole.flatten().as_ref().unwrap_or(values), &DataType::Float64).ok()?;
    numbers.as_primitive_opt::<Float64Type>().filter(|_| *values.data_type() != DataType::Utf8).cloned()
}

impl ColumnBounds {
    fn new(min: Option<ArrayRef>, max: Option<ArrayRef>, nulls: ArrayRef) -> Self {
        Self { min, max, nulls, intervals: OnceLock::new(), span: OnceLock::new() }
    }

    /// How much of what the files span lies between `low` and `high`, as if values were spread evenly; `None` for
    /// what is neither a number nor a time.
    #[must_use]
    pub fn share(&self, low: &ScalarValue, high: &ScalarValue) -> Option<f64> {
        let span = self.span.get_or_init(|| {
            let ends = self.min.as_ref().zip(self.max.as_ref());
            ends.and_then(|(min, max)| Some((compute::min(&numbers(min)?)?, compute::max(&numbers(max)?)?)))
        });
        let (first, last) = (*span)?;
        let number = |value: &ScalarValue| compute::min(&numbers(&value.to_array().ok()?)?);
        let (low, high) = (number(low)?.max(first), number(high)?.min(last));
        Some(if last > first { ((high - low) / (last - first)).max(0.0) } else { 1.0 })
    }

    /// The ranges of the files for searching; `None` for types without statistics or without an order.
    #[must_use]
    pub fn intervals(&self) -> Option<&Intervals> {
        let made = self.intervals.get_or_init(|| {
            let (min, max) = self.min.as_ref().zip(self.max.as_ref())?;
            Intervals::new(min, max).ok()
        });
        made.as_ref()
    }

    fn holding(&self, values: &Values) -> Option<Vec<u32>> {
        let intervals = self.intervals()?;
        let encode = |column: ArrayRef| intervals.encoder().encode(&[column]).ok();
        match values {
            Values::OneOf(values) => {
                let rows = encode(Arc::clone(values))?;
                let mut sought: Vec<&[u8]> = rows.iter().map(|row| row.data()).collect();
                sought.sort_unstable();
                Some(intervals.holding(&Sought::OneOf(&sought)))
            }
            Values::Within(low, high) => {
                let end = |end: &Option<ScalarValue>| match end {
                    Some(value) => Some(Some(encode(value.to_array().ok()?)?)),
                    None => Some(None),
                };
                let (low, high) = (end(low)?, end(high)?);
                let bytes =
                    |end: &'_ Option<arrow::row::Rows>| end.as_ref().map(|rows| rows.row(0).data().to_vec());
                let (low, high) = (bytes(&low), bytes(&high));
                Some(intervals.holding(&Sought::Within(low.as_deref(), high.as_deref())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date32Array, StringArray};

    use super::*;

    #[test]
    fn a_range_is_a_share_of_what_the_files_span() {
        let of = |min: ArrayRef, max: ArrayRef| {
            let nulls = Arc::new(UInt64Array::from(vec![0; min.len()]));
            ColumnBounds::new(Some(min), Some(max), nulls)
        };
        let numbers = of(
            Arc::new(Int64Array::from(vec![Some(0), None, Some(50)])),
            Arc::new(Int64Array::from(vec![Some(60), None, Some(100)])),
        );
        let share = |low: i64, high: i64| numbers.share(&low.into(), &high.into());
        assert_eq!(share(10, 20), Some(0.1));
        assert_eq!(share(-100, 1000), Some(1.0));
        assert_eq!(share(200, 300), Some(0.0));
        let days = of(Arc::new(Date32Array::from(vec![0])), Arc::new(Date32Array::from(vec![10])));
        let day = |day| ScalarValue::Date32(Some(day));
        assert_eq!(days.share(&day(5), &day(10)), Some(0.5));
        let texts = of(Arc::new(StringArray::from(vec!["1"])), Arc::new(StringArray::from(vec!["9"])));
        assert_eq!(texts.share(&"2".into(), &"3".into()), None);
    }
}
