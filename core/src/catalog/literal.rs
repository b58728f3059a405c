//! Constant values in definitions, and how text becomes one of a column's type.
//!
//! In JSON a literal is `"null"` or one tagged value; whatever a JSON number cannot hold exactly is text:
//!
//! ```text
//! {"boolean": true}        {"text": "…"}           {"date": 20000}          days since 1970-01-01
//! {"integer": "-5"}        {"bytes": "00ff"}       {"timestamp": "1700…"}   microseconds since 1970-01-01
//! {"float": "0.1"}         also "NaN", "inf" and "-inf"
//! ```

use std::sync::Arc;

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use data_encoding::HEXLOWER_PERMISSIVE;
use datafusion::common::ScalarValue;
use serde::{Deserialize, Serialize};

use crate::catalog::ColumnType;
use crate::error::{Error, Result};

/// A constant. Two NaNs are equal, and so are zeros only if their signs are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Literal {
    /// No value, of any type.
    Null,
    /// A BOOLEAN.
    Boolean(bool),
    /// A SMALLINT, INTEGER or BIGINT.
    Integer(#[serde(with = "as_text")] i64),
    /// A REAL or DOUBLE PRECISION; a REAL holds it exactly.
    Float(#[serde(with = "as_text")] f64),
    /// A TEXT.
    Text(String),
    /// A BYTEA.
    Bytes(#[serde(with = "as_hex")] Vec<u8>),
    /// A DATE, in days since 1970-01-01.
    Date(i32),
    /// A TIMESTAMP, in microseconds since 1970-01-01.
    Timestamp(#[serde(with = "as_text")] i64),
}

impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::Integer(a), Self::Integer(b)) | (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Literal {}

impl Literal {
    /// The value as one of `ty`.
    ///
    /// # Errors
    /// `InvalidInput` when it is of another type or out of its range; never for a literal of a
    /// definition, which is checked before it gets there.
    pub fn to_scalar(&self, ty: ColumnType) -> Result<ScalarValue> {
        let misfit = || Error::invalid(format!("{self:?} is not a value of type {ty}"));
        Ok(match (self, ty) {
            (Self::Null, _) => ScalarValue::try_from(&ty.arrow())?,
            (Self::Boolean(v), ColumnType::Boolean) => ScalarValue::Boolean(Some(*v)),
            (Self::Integer(v), ColumnType::SmallInt) => {
                ScalarValue::Int16(Some(i16::try_from(*v).map_err(|_| misfit())?))
            }
            (Self::Integer(v), ColumnType::Integer) => {
                ScalarValue::Int32(Some(i32::try_from(*v).map_err(|_| misfit())?))
            }
            (Self::Integer(v), ColumnType::BigInt) => ScalarValue::Int64(Some(*v)),
            (Self::Float(v), ColumnType::Real) => ScalarValue::Float32(Some(narrow(*v).ok_or_else(misfit)?)),
            (Self::Float(v), ColumnType::Double) => ScalarValue::Float64(Some(*v)),
            (Self::Text(v), ColumnType::Text) => ScalarValue::Utf8(Some(v.clone())),
            (Self::Bytes(v), ColumnType::Bytea) => ScalarValue::Binary(Some(v.clone())),
            (Self::Date(v), ColumnType::Date) => ScalarValue::Date32(Some(*v)),
            (Self::Timestamp(v), ColumnType::Timestamp) => ScalarValue::TimestampMicrosecond(Some(*v), None),
            _ => return Err(misfit()),
        })
    }

    /// Reads what a number in SQL, such as `-12` or `1.5e3`, means as a value of `ty`.
    ///
    /// # Errors
    /// `InvalidInput` when it is out of range, or `ty` is not for numbers.
    pub fn from_number(text: &str, ty: ColumnType) -> Result<Self> {
        let digits: String = text.chars().filter(|c| *c != '_').collect();
        let out_of_range = || Error::invalid(format!("{text} is not a value of type {ty}: out of range"));
        let integer = |min: i64, max: i64| {
            let Ok(value) = digits.parse::<i64>() else {
                let whole = digits.trim_start_matches(['-', '+']).bytes().all(|b| b.is_ascii_digit());
                return Err(if whole {
                    out_of_range()
                } else {
                    Error::invalid(format!("{text} is not a value of type {ty}: expected a whole number"))
                });
            };
            if (min..=max).contains(&value) { Ok(Self::Integer(value)) } else { Err(out_of_range()) }
        };
        match ty {
            ColumnType::SmallInt => integer(i16::MIN.into(), i16::MAX.into()),
            ColumnType::Integer => integer(i32::MIN.into(), i32::MAX.into()),
            ColumnType::BigInt => integer(i64::MIN, i64::MAX),
            ColumnType::Real => {
                let value: f32 = digits.parse().map_err(|_| not_a(text, ty))?;
                if value.is_finite() { Ok(Self::Float(value.into())) } else { Err(out_of_range()) }
            }
            ColumnType::Double => {
                let value: f64 = digits.parse().map_err(|_| not_a(text, ty))?;
                if value.is_finite() { Ok(Self::Float(value)) } else { Err(out_of_range()) }
            }
            _ => Err(Error::invalid(format!("the number {text} is not a value of type {ty}"))),
        }
    }

    /// Reads what a quoted string in SQL means as a value of `ty`, as PostgreSQL does.
    ///
    /// # Errors
    /// `InvalidInput` when the text is not how a value of `ty` is written.
    pub fn from_text(text: &str, ty: ColumnType) -> Result<Self> {
        let trimmed = text.trim();
        match ty {
            ColumnType::Text => Ok(Self::Text(text.to_owned())),
            ColumnType::Bytea => bytes_from_text(text).map(Self::Bytes),
            ColumnType::Boolean => match trimmed.to_ascii_lowercase().as_str() {
                "true" | "t" | "yes" | "y" | "on" | "1" => Ok(Self::Boolean(true)),
                "false" | "f" | "no" | "n" | "off" | "0" => Ok(Self::Boolean(false)),
                _ => Err(not_a(text, ty)),
            },
            ColumnType::SmallInt | ColumnType::Integer | ColumnType::BigInt => Self::from_number(trimmed, ty),
            ColumnType::Real | ColumnType::Double => match trimmed.to_ascii_lowercase().as_str() {
                "nan" => Ok(Self::Float(f64::NAN)),
                "infinity" | "inf" | "+infinity" | "+inf" => Ok(Self::Float(f64::INFINITY)),
                "-infinity" | "-inf" => Ok(Self::Float(f64::NEG_INFINITY)),
                _ => Self::from_number(trimmed, ty),
            },
            ColumnType::Date | ColumnType::Timestamp => time_from_text(trimmed, ty),
        }
    }

    /// Whether it is NULL.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

fn not_a(text: &str, ty: ColumnType) -> Error {
    Error::invalid(format!("'{text}' is not a value of type {ty}"))
}

/// The REAL that `value` is; `None` when a REAL cannot hold it.
fn narrow(value: f64) -> Option<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "a value that does not survive is refused")]
    let narrowed = value as f32;
    (f64::from(narrowed) == value || value.is_nan()).then_some(narrowed)
}

/// `\x` and hexadecimal digits, or text without backslashes that stands for its UTF-8 bytes.
fn bytes_from_text(text: &str) -> Result<Vec<u8>> {
    if let Some(hex) = text.strip_prefix("\\x") {
        return HEXLOWER_PERMISSIVE
            .decode(hex.as_bytes())
            .map_err(|e| Error::invalid(format!("'{text}' is not a value of type BYTEA: {e}")));
    }
    if text.contains('\\') {
        return Err(Error::invalid(format!(
            "'{text}' is not a value of type BYTEA: write bytes as '\\x' and hexadecimal digits"
        )));
    }
    Ok(text.as_bytes().to_vec())
}

/// Reads dates and timestamps with Arrow, so that a default means what the same text means in a query.
fn time_from_text(text: &str, ty: ColumnType) -> Result<Literal> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let array: Arc<dyn Array> = Arc::new(StringArray::from(vec![text]));
    let array =
        cast_with_options(&array, &ty.arrow(), &strict).map_err(|e| not_a(text, ty).with_source(e))?;
    let value = match ty {
        ColumnType::Date => {
            array.as_primitive_opt::<Date32Type>().and_then(|a| a.iter().next().flatten()).map(Literal::Date)
        }
        _ => array
            .as_primitive_opt::<TimestampMicrosecondType>()
            .and_then(|a| a.iter().next().flatten())
            .map(Literal::Timestamp),
    };
    value.ok_or_else(|| not_a(text, ty))
}

