//! Statistics of batch files, from the rows that are written.
//!
//! What they promise: no value lies below `min` or above `max`. NULLs and NaNs are counted and left
//! out. Zeros widen to `-0.0` as minimum and `0.0` as maximum, because SQL holds them equal. Long text
//! and bytes are cut: a minimum downwards, a maximum upwards or left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array, Float32Array, Float64Array,
    PrimitiveArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::{max, max_binary, max_boolean, max_string, min, min_binary, min_boolean, min_string};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};

use crate::cold::schema::{FileSchema, SEQ_COLUMN};
use crate::error::{Error, Result};
use crate::manifest::model::ColumnStats;
use crate::manifest::value::StatValue;
use crate::types::{ColumnId, SeqId};

/// Longest text or bytes kept as a bound.
const MAX_BOUND_BYTES: usize = 64;

/// A value of a column while its statistics are being made.
#[derive(Debug, Clone, PartialEq)]
enum Bound {
    Bool(bool),
    Int(i64),
    BigInt(i64),
    Float(f64),
    /// Units of 10^-scale, precision and scale; those of one column have one scale.
    Decimal(i128, u8, i8),
    Text(String),
    Bytes(Vec<u8>),
}

impl Bound {
    fn less(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a < b,
            (Self::Int(a) | Self::BigInt(a), Self::Int(b) | Self::BigInt(b)) => a < b,
            (Self::Float(a), Self::Float(b)) => a < b,
            (Self::Decimal(a, _, _), Self::Decimal(b, _, _)) => a < b,
            (Self::Text(a), Self::Text(b)) => a < b,
            (Self::Bytes(a), Self::Bytes(b)) => a < b,
            _ => false,
        }
    }
}

#[derive(Debug, Default)]
struct ColumnBuilder {
    min: Option<Bound>,
    max: Option<Bound>,
    nulls: u64,
    nans: u64,
}

/// Collects the statistics of one batch file while it is written.
#[derive(Debug)]
pub struct StatisticsBuilder {
    ids: Vec<ColumnId>,
    columns: Vec<ColumnBuilder>,
    seq: Option<(i64, i64)>,
}

impl StatisticsBuilder {
    /// A builder for files of `schema`.
    #[must_use]
    pub fn new(schema: &FileSchema) -> Self {
        Self::of(schema.columns.iter().map(|c| c.id).collect())
    }

    /// A builder for files of `_seq` and the columns `ids`.
    #[must_use]
    pub fn of(ids: Vec<ColumnId>) -> Self {
        let columns = ids.iter().map(|_| ColumnBuilder::default()).collect();
        Self { ids, columns, seq: None }
    }

    /// Takes in the rows of `batch`: `_seq`, then the columns in their order.
    ///
    /// # Errors
    /// `Internal` when the layout is another.
    pub fn update(&mut self, batch: &RecordBatch) -> Result<()> {
        let layout = || {
            Error::internal(format!(
                "statistics expect {SEQ_COLUMN} and {} columns, found {}",
                self.ids.len(),
                batch.num_columns()
            ))
        };
        let (seq, columns) = batch.columns().split_first().ok_or_else(layout)?;
        if columns.len() != self.columns.len() {
            return Err(layout());
        }
        let seq = seq.as_primitive_opt::<Int64Type>().ok_or_else(layout)?;
        if let (Some(low), Some(high)) = (min(seq), max(seq)) {
            let (l, h) = self.seq.unwrap_or((low, high));
            self.seq = Some((l.min(low), h.max(high)));
        }
        for (builder, column) in self.columns.iter_mut().zip(columns) {
            builder.update(column);
        }
        Ok(())
    }

    /// The statistics by column, and the lowest and highest `_seq`.
    #[must_use]
    pub fn finish(self) -> (BTreeMap<ColumnId, ColumnStats>, SeqId, SeqId) {
        let columns = self.ids.into_iter().zip(self.columns.into_iter().map(ColumnBuilder::finish)).collect();
        let (low, high) = self.seq.unwrap_or((0, 0));
        (columns, SeqId::from_i64(low), SeqId::from_i64(high))
    }
}

