//! Primary keys as bytes: the order of the bytes is the order of SQL, and equal bytes are equal keys.
//!
//! The encoding is `arrow::row` with default sort options over the key columns in key order. Floats are
//! normalised first, because SQL knows one zero and one NaN where IEEE 754 knows many.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::row::{RowConverter, Rows, SortField};

use crate::error::{Error, Result};

/// Turns key columns into comparable bytes and back.
///
/// ```text
/// per column:  marker (0 = NULL, 1 = value; longer for variable widths), then the value:
///   integers, decimals, times     big-endian, sign bit flipped
///   floats                        big-endian total order, -0.0 as 0.0, every NaN as one NaN
///   text, bytes                   blocks, each with a continuation marker
/// ```
#[derive(Debug)]
pub struct KeyEncoder {
    converter: RowConverter,
    types: Vec<DataType>,
}

impl KeyEncoder {
    /// An encoder for keys of these column types.
    ///
    /// # Errors
    /// `Unsupported` when a type has no order.
    pub fn new(types: &[DataType]) -> Result<Self> {
        let fields = types.iter().cloned().map(SortField::new).collect();
        let converter = RowConverter::new(fields).map_err(|e| {
            Error::unsupported(format!("a primary key of types {types:?} cannot be ordered: {e}"))
        })?;
        Ok(Self { converter, types: types.to_vec() })
    }

    /// The types of the key columns, in key order.
    #[must_use]
    pub fn types(&self) -> &[DataType] {
        &self.types
    }

    /// One row of bytes per row of `columns`, which are the key columns in key order.
    ///
    /// # Errors
    /// `InvalidInput` when the columns are not of the encoder's types or lengths differ.
    pub fn encode(&self, columns: &[ArrayRef]) -> Result<Rows> {
        let columns: Vec<ArrayRef> = columns.iter().map(normalised).collect();
        Ok(self.converter.convert_columns(&columns)?)
    }

    /// The key columns of encoded `rows`, floats normalised.
    ///
    /// # Errors
    /// `Internal` when a row was not made by an encoder of these types.
    pub fn decode<'a>(&self, rows: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>> {
        let parser = self.converter.parser();
        let rows: Vec<_> = rows.into_iter().map(|bytes| parser.parse(bytes)).collect();
        Ok(self.converter.convert_rows(rows)?)
    }
}

/// `column` with one zero and one NaN, if it is a float column.
fn normalised(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Float32 => {
            let floats = column.as_primitive::<Float32Type>();
            Arc::new(floats.unary::<_, Float32Type>(|v| match v {
                v if v.is_nan() => f32::NAN,
                v => v + 0.0,
            }))
        }
        DataType::Float64 => {
            let floats = column.as_primitive::<Float64Type>();
            Arc::new(floats.unary::<_, Float64Type>(|v| match v {
                v if v.is_nan() => f64::NAN,
                v => v + 0.0,
            }))
        }
        _ => Arc::clone(column),
    }
}

/// Whether a key column holds a NaN, which no statistic and no Bloom filter speaks about.
#[must_use]
pub fn is_nan(column: &ArrayRef, row: usize) -> bool {
    if column.is_null(row) {
        return false;
    }
    match column.data_type() {
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).is_nan(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).is_nan(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{BinaryArray, Date32Array, Float64Array, Int16Array, Int64Array, StringArray};

    fn ascending(types: &[DataType], columns: &[ArrayRef]) {
        let rows = KeyEncoder::new(types).unwrap().encode(columns).unwrap();
        for i in 1..rows.num_rows() {
            assert!(rows.row(i - 1) < rows.row(i), "{types:?} {i}");
            assert!(rows.row(i - 1).data() < rows.row(i).data(), "{types:?} {i}");
        }
    }

    #[test]
    fn bytes_sort_as_sql_does() {
        ascending(&[DataType::Int16], &[Arc::new(Int16Array::from(vec![i16::MIN, -1, 0, 1, i16::MAX]))]);
        ascending(&[DataType::Int64], &[Arc::new(Int64Array::from(vec![i64::MIN, -1, 0, 7, i64::MAX]))]);
        ascending(&[DataType::Date32], &[Arc::new(Date32Array::from(vec![-1, 0, 1]))]);
        ascending(
            &[DataType::Utf8],
            &[Arc::new(StringArray::from(vec!["", "a", "a\0", "aa", "b", "é", "😀"]))],
        );
        ascending(
            &[DataType::Binary],
            &[Arc::new(BinaryArray::from(vec![&b""[..], &b"\0"[..], &b"\0\xFF"[..], &b"\xFF"[..]]))],
        );
        ascending(
            &[DataType::Float64],
            &[Arc::new(Float64Array::from(vec![
                f64::NEG_INFINITY,
                -1.5,
                0.0,
                1e-300,
                f64::INFINITY,
                f64::NAN,
            ]))],
        );
        ascending(
            &[DataType::Utf8, DataType::Int64],
            &[
                Arc::new(StringArray::from(vec!["a", "a", "ab", "b"])),
                Arc::new(Int64Array::from(vec![1, 2, 0, -5])),
            ],
        );
    }

    #[test]
    fn zeros_and_nans_are_one_key_each() {
        let encoder = KeyEncoder::new(&[DataType::Float64]).unwrap();
        let odd_nan = f64::from_bits(f64::NAN.to_bits() | 1 << 63 | 5);
        let column: ArrayRef = Arc::new(Float64Array::from(vec![-0.0, 0.0, f64::NAN, odd_nan]));
        let rows = encoder.encode(&[column]).unwrap();
        assert_eq!(rows.row(0), rows.row(1));
        assert_eq!(rows.row(2), rows.row(3));
        assert_ne!(rows.row(0), rows.row(2));
    }

    #[test]
    fn decoding_gives_the_columns_back() {
        let encoder = KeyEncoder::new(&[DataType::Utf8, DataType::Int64]).unwrap();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec!["x", "", "zz"])),
            Arc::new(Int64Array::from(vec![3, -9, i64::MAX])),
        ];
        let rows = encoder.encode(&columns).unwrap();
        let bytes: Vec<Vec<u8>> = rows.iter().map(|r| r.data().to_vec()).collect();
        let back = encoder.decode(bytes.iter().map(Vec::as_slice)).unwrap();
        assert_eq!(back, columns);
    }

    #[test]
    fn a_wrong_type_is_refused() {
        let encoder = KeyEncoder::new(&[DataType::Int64]).unwrap();
        let column: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        assert!(encoder.encode(&[column]).is_err());
    }
}
