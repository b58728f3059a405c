//! Functions that can make far more of a value than they were given.
//!
//! DataFusion counts the memory of sorting, grouping and joining, not that of values: `repeat('x', 2000000000)` would
//! take what the machine has, or end the process where an array reaches no further. What each call will make is
//! known from its arguments, and is looked at before anything is made.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature,
};

use crate::error::Error;

/// An array of texts reaches no further.
const REACH: usize = i32::MAX as usize;

/// How what a function makes is found from its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// All arguments, one behind the other.
    Sum,
    /// Twice the first argument at most.
    Double,
    /// The first argument, as often as the second says.
    Repeat,
    /// As many signs as the second argument says.
    Pad,
    /// As many elements as the second argument says.
    Resize,
    /// The numbers or times from the first argument to the second.
    Range,
    /// The third argument for each of the second in the first.
    Replace,
    /// The third argument wherever the second may match, which may be everywhere.
    ReplacePattern,
}

const GROWING: [(&str, Growth); 16] = [
    ("array_append", Growth::Sum),
    ("array_concat", Growth::Sum),
    ("array_prepend", Growth::Sum),
    ("array_repeat", Growth::Repeat),
    ("array_resize", Growth::Resize),
    ("concat", Growth::Sum),
    ("concat_ws", Growth::Sum),
    ("encode", Growth::Double),
    ("generate_series", Growth::Range),
    ("lpad", Growth::Pad),
    ("make_array", Growth::Sum),
    ("range", Growth::Range),
    ("regexp_replace", Growth::ReplacePattern),
    ("repeat", Growth::Repeat),
    ("replace", Growth::Replace),
    ("rpad", Growth::Pad),
];

/// Puts bounds on those of `functions` that need them: none makes more at a time than half of what a statement may
/// hold.
pub fn bound(functions: &mut [Arc<ScalarUDF>], memory_bytes: usize) {
    for function in functions {
        if let Some((_, growth)) = GROWING.iter().find(|(name, _)| *name == function.name()) {
            let inner = Arc::clone(function);
            *function =
                Arc::new(ScalarUDF::from(Bounded { inner, growth: *growth, most: most(memory_bytes) }));
        }
    }
}

/// How many bytes a function may make at a time where a statement may hold `memory_bytes`.
#[must_use]
pub fn most(memory_bytes: usize) -> usize {
    (memory_bytes / 2).min(REACH)
}

/// Refuses to put `args` one behind the other when that makes more than `most` bytes.
///
/// # Errors
/// `LimitExceeded`.
pub fn check_sum(name: &str, args: &[ColumnarValue], rows: usize, most: usize) -> crate::error::Result<()> {
    within(name, args.iter().map(|arg| bytes_of(arg, rows)).sum(), most)
}

fn within(name: &str, bytes: u128, most: usize) -> crate::error::Result<()> {
    if bytes <= most as u128 {
        return Ok(());
    }
    Err(Error::limit(format!(
        "{name} would make {bytes} bytes at a time, and may make {most}: half of the memory of a statement, and no more \
         than an array holds"
    )))
}

/// A function that looks at what it will make before it makes it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
    most: usize,
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.inner().schema_name(args)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        within(self.name(), self.growth.bytes(&args.args, rows)?, self.most)?;
        self.inner.invoke_with_args(args)
    }
}

impl Growth {
    /// No less than the bytes that a call with `args` makes of `rows` rows, but where it could not tell, and there
    /// none of its values is larger.
    fn bytes(self, args: &[ColumnarValue], rows: usize) -> Result<u128> {
        let sum = || args.iter().map(|arg| bytes_of(arg, rows)).sum::<u128>();
        Ok(match (self, args) {
            (Self::Double, [first, ..]) => 2 * bytes_of(first, rows),
            (Self::Repeat, [value, count, ..]) => {
                let counts = Numbers::of(count)?;
                (0..rows).map(|row| counts.at(row) * size_at(value, row)).sum()
            }
            (Self::Pad, [text, count, fill @ ..]) => {
                let ascii =
                    fill.iter().all(|fill| (0..rows).all(|row| text_at(fill, row).is_none_or(str::is_ascii)));
                let counts = Numbers::of(count)?;
                let signs: u128 = (0..rows).map(|row| counts.at(row)).sum();
                bytes_of(text, rows) + signs * if ascii { 1 } else { 4 }
            }
            (Self::Resize, [list, count, ..]) => {
                let counts = Numbers::of(count)?;
                (0..rows).map(|row| counts.at(row)).sum::<u128>() * 16 + bytes_of(list, rows)
            }
            (Self::Range, args) => (0..rows).map(|row| range_length(args, row) * 8).sum(),
            (Self::Replace, [text, from, to, ..]) => (0..rows).map(|row| replaced(text, from, to, row)).sum(),
            (Self::ReplacePattern, [text, _, to, ..]) => {
                let of_row =
                    |row| (size_at(text, row) + 1) * text_at(to, row).map_or(0, |to| to.len() as u128);
                (0..rows).map(of_row).max().unwrap_or(0).max(sum())
            }
            _ => sum(),
        })
    }
}

