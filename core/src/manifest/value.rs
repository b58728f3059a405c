//! Values in statistics: JSON scalars whose type is the column's.
//!
//! | column                        | JSON                                                        |
//! |-------------------------------|-------------------------------------------------------------|
//! | BOOLEAN                       | `true`, `false`                                             |
//! | SMALLINT, INTEGER, DATE       | number (days since 1970-01-01)                              |
//! | BIGINT                        | string of digits                                            |
//! | TIMESTAMP, TIMESTAMPTZ        | number of microseconds since 1970; a string past 2^53       |
//! | TIME                          | number of microseconds since midnight                       |
//! | DECIMAL                       | string of digits, with as many behind the point as its type |
//! | REAL, DOUBLE PRECISION        | string, the shortest that reads back; `inf`, `-inf`         |
//! | TEXT, VARCHAR, UUID, JSON     | string                                                      |
//! | BYTEA                         | string of lower-case hexadecimal digits                     |
//!
//! Arrays have no bounds. Floats are strings because JSON readers may round numbers, and a bound that was rounded inwards
//! would hide rows.

#[cfg(test)]
use arrow::datatypes::{DataType, TimeUnit};
use arrow::datatypes::{Decimal128Type, DecimalType};
use data_encoding::HEXLOWER;
use datafusion::scalar::ScalarValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::values::decimal;

/// The largest integer below which every integer is exact in a JSON reader that uses doubles.
const EXACT_IN_JSON: u64 = 1 << 53;

/// One value of a statistic, as JSON. Only the column's type gives it meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatValue(Value);

impl StatValue {
    /// A BOOLEAN.
    #[must_use]
    pub fn from_bool(value: bool) -> Self {
        Self(Value::Bool(value))
    }

    /// An integer that any JSON reader keeps exact, or a string when it would not.
    #[must_use]
    pub fn from_int(value: i64) -> Self {
        if value.unsigned_abs() > EXACT_IN_JSON {
            return Self::from_bigint(value);
        }
        Self(Value::from(value))
    }

    /// A BIGINT, which is always a string.
    #[must_use]
    pub fn from_bigint(value: i64) -> Self {
        Self(Value::String(value.to_string()))
    }

    /// A float that is not NaN.
    #[must_use]
    pub fn from_float(value: f64) -> Self {
        Self(Value::String(format!("{value:?}")))
    }

    /// A DECIMAL of this many units of 10^-scale.
    #[must_use]
    pub fn from_decimal(unscaled: i128, precision: u8, scale: i8) -> Self {
        Self(Value::String(Decimal128Type::format_decimal(unscaled, precision, scale)))
    }

    /// A TEXT.
    #[must_use]
    pub fn from_text(value: impl Into<String>) -> Self {
        Self(Value::String(value.into()))
    }

    /// A BYTEA.
    #[must_use]
    pub fn from_bytes(value: &[u8]) -> Self {
        Self(Value::String(HEXLOWER.encode(value)))
    }

    /// The value of a scalar that is neither NULL nor NaN, if its type has statistics.
    #[must_use]
    pub fn from_scalar(scalar: &ScalarValue) -> Option<Self> {
        Some(match scalar {
            ScalarValue::Boolean(v) => Self::from_bool((*v)?),
            ScalarValue::Int16(v) => Self::from_int(i64::from((*v)?)),
            ScalarValue::Int32(v) | ScalarValue::Date32(v) => Self::from_int(i64::from((*v)?)),
            ScalarValue::Int64(v) => Self::from_bigint((*v)?),
            ScalarValue::TimestampMicrosecond(v, _) | ScalarValue::Time64Microsecond(v) => {
                Self::from_int((*v)?)
            }
            ScalarValue::Decimal128(v, precision, scale) => Self::from_decimal((*v)?, *precision, *scale),
            ScalarValue::Float32(v) => Self::from_float(f64::from((*v).filter(|v| !v.is_nan())?)),
            ScalarValue::Float64(v) => Self::from_float((*v).filter(|v| !v.is_nan())?),
            ScalarValue::Utf8(v) => Self::from_text(v.as_deref()?),
            ScalarValue::Binary(v) => Self::from_bytes(v.as_deref()?),
            _ => return None,
        })
    }