/// A number as JSON text; Rust writes floats so that reading gives the same bits.
mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(value)
    }

    pub(super) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(d: D) -> Result<T, D::Error>
    where
        T::Err: Display,
    {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

/// Bytes as lower-case hexadecimal digits.
mod as_hex {
    use data_encoding::HEXLOWER;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(value: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&HEXLOWER.encode(value))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(d)?;
        HEXLOWER.decode(text.as_bytes()).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn json_keeps_every_value_exactly() {
        let literals = [
            Literal::Null,
            Literal::Boolean(true),
            Literal::Integer(i64::MAX),
            Literal::Integer((1 << 53) + 1),
            Literal::Integer(i64::MIN),
            Literal::Float(0.1),
            Literal::Float(f64::MIN_POSITIVE / 4.0),
            Literal::Float(f64::MAX),
            Literal::Float(-0.0),
            Literal::Float(f64::NAN),
            Literal::Float(f64::INFINITY),
            Literal::Float(f64::NEG_INFINITY),
            Literal::Text("\0 \"quoted\" \u{1F600}".to_owned()),
            Literal::Bytes(vec![0, 255, 16]),
            Literal::Date(-1),
            Literal::Timestamp(i64::MIN),
        ];
        for literal in literals {
            let json = serde_json::to_string(&literal).unwrap();
            assert_eq!(serde_json::from_str::<Literal>(&json).unwrap(), literal, "{json}");
        }
        assert_eq!(serde_json::to_string(&Literal::Integer(7)).unwrap(), r#"{"integer":"7"}"#);
        assert!(serde_json::from_str::<Literal>(r#"{"bytes":"0"}"#).is_err());
    }

    #[test]
    fn text_and_numbers_become_values_of_the_column() {
        use ColumnType as T;
        let day = 86_400_000_000;
        let good = [
            ("12", T::SmallInt, Literal::Integer(12)),
            (" -32768 ", T::SmallInt, Literal::Integer(-32768)),
            ("1_000", T::Integer, Literal::Integer(1000)),
            ("-9223372036854775808", T::BigInt, Literal::Integer(i64::MIN)),
            ("1.5", T::Real, Literal::Float(1.5)),
            ("0.1", T::Real, Literal::Float(f64::from(0.1_f32))),
            ("1e300", T::Double, Literal::Float(1e300)),
            ("NaN", T::Double, Literal::Float(f64::NAN)),
            ("-Infinity", T::Real, Literal::Float(f64::NEG_INFINITY)),
            (" a ", T::Text, Literal::Text(" a ".to_owned())),
            ("\\xDEad", T::Bytea, Literal::Bytes(vec![0xDE, 0xAD])),
            ("ab", T::Bytea, Literal::Bytes(b"ab".to_vec())),
            ("On", T::Boolean, Literal::Boolean(true)),
            ("f", T::Boolean, Literal::Boolean(false)),
            ("1970-01-02", T::Date, Literal::Date(1)),
            ("1969-12-31", T::Date, Literal::Date(-1)),
            ("1970-01-02", T::Timestamp, Literal::Timestamp(day)),
            ("1970-01-02 00:00:00.000001", T::Timestamp, Literal::Timestamp(day + 1)),
            ("9999-12-31T23:59:59", T::Timestamp, Literal::Timestamp(253_402_300_799_000_000)),
        ];
        for (text, ty, expected) in good {
            let found = Literal::from_text(text, ty).unwrap();
            assert_eq!(found, expected, "{text} as {ty}");
            assert_eq!(found.to_scalar(ty).unwrap().data_type(), ty.arrow());
        }
        let bad = [
            ("32768", T::SmallInt),
            ("2147483648", T::Integer),
            ("9223372036854775808", T::BigInt),
            ("1.5", T::Integer),
            ("", T::Integer),
            ("1e39", T::Real),
            ("1e309", T::Double),
            ("one", T::Double),
            ("maybe", T::Boolean),
            ("\\xABC", T::Bytea),
            ("a\\b", T::Bytea),
            ("2024-02-30", T::Date),
            ("yesterday", T::Timestamp),
            ("2024-01-01 25:00:00", T::Timestamp),
        ];
        for (text, ty) in bad {
            let e = Literal::from_text(text, ty).expect_err(text);
            assert_eq!(e.kind(), ErrorKind::InvalidInput, "{text} as {ty}");
            assert!(e.message().contains(ty.sql_name()), "{}", e.message());
        }
    }

    #[test]
    fn a_literal_is_only_of_its_own_type() {
        let literals = [
            (Literal::Boolean(true), vec![ColumnType::Boolean]),
            (Literal::Integer(1), vec![ColumnType::SmallInt, ColumnType::Integer, ColumnType::BigInt]),
            (Literal::Integer(1 << 20), vec![ColumnType::Integer, ColumnType::BigInt]),
            (Literal::Float(0.5), vec![ColumnType::Real, ColumnType::Double]),
            (Literal::Float(0.1), vec![ColumnType::Double]),
            (Literal::Text(String::new()), vec![ColumnType::Text]),
            (Literal::Bytes(vec![]), vec![ColumnType::Bytea]),
            (Literal::Date(1), vec![ColumnType::Date]),
            (Literal::Timestamp(1), vec![ColumnType::Timestamp]),
            (Literal::Null, ColumnType::ALL.to_vec()),
        ];
        for (literal, types) in literals {
            for ty in ColumnType::ALL {
                let scalar = literal.to_scalar(ty);
                assert_eq!(scalar.is_ok(), types.contains(&ty), "{literal:?} as {ty}");
                if let Ok(scalar) = scalar {
                    assert_eq!(scalar.data_type(), ty.arrow());
                }
            }
        }
    }
}