impl ColumnBuilder {
    fn update(&mut self, column: &ArrayRef) {
        self.nulls += column.null_count() as u64;
        let (low, high) = match column.data_type() {
            DataType::Boolean => {
                let values = column.as_boolean();
                (min_boolean(values).map(Bound::Bool), max_boolean(values).map(Bound::Bool))
            }
            DataType::Int16 => integers::<Int16Type>(column, Bound::Int),
            DataType::Int32 => integers::<Int32Type>(column, Bound::Int),
            DataType::Int64 => integers::<Int64Type>(column, Bound::BigInt),
            DataType::Date32 => integers::<Date32Type>(column, Bound::Int),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                integers::<TimestampMicrosecondType>(column, Bound::Int)
            }
            DataType::Time64(TimeUnit::Microsecond) => integers::<Time64MicrosecondType>(column, Bound::Int),
            DataType::Decimal128(precision, scale) => {
                let values = column.as_primitive::<Decimal128Type>();
                let bound = |v: i128| Bound::Decimal(v, *precision, *scale);
                (min(values).map(bound), max(values).map(bound))
            }
            DataType::Float32 => {
                self.floats(column.as_primitive::<Float32Type>().iter().flatten().map(f64::from))
            }
            DataType::Float64 => self.floats(column.as_primitive::<Float64Type>().iter().flatten()),
            DataType::Utf8 => {
                let values = column.as_string::<i32>();
                let text = |v: Option<&str>| v.map(|v| Bound::Text(v.to_owned()));
                (text(min_string(values)), text(max_string(values)))
            }
            DataType::Binary => {
                let values = column.as_binary::<i32>();
                let bytes = |v: Option<&[u8]>| v.map(|v| Bound::Bytes(v.to_vec()));
                (bytes(min_binary(values)), bytes(max_binary(values)))
            }
            // A type without an order here has no bounds, which keeps its files.
            _ => (None, None),
        };
        if let Some(low) = low
            && self.min.as_ref().is_none_or(|min| low.less(min))
        {
            self.min = Some(low);
        }
        if let Some(high) = high
            && self.max.as_ref().is_none_or(|max| max.less(&high))
        {
            self.max = Some(high);
        }
    }

    fn floats(&mut self, values: impl Iterator<Item = f64>) -> (Option<Bound>, Option<Bound>) {
        let mut range: Option<(f64, f64)> = None;
        for value in values {
            if value.is_nan() {
                self.nans += 1;
                continue;
            }
            let (low, high) = range.unwrap_or((value, value));
            range = Some((if value < low { value } else { low }, if value > high { value } else { high }));
        }
        (range.map(|r| Bound::Float(r.0)), range.map(|r| Bound::Float(r.1)))
    }

    fn finish(self) -> ColumnStats {
        let (min, min_exact) = self.min.map_or((None, false), |bound| {
            let (value, exact) = lower(bound);
            (Some(value), exact)
        });
        let (max, max_exact) = self.max.and_then(upper).map_or((None, false), |(v, exact)| (Some(v), exact));
        ColumnStats { min, max, nulls: self.nulls, nans: self.nans, min_exact, max_exact }
    }
}

fn integers<T: ArrowPrimitiveType>(
    column: &ArrayRef,
    bound: fn(i64) -> Bound,
) -> (Option<Bound>, Option<Bound>)
where
    T::Native: Into<i64>,
{
    let values = column.as_primitive::<T>();
    (min(values).map(|v| bound(v.into())), max(values).map(|v| bound(v.into())))
}

/// `bound` as a minimum, and whether it is exact.
fn lower(bound: Bound) -> (StatValue, bool) {
    match bound {
        Bound::Float(v) => (StatValue::from_float(if v == 0.0 { -0.0 } else { v }), v != 0.0),
        Bound::Text(mut text) => {
            let cut = text.floor_char_boundary(MAX_BOUND_BYTES);
            let exact = cut == text.len();
            text.truncate(cut);
            (StatValue::from_text(text), exact)
        }
        Bound::Bytes(mut bytes) => {
            let exact = bytes.len() <= MAX_BOUND_BYTES;
            bytes.truncate(MAX_BOUND_BYTES);
            (StatValue::from_bytes(&bytes), exact)
        }
        other => (plain(&other), true),
    }
}