/// Whole numbers, one for each row.
enum Numbers {
    One(i64),
    Many(ArrayRef),
}

impl Numbers {
    fn of(value: &ColumnarValue) -> Result<Self> {
        Ok(match value {
            ColumnarValue::Scalar(scalar) => {
                let array = cast(&scalar.to_array()?, &DataType::Int64)?;
                let array = array.as_primitive::<Int64Type>();
                Self::One(if array.is_null(0) { 0 } else { array.value(0) })
            }
            ColumnarValue::Array(array) => Self::Many(cast(array, &DataType::Int64)?),
        })
    }

    /// The number of a row, 0 for NULL and what is below it.
    fn at(&self, row: usize) -> u128 {
        let number = match self {
            Self::One(number) => *number,
            Self::Many(array) => {
                let array = array.as_primitive::<Int64Type>();
                if row < array.len() && array.is_valid(row) { array.value(row) } else { 0 }
            }
        };
        u128::try_from(number).unwrap_or(0)
    }
}

/// The text of a row; `None` for NULL and what is no text.
fn text_at(value: &ColumnarValue, row: usize) -> Option<&str> {
    match value {
        ColumnarValue::Scalar(scalar) => scalar.try_as_str().flatten(),
        ColumnarValue::Array(array) if row >= array.len() || array.is_null(row) => None,
        ColumnarValue::Array(array) => match array.data_type() {
            DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
            DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
            DataType::Utf8View => Some(array.as_string_view().value(row)),
            _ => None,
        },
    }
}

/// The bytes of the value of a row.
fn size_at(value: &ColumnarValue, row: usize) -> u128 {
    if let Some(text) = text_at(value, row) {
        return text.len() as u128;
    }
    match value {
        ColumnarValue::Scalar(scalar) => scalar.size() as u128,
        ColumnarValue::Array(array) if row < array.len() && array.is_valid(row) => {
            array.to_data().slice(row, 1).get_slice_memory_size().unwrap_or(0) as u128
        }
        ColumnarValue::Array(_) => 0,
    }
}

/// The bytes of all `rows` values.
fn bytes_of(value: &ColumnarValue, rows: usize) -> u128 {
    match value {
        ColumnarValue::Scalar(_) => size_at(value, 0) * rows as u128,
        ColumnarValue::Array(array) => array.to_data().get_slice_memory_size().unwrap_or(0) as u128,
    }
}

/// The bytes that replacing makes of the text of a row.
fn replaced(text: &ColumnarValue, from: &ColumnarValue, to: &ColumnarValue, row: usize) -> u128 {
    let (Some(text), Some(from), Some(to)) = (text_at(text, row), text_at(from, row), text_at(to, row))
    else {
        return 0;
    };
    if to.len() <= from.len() || from.is_empty() {
        return text.len() as u128;
    }
    text.len() as u128 + text.matches(from).count() as u128 * (to.len() - from.len()) as u128
}

/// How many steps there are from the first of `args`, or 0, to the second.
fn range_length(args: &[ColumnarValue], row: usize) -> u128 {
    let (from, to, step) = match args {
        [to] => (None, to, None),
        [from, to] => (Some(from), to, None),
        [from, to, step, ..] => (Some(from), to, Some(step)),
        [] => return 0,
    };
    let (Some(to), Some(from)) = (point(to, row), from.map_or(Some(0), |from| point(from, row))) else {
        return 0;
    };
    let step = step.map_or(Some(1), |step| point(step, row)).unwrap_or(0);
    (to - from).unsigned_abs().checked_div(step.unsigned_abs()).map_or(0, |steps| steps + 1)
}

