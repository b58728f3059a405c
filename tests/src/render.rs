//! What a statement answers, as plain values and as the text that PostgreSQL would print.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema,
    TimeUnit, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
use arrow::util::display::array_value_to_string;
use firndb_core::{Outcome, array_text};
use sqllogictest::ColumnType;

/// One value of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// NULL.
    Null,
    /// Any integer type.
    Int(i64),
    /// Either float type.
    Real(f64),
    /// TEXT, and types without a variant of their own as PostgreSQL prints them.
    Text(String),
    /// BYTEA.
    Bytes(Vec<u8>),
}

/// The type of a column as a letter: `I` integers, `R` floats and decimals, `T` text, `B` booleans,
/// `D` dates, `P` timestamps, `X` bytes, `?` anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter(char);

impl ColumnType for Letter {
    fn from_char(value: char) -> Option<Self> {
        "IRTBDPX?".contains(value).then_some(Self(value))
    }

    fn to_char(&self) -> char {
        self.0
    }
}

/// The letters of a schema's columns.
#[must_use]
pub fn letters(schema: &Schema) -> Vec<Letter> {
    schema.fields().iter().map(|f| letter(f.data_type())).collect()
}

fn letter(data_type: &DataType) -> Letter {
    Letter(match data_type {
        t if t.is_integer() => 'I',
        t if t.is_numeric() => 'R',
        // PostgreSQL takes a bare NULL for text.
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => 'T',
        DataType::Boolean => 'B',
        DataType::Date32 => 'D',
        DataType::Timestamp(..) => 'P',
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => 'X',
        _ => '?',
    })
}

/// The rows of an answer, empty unless it has any.
#[must_use]
pub fn rows(outcome: &Outcome) -> Vec<Vec<Cell>> {
    match outcome {
        Outcome::Rows { batches, .. } => batches.iter().flat_map(batch_rows).collect(),
        Outcome::Affected(_) | Outcome::Done(_) => Vec::new(),
    }
}

fn batch_rows(batch: &RecordBatch) -> Vec<Vec<Cell>> {
    (0..batch.num_rows()).map(|row| batch.columns().iter().map(|c| cell(c.as_ref(), row)).collect()).collect()
}

/// The value of `array` at `row`.
///
/// # Panics
/// When there is no such row, or its type cannot be printed.
#[must_use]
pub fn cell(array: &dyn Array, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Null => Cell::Null,
        DataType::Boolean => Cell::Text(array.as_boolean().value(row).to_string()),
        DataType::Int8 => Cell::Int(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Cell::Int(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Cell::Int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Cell::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt8 => Cell::Int(array.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => Cell::Int(array.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => Cell::Int(array.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => {
            let value = array.as_primitive::<UInt64Type>().value(row);
            i64::try_from(value).map_or_else(|_| Cell::Text(value.to_string()), Cell::Int)
        }
        // Through its shortest text, so that 0.1 stays 0.1 in the wider type.
        DataType::Float32 => {
            Cell::Real(array.as_primitive::<Float32Type>().value(row).to_string().parse().unwrap())
        }
        DataType::Float64 => Cell::Real(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Cell::Text(array.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Cell::Text(array.as_string_view().value(row).to_owned()),
        DataType::Binary => Cell::Bytes(array.as_binary::<i32>().value(row).to_vec()),
        DataType::LargeBinary => Cell::Bytes(array.as_binary::<i64>().value(row).to_vec()),
        DataType::BinaryView => Cell::Bytes(array.as_binary_view().value(row).to_vec()),
        DataType::Date32 => {
            let date = date32_to_datetime(array.as_primitive::<Date32Type>().value(row)).unwrap();
            Cell::Text(date.date().to_string())
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            let text = shortest(&timestamp_us_to_datetime(micros).unwrap().to_string());
            // Every zone of ours is UTC.
            Cell::Text(if zone.is_some() { format!("{text}+00") } else { text })
        }
        DataType::Time64(_) => Cell::Text(shortest(&array_value_to_string(array, row).unwrap())),
        DataType::List(_) => {
            let elements = array.as_list::<i32>().value(row);
            let text = |at: usize| elements.is_valid(at).then(|| cell(elements.as_ref(), at).text());
            Cell::Text(array_text(&(0..elements.len()).map(text).collect::<Vec<_>>()))
        }
        _ => Cell::Text(array_value_to_string(array, row).unwrap()),
    }
}

/// A time without zeros at the end of its seconds.
fn shortest(text: &str) -> String {
    let short = if text.contains('.') { text.trim_end_matches('0') } else { text };
    short.trim_end_matches('.').to_owned()
}

impl Cell {
    /// The value as one field of an expected row: `NULL`, `(empty)` for no characters, control
    /// characters escaped, so that a row stays on one line.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Int(i) => i.to_string(),
            Self::Real(r) => real(*r),
            Self::Text(t) if t.is_empty() => "(empty)".to_owned(),
            Self::Text(t) => t
                .chars()
                .flat_map(|c| {
                    let escaped: Vec<char> =
                        if c.is_control() { c.escape_default().collect() } else { vec![c] };
                    escaped
                })
                .collect(),
            Self::Bytes(b) => b.iter().fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}")),
        }
    }
}

/// The shortest digits that read back as `value`, with an exponent where PostgreSQL has one.
fn real(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap();
    let exponent: i32 = exponent.parse().unwrap();
    if (-4..15).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_read_as_postgresql_prints_them() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (1.5e300, "1.5e+300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(Cell::Real(value).text(), text);
        }
    }

    #[test]
    fn texts_stay_on_one_line() {
        assert_eq!(Cell::Text(String::new()).text(), "(empty)");
        assert_eq!(Cell::Text("a\nb\t'\\".into()).text(), "a\\nb\\t'\\");
        assert_eq!(Cell::Bytes(vec![0, 255]).text(), "\\x00ff");
    }
}