/// `bound` as a maximum, and whether it is exact; `None` when it cannot be cut upwards.
fn upper(bound: Bound) -> Option<(StatValue, bool)> {
    Some(match bound {
        Bound::Float(v) => (StatValue::from_float(if v == 0.0 { 0.0 } else { v }), v != 0.0),
        Bound::Text(text) if text.len() > MAX_BOUND_BYTES => {
            let cut = text.floor_char_boundary(MAX_BOUND_BYTES);
            (StatValue::from_text(text_after(text.get(..cut)?)?), false)
        }
        Bound::Bytes(bytes) if bytes.len() > MAX_BOUND_BYTES => {
            (StatValue::from_bytes(&bytes_after(bytes.get(..MAX_BOUND_BYTES)?)?), false)
        }
        other => (plain(&other), true),
    })
}

fn plain(bound: &Bound) -> StatValue {
    match bound {
        Bound::Bool(v) => StatValue::from_bool(*v),
        Bound::Int(v) => StatValue::from_int(*v),
        Bound::BigInt(v) => StatValue::from_bigint(*v),
        Bound::Float(v) => StatValue::from_float(*v),
        Bound::Decimal(v, precision, scale) => StatValue::from_decimal(*v, *precision, *scale),
        Bound::Text(v) => StatValue::from_text(v.as_str()),
        Bound::Bytes(v) => StatValue::from_bytes(v),
    }
}

/// A text above every text that starts with `prefix`: its last character that has a successor, raised.
fn text_after(prefix: &str) -> Option<String> {
    let (at, next) = prefix.char_indices().rev().find_map(|(at, c)| {
        // The code points after D7FF are surrogates, which UTF-8 does not have.
        let next = if c == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(u32::from(c) + 1) };
        next.map(|next| (at, next))
    })?;
    let mut text = prefix.get(..at)?.to_owned();
    text.push(next);
    Some(text)
}

/// Bytes above all that start with `prefix`.
fn bytes_after(prefix: &[u8]) -> Option<Vec<u8>> {
    let at = prefix.iter().rposition(|b| *b != 0xFF)?;
    let mut bytes = prefix.get(..=at)?.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last += 1;
    }
    Some(bytes)
}