/// A number, or a time or an interval in nanoseconds.
fn point(value: &ColumnarValue, row: usize) -> Option<i128> {
    const DAY: i128 = 86_400_000_000_000;
    let array = match value {
        ColumnarValue::Scalar(scalar) => scalar.to_array().ok()?,
        ColumnarValue::Array(array) => array.slice(row.min(array.len()), usize::from(row < array.len())),
    };
    if array.is_empty() || array.is_null(0) {
        return None;
    }
    if let DataType::Interval(IntervalUnit::MonthDayNano) = array.data_type() {
        let step = array.as_primitive::<IntervalMonthDayNanoType>().value(0);
        let (months, days) = (i128::from(step.months), i128::from(step.days));
        return Some((months * 30 + days) * DAY + i128::from(step.nanoseconds));
    }
    let unit = match array.data_type() {
        DataType::Date32 => DAY,
        DataType::Timestamp(TimeUnit::Second, _) => 1_000_000_000,
        DataType::Timestamp(TimeUnit::Millisecond, _) => 1_000_000,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 1_000,
        _ => 1,
    };
    let array = match array.data_type() {
        DataType::Date32 => cast(&array, &DataType::Int32).ok()?,
        _ => array,
    };
    let number = cast(&array, &DataType::Int64).ok()?;
    Some(i128::from(number.as_primitive::<Int64Type>().value(0)) * unit)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};
    use datafusion::scalar::ScalarValue;

    use super::*;

    fn text(value: &str) -> ColumnarValue {
        ColumnarValue::Scalar(ScalarValue::from(value))
    }

    fn number(value: i64) -> ColumnarValue {
        ColumnarValue::Scalar(ScalarValue::from(value))
    }

    #[test]
    fn what_a_call_makes_is_known_before() {
        let texts = ColumnarValue::Array(Arc::new(StringArray::from(vec![Some("ab"), None, Some("abcab")])));
        let numbers = ColumnarValue::Array(Arc::new(Int64Array::from(vec![Some(10), Some(7), Some(-1)])));
        let many = text(&"x".repeat(1000));
        let date = |day| ColumnarValue::Scalar(ScalarValue::Date32(Some(day)));
        let hour = ColumnarValue::Scalar(ScalarValue::new_interval_mdn(0, 0, 3_600_000_000_000));
        let cases: Vec<(Growth, Vec<ColumnarValue>, usize, u128)> = vec![
            (Growth::Repeat, vec![text("ab"), number(5)], 1, 10),
            (Growth::Repeat, vec![text("ab"), number(i64::MAX)], 1, 2 * i64::MAX as u128),
            (Growth::Repeat, vec![texts.clone(), numbers.clone()], 3, 20),
            (Growth::Repeat, vec![texts.clone(), number(2)], 3, 14),
            (Growth::Sum, vec![text("ab"), text("cde")], 1, 5),
            (Growth::Double, vec![text("ab"), text("hex")], 1, 4),
            (Growth::Pad, vec![text("ab"), number(100)], 1, 2 + 100),
            (Growth::Pad, vec![text(""), number(100), text("é")], 1, 400),
            (Growth::Replace, vec![texts.clone(), text("b"), many.clone()], 3, 7 + 3 * 999),
            (Growth::Replace, vec![texts.clone(), text(""), many.clone()], 3, 7),
            (Growth::ReplacePattern, vec![texts, text("."), many], 3, 6 * 1000),
            (Growth::Range, vec![number(5)], 1, 6 * 8),
            (Growth::Range, vec![number(10), number(-10), number(-5)], 1, 5 * 8),
            (Growth::Range, vec![number(i64::MIN), number(i64::MAX), number(1)], 1, (1 << 64) * 8),
            (Growth::Range, vec![number(1), number(9), number(0)], 1, 0),
            (Growth::Range, vec![date(0), date(10), hour], 1, 241 * 8),
        ];
        for (growth, args, rows, expected) in cases {
            let bytes = growth.bytes(&args, rows).unwrap();
            if matches!(growth, Growth::ReplacePattern) {
                assert!(bytes >= expected, "{growth:?} {args:?}: {bytes}");
            } else {
                assert_eq!(bytes, expected, "{growth:?} {args:?}");
            }
        }
    }
}
