//! Constant values in definitions, and how text becomes one of a column's type.
//!
//! In JSON a literal is `"null"` or one tagged value; whatever a JSON number cannot hold exactly is text:
//!
//! ```text
//! {"boolean": true}        {"text": "…"}           {"date": 20000}          days since 1970-01-01
//! {"integer": "-5"}        {"bytes": "00ff"}       {"timestamp": "1700…"}   microseconds since 1970-01-01
//! {"float": "0.1"}         {"decimal": "12.30"}    {"time": "3600000000"}  microseconds of the day
//! {"array": [{"integer": "1"}, "null"]}           a float is also "NaN", "inf" and "-inf"
//! ```

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{Decimal128Type, DecimalType};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use datafusion::common::ScalarValue;
use serde::{Deserialize, Serialize};

use crate::catalog::ColumnType;
use crate::catalog::convert::convert;
use crate::error::{Error, Result};
use crate::values::{array, decimal, json, uuid};

/// The microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

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
    /// A DECIMAL, with as many digits behind the point as its type has.
    Decimal(String),
    /// A TEXT, a VARCHAR, a JSON, or a UUID in its canonical form.
    Text(String),
    /// A BYTEA.
    Bytes(#[serde(with = "as_hex")] Vec<u8>),
    /// A DATE, in days since 1970-01-01.
    Date(i32),
    /// A TIME, in microseconds since midnight.
    Time(#[serde(with = "as_text")] i64),
    /// A TIMESTAMP or TIMESTAMPTZ, in microseconds since 1970-01-01.
    Timestamp(#[serde(with = "as_text")] i64),
    /// An array.
    Array(Vec<Self>),
}

impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::Integer(a), Self::Integer(b))
            | (Self::Timestamp(a), Self::Timestamp(b))
            | (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Self::Text(a), Self::Text(b)) | (Self::Decimal(a), Self::Decimal(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
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
            (Self::Decimal(v), ColumnType::Decimal { precision, scale }) => {
                let value = decimal::parse(v, precision, scale).map_err(|_| misfit())?;
                ScalarValue::Decimal128(Some(value), precision, scale.cast_signed())
            }
            (Self::Text(v), _) if is_written_as(v, ty) => ScalarValue::Utf8(Some(v.clone())),
            (Self::Bytes(v), ColumnType::Bytea) => ScalarValue::Binary(Some(v.clone())),
            (Self::Date(v), ColumnType::Date) => ScalarValue::Date32(Some(*v)),
            (Self::Time(v), ColumnType::Time) if (0..DAY_MICROS).contains(v) => {
                ScalarValue::Time64Microsecond(Some(*v))
            }
            (Self::Timestamp(v), ColumnType::Timestamp) => ScalarValue::TimestampMicrosecond(Some(*v), None),
            (Self::Timestamp(v), ColumnType::TimestampTz) => {
                ScalarValue::TimestampMicrosecond(Some(*v), Some("UTC".into()))
            }
            (Self::Array(items), ColumnType::Array(element)) => {
                let items = items.iter().map(|item| item.to_scalar(element.ty()));
                let items = items.collect::<Result<Vec<_>>>()?;
                ScalarValue::List(ScalarValue::new_list_nullable(&items, &element.ty().arrow()))
            }
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
            ColumnType::Decimal { precision, scale } => {
                let value = decimal::parse(&digits, precision, scale).map_err(|why| match why {
                    decimal::NoDecimal::NotANumber => not_a(text, ty),
                    decimal::NoDecimal::OutOfRange => out_of_range(),
                })?;
                Ok(Self::Decimal(Decimal128Type::format_decimal(value, precision, scale.cast_signed())))
            }
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
    /// `InvalidInput` when the text is not how a value of `ty` is written; `Constraint` when it is too long.
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
            ColumnType::SmallInt | ColumnType::Integer | ColumnType::BigInt | ColumnType::Decimal { .. } => {
                Self::from_number(trimmed, ty)
            }
            ColumnType::Real | ColumnType::Double => match trimmed.to_ascii_lowercase().as_str() {
                "nan" => Ok(Self::Float(f64::NAN)),
                "infinity" | "inf" | "+infinity" | "+inf" => Ok(Self::Float(f64::INFINITY)),
                "-infinity" | "-inf" => Ok(Self::Float(f64::NEG_INFINITY)),
                _ => Self::from_number(trimmed, ty),
            },
            ColumnType::Date | ColumnType::Time | ColumnType::Timestamp | ColumnType::TimestampTz => {
                converted(trimmed, ty)
            }
            ColumnType::Varchar(_) | ColumnType::Uuid | ColumnType::Json => converted(text, ty),
            ColumnType::Array(element) => {
                let items = array::elements(text).map_err(|why| not_a(text, ty).context(why))?;
                let items = items.into_iter().map(|item| match item {
                    None => Ok(Self::Null),
                    Some(item) => Self::from_text(&item, element.ty()),
                });
                items.collect::<Result<_>>().map(Self::Array)
            }
        }
    }

    /// A value of `ty` as the text that [`Self::from_text`] reads as it; `None` for NULL.
    ///
    /// # Errors
    /// As [`Self::to_scalar`].
    pub fn to_text(&self, ty: ColumnType) -> Result<Option<String>> {
        Ok(Some(match (self, ty) {
            (Self::Null, _) => return Ok(None),
            (Self::Text(text), _) => text.clone(),
            (Self::Bytes(bytes), _) => format!("\\x{}", HEXLOWER.encode(bytes)),
            (Self::Array(items), ColumnType::Array(element)) => {
                let items = items.iter().map(|item| item.to_text(element.ty()));
                array::write(&items.collect::<Result<Vec<_>>>()?)
            }
            _ => {
                let array = self.to_scalar(ty)?.to_array()?;
                arrow::util::display::array_value_to_string(&array, 0)?
            }
        }))
    }

    /// The time `micros` since 1970-01-01 as a value of `ty`, one of the types of dates and times.
    #[must_use]
    pub fn of_time(micros: i64, ty: ColumnType) -> Self {
        match ty {
            ColumnType::Date => Self::Date(i32::try_from(micros.div_euclid(DAY_MICROS)).unwrap_or(i32::MAX)),
            ColumnType::Time => Self::Time(micros.rem_euclid(DAY_MICROS)),
            _ => Self::Timestamp(micros),
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

/// Whether `text` is how a value of `ty`, a type that is text at rest, is kept.
fn is_written_as(text: &str, ty: ColumnType) -> bool {
    match ty {
        ColumnType::Text => true,
        ColumnType::Varchar(limit) => text.chars().count() <= usize::try_from(limit).unwrap_or(usize::MAX),
        ColumnType::Uuid => uuid::canonical(text).is_some_and(|id| id == text),
        ColumnType::Json => json::check(text).is_ok(),
        _ => false,
    }
}

/// Reads what an assignment would, so that a default means what the same text means in a query.
fn converted(text: &str, ty: ColumnType) -> Result<Literal> {
    let texts: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let values = convert(&texts, ty).map_err(|why| why.error(&format!("type {ty}")))?;
    Ok(match ScalarValue::try_from_array(&values, 0)? {
        ScalarValue::Date32(Some(days)) => Literal::Date(days),
        ScalarValue::Time64Microsecond(Some(micros)) => Literal::Time(micros),
        ScalarValue::TimestampMicrosecond(Some(micros), _) => Literal::Timestamp(micros),
        ScalarValue::Utf8(Some(text)) => Literal::Text(text),
        _ => return Err(not_a(text, ty)),
    })
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
    use crate::catalog::Element;
    use crate::catalog::column_type::samples;
    use crate::error::ErrorKind;

    const MONEY: ColumnType = ColumnType::Decimal { precision: 5, scale: 2 };
    const ID: &str = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

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
            Literal::Time(DAY_MICROS - 1),
            Literal::Decimal("-0.10".to_owned()),
            Literal::Array(vec![Literal::Null, Literal::Integer(1), Literal::Array(vec![])]),
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
            ("1970-01-02 02:00:00+02:00", T::TimestampTz, Literal::Timestamp(day)),
            ("01:00:00.000001", T::Time, Literal::Time(3_600_000_001)),
            ("-12.345", MONEY, Literal::Decimal("-12.35".to_owned())),
            ("ab   ", T::Varchar(3), Literal::Text("ab ".to_owned())),
            (" {A0EEBC99-9C0B4EF8BB6D6BB9BD380A11}", T::Uuid, Literal::Text(ID.to_owned())),
            ("{\"a\": 1.0}", T::Json, Literal::Text("{\"a\": 1.0}".to_owned())),
            (
                "{1.5,NULL}",
                T::Array(Element::of(MONEY).unwrap()),
                Literal::Array(vec![Literal::Decimal("1.50".to_owned()), Literal::Null]),
            ),
        ];
        for (text, ty, expected) in good {
            let found = Literal::from_text(text, ty).unwrap();
            assert_eq!(found, expected, "{text} as {ty}");
            assert_eq!(found.to_scalar(ty).unwrap().data_type(), ty.arrow());
            let text = found.to_text(ty).unwrap().unwrap();
            assert_eq!(Literal::from_text(&text, ty).unwrap(), found, "{text} as {ty}");
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
            ("25:00:00", T::Time),
            ("1000", MONEY),
            ("x", T::Uuid),
            ("{", T::Json),
            ("{1,x}", T::Array(Element::of(T::Integer).unwrap())),
        ];
        for (text, ty) in bad {
            let e = Literal::from_text(text, ty).expect_err(text);
            assert_eq!(e.kind(), ErrorKind::InvalidInput, "{text} as {ty}");
            let named = match ty {
                T::Array(element) => element.ty(),
                ty => ty,
            };
            assert!(e.message().contains(&named.to_string()), "{}", e.message());
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
            (Literal::Text(String::new()), vec![ColumnType::Text, ColumnType::Varchar(3)]),
            (Literal::Text("long".to_owned()), vec![ColumnType::Text]),
            (Literal::Text("1".to_owned()), vec![ColumnType::Text, ColumnType::Varchar(3), ColumnType::Json]),
            (Literal::Text(ID.to_owned()), vec![ColumnType::Text, ColumnType::Uuid]),
            (Literal::Time(1), vec![ColumnType::Time]),
            (Literal::Time(DAY_MICROS), vec![]),
            (Literal::Bytes(vec![]), vec![ColumnType::Bytea]),
            (Literal::Date(1), vec![ColumnType::Date]),
            (Literal::Timestamp(1), vec![ColumnType::Timestamp, ColumnType::TimestampTz]),
            (Literal::Null, samples()),
        ];
        for (literal, types) in literals {
            for ty in samples() {
                let scalar = literal.to_scalar(ty);
                assert_eq!(scalar.is_ok(), types.contains(&ty), "{literal:?} as {ty}");
                if let Ok(scalar) = scalar {
                    assert_eq!(scalar.data_type(), ty.arrow());
                }
            }
        }
    }
}