/// Bounds of several files as one array of `data_type`; NULL where a bound is not known or is not of the
/// type. `None` for types without statistics.
#[must_use]
pub fn bounds<'a>(
    data_type: &DataType,
    values: impl Iterator<Item = Option<&'a StatValue>>,
) -> Option<ArrayRef> {
    fn of<'a, T: ArrowPrimitiveType>(values: impl Iterator<Item = Option<&'a StatValue>>) -> ArrayRef
    where
        T::Native: TryFrom<i64>,
    {
        let values = values.map(|v| v?.as_int().and_then(|v| T::Native::try_from(v).ok()));
        Arc::new(values.collect::<PrimitiveArray<T>>())
    }
    Some(match data_type {
        DataType::Boolean => Arc::new(values.map(|v| v?.as_bool()).collect::<BooleanArray>()),
        DataType::Int16 => of::<Int16Type>(values),
        DataType::Int32 => of::<Int32Type>(values),
        DataType::Int64 => of::<Int64Type>(values),
        DataType::Date32 => of::<Date32Type>(values),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let bounds: TimestampMicrosecondArray = values.map(|v| v?.as_int()).collect();
            Arc::new(bounds.with_timezone_opt(zone.clone()))
        }
        DataType::Time64(TimeUnit::Microsecond) => of::<Time64MicrosecondType>(values),
        DataType::Decimal128(precision, scale) => {
            let bounds = values.map(|v| v?.as_decimal(*precision, *scale)).collect::<Decimal128Array>();
            Arc::new(bounds.with_precision_and_scale(*precision, *scale).ok()?)
        }
        DataType::Float32 => Arc::new(values.map(|v| v?.as_f32()).collect::<Float32Array>()),
        DataType::Float64 => Arc::new(values.map(|v| v?.as_f64()).collect::<Float64Array>()),
        DataType::Utf8 => Arc::new(values.map(|v| v?.as_text()).collect::<StringArray>()),
        DataType::Binary => Arc::new(values.map(|v| v?.as_bytes()).collect::<BinaryArray>()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int16Array, Int64Array, TimestampMicrosecondArray};

    fn stats(columns: Vec<ArrayRef>) -> ColumnStats {
        let mut builder = ColumnBuilder::default();
        columns.iter().for_each(|c| builder.update(c));
        builder.finish()
    }

    fn texts(stats: &ColumnStats) -> (Option<String>, Option<String>) {
        (stats.min.as_ref().map(ToString::to_string), stats.max.as_ref().map(ToString::to_string))
    }

    fn pair(min: &str, max: &str) -> (Option<String>, Option<String>) {
        (Some(min.to_owned()), Some(max.to_owned()))
    }

    #[test]
    fn bounds_span_batches_and_leave_nulls_out() {
        let found = stats(vec![
            Arc::new(Int64Array::from(vec![Some(5), None])),
            Arc::new(Int64Array::from(vec![None, Some(-3), Some(i64::MAX)])),
        ]);
        assert_eq!(texts(&found), pair("-3", &i64::MAX.to_string()));
        assert_eq!((found.nulls, found.nans, found.min_exact, found.max_exact), (2, 0, true, true));
        let found = stats(vec![Arc::new(Int16Array::from(vec![i16::MIN, 4]))]);
        assert_eq!(texts(&found), pair("-32768", "4"));
        let found = stats(vec![Arc::new(TimestampMicrosecondArray::from(vec![7, -7]))]);
        assert_eq!(texts(&found), pair("-7", "7"));
        let decimals = Decimal128Array::from(vec![Some(-5), None, Some(1234)]);
        let found = stats(vec![Arc::new(decimals.with_precision_and_scale(10, 2).unwrap())]);
        assert_eq!(texts(&found), pair("-0.05", "12.34"));
        let found = stats(vec![Arc::new(BooleanArray::from(vec![Some(true), None]))]);
        assert_eq!(texts(&found), pair("true", "true"));
        assert_eq!(texts(&stats(vec![Arc::new(Int64Array::from(vec![None, None]))])), (None, None));
    }

    #[test]
    fn nans_are_counted_and_zeros_widen() {
        let found = stats(vec![Arc::new(Float64Array::from(vec![f64::NAN, 0.0, -0.0]))]);
        assert_eq!(texts(&found), pair("-0.0", "0.0"));
        assert_eq!((found.nans, found.min_exact, found.max_exact), (1, false, false));
        let found = stats(vec![Arc::new(Float32Array::from(vec![f32::NAN]))]);
        assert_eq!((texts(&found), found.nans), ((None, None), 1));
        let found = stats(vec![Arc::new(Float32Array::from(vec![f32::INFINITY, 0.1]))]);
        assert_eq!(found.min.unwrap().as_f32(), Some(0.1));
        assert_eq!(found.max.unwrap().as_f32(), Some(f32::INFINITY));
    }

    #[test]
    fn long_text_is_cut_on_character_boundaries() {
        let long = "é".repeat(40);
        let found = stats(vec![Arc::new(StringArray::from(vec![long.as_str()]))]);
        let min = found.min.unwrap().as_text().unwrap().to_owned();
        let max = found.max.unwrap().as_text().unwrap().to_owned();
        assert!(min.as_str() <= long.as_str() && long.as_str() <= max.as_str());
        assert!(min.len() <= 64 && max.len() <= 64);
        assert!(!found.min_exact && !found.max_exact);
        let highest = "\u{10FFFF}".repeat(17);
        let found = stats(vec![Arc::new(StringArray::from(vec![highest.as_str()]))]);
        assert!(found.min.is_some() && found.max.is_none());
        let short = stats(vec![Arc::new(StringArray::from(vec!["b", "", "a"]))]);
        assert_eq!((texts(&short), short.max_exact), (pair("", "b"), true));
    }

    #[test]
    fn raised_prefixes_are_above_all_they_stand_for() {
        assert_eq!(text_after("ab"), Some("ac".into()));
        assert_eq!(text_after("a\u{10FFFF}"), Some("b".into()));
        assert_eq!(text_after("\u{D7FF}"), Some("\u{E000}".into()));
        assert_eq!(text_after("\u{7F}"), Some("\u{80}".into()));
        assert_eq!(text_after("\u{10FFFF}"), None);
        assert_eq!(bytes_after(&[1, 0xFF]), Some(vec![2]));
        assert_eq!(bytes_after(&[0xFF]), None);
        let long = [0xFFu8; 65];
        let found = stats(vec![Arc::new(BinaryArray::from(vec![&long[..]]))]);
        assert!(found.max.is_none() && found.min.unwrap().as_bytes() == Some(vec![0xFF; 64]));
    }
}