    /// The value as a scalar of `data_type`; `None` when it is not one.
    #[cfg(test)]
    #[must_use]
    pub fn to_scalar(&self, data_type: &DataType) -> Option<ScalarValue> {
        Some(match data_type {
            DataType::Boolean => ScalarValue::Boolean(Some(self.as_bool()?)),
            DataType::Int16 => ScalarValue::Int16(Some(i16::try_from(self.as_int()?).ok()?)),
            DataType::Int32 => ScalarValue::Int32(Some(i32::try_from(self.as_int()?).ok()?)),
            DataType::Int64 => ScalarValue::Int64(Some(self.as_int()?)),
            DataType::Date32 => ScalarValue::Date32(Some(i32::try_from(self.as_int()?).ok()?)),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                ScalarValue::TimestampMicrosecond(Some(self.as_int()?), zone.clone())
            }
            DataType::Time64(TimeUnit::Microsecond) => ScalarValue::Time64Microsecond(Some(self.as_int()?)),
            DataType::Decimal128(precision, scale) => {
                ScalarValue::Decimal128(Some(self.as_decimal(*precision, *scale)?), *precision, *scale)
            }
            DataType::Float32 => ScalarValue::Float32(Some(self.as_f32()?)),
            DataType::Float64 => ScalarValue::Float64(Some(self.as_f64()?)),
            DataType::Utf8 => ScalarValue::Utf8(Some(self.as_text()?.to_owned())),
            DataType::Binary => ScalarValue::Binary(Some(self.as_bytes()?)),
            _ => return None,
        })
    }

    /// As a BOOLEAN.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        self.0.as_bool()
    }

    /// As an integer, from a number or a string.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match &self.0 {
            Value::Number(n) => n.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// As a DECIMAL of this precision and scale, in units of 10^-scale; `None` when it has more digits.
    #[must_use]
    pub fn as_decimal(&self, precision: u8, scale: i8) -> Option<i128> {
        let text = self.as_text()?;
        let value = decimal::parse(text, precision, u8::try_from(scale).ok()?).ok()?;
        // A bound that was rounded would lie.
        let same = Decimal128Type::format_decimal(value, precision, scale);
        (same == text).then_some(value)
    }

    /// As a float that is not NaN.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        self.as_text()?.parse().ok().filter(|v: &f64| !v.is_nan())
    }

    /// As a float of single precision that is not NaN.
    #[must_use]
    pub fn as_f32(&self) -> Option<f32> {
        #[expect(clippy::cast_possible_truncation, reason = "the value was widened from single precision")]
        self.as_f64().map(|v| v as f32)
    }

    /// As a TEXT.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        self.0.as_str()
    }

    /// As a BYTEA.
    #[must_use]
    pub fn as_bytes(&self) -> Option<Vec<u8>> {
        HEXLOWER.decode(self.as_text()?.as_bytes()).ok()
    }
}

impl std::fmt::Display for StatValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Value::String(text) => f.write_str(text),
            other => write!(f, "{other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_survive_json() {
        let scalars = [
            ScalarValue::Boolean(Some(true)),
            ScalarValue::Int16(Some(i16::MIN)),
            ScalarValue::Int32(Some(i32::MAX)),
            ScalarValue::Int64(Some(i64::MIN)),
            ScalarValue::Date32(Some(-1)),
            ScalarValue::TimestampMicrosecond(Some(i64::MAX), None),
            ScalarValue::TimestampMicrosecond(Some(-5), None),
            ScalarValue::TimestampMicrosecond(Some(7), Some("UTC".into())),
            ScalarValue::Time64Microsecond(Some(86_399_999_999)),
            ScalarValue::Decimal128(Some(-5), 10, 2),
            ScalarValue::Decimal128(Some(10_i128.pow(38) - 1), 38, 0),
            ScalarValue::Decimal128(Some(0), 5, 5),
            ScalarValue::Float32(Some(0.1)),
            ScalarValue::Float64(Some(-0.0)),
            ScalarValue::Float64(Some(f64::NEG_INFINITY)),
            ScalarValue::Float64(Some(5e-324)),
            ScalarValue::Float64(Some(1.797e308)),
            ScalarValue::Utf8(Some("é\0\"".into())),
            ScalarValue::Binary(Some(vec![0, 255])),
        ];
        for scalar in scalars {
            let json = serde_json::to_string(&StatValue::from_scalar(&scalar).unwrap()).unwrap();
            let back: StatValue = serde_json::from_str(&json).unwrap();
            assert_eq!(back.to_scalar(&scalar.data_type()), Some(scalar), "{json}");
        }
    }

    #[test]
    fn nulls_nans_and_other_types_have_no_value() {
        assert_eq!(StatValue::from_scalar(&ScalarValue::Int64(None)), None);
        assert_eq!(StatValue::from_scalar(&ScalarValue::Float64(Some(f64::NAN))), None);
        assert_eq!(StatValue::from_text("x").to_scalar(&DataType::Int64), None);
        assert_eq!(StatValue::from_text("NaN").to_scalar(&DataType::Float64), None);
        assert_eq!(StatValue::from_int(70_000).to_scalar(&DataType::Int16), None);
        // A bound with more digits than the column has would have to be rounded, so there is none.
        assert_eq!(StatValue::from_text("1.234").to_scalar(&DataType::Decimal128(10, 2)), None);
        assert_eq!(StatValue::from_text("1000").to_scalar(&DataType::Decimal128(3, 0)), None);
    }
}
