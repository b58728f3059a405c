//! The column types and how they look in SQL, in Arrow and in definitions.
//!
//! In a definition a type is its name in lower case: `"bigint"`, `"decimal(10,2)"`, `"varchar(20)"`,
//! `"uuid[]"`. What Arrow has no type for is text there and has its name in the metadata of the field:
//! [decision 8](../../docs/decisions/0008-uuid-and-json-are-text.md).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::values::decimal::MAX_PRECISION;

/// The metadata key of an Arrow field with the name of an extension type, and the key with its parameters.
const EXTENSION_NAME: &str = "ARROW:extension:name";
const EXTENSION_METADATA: &str = "ARROW:extension:metadata";
const UUID_EXTENSION: &str = "firndb.uuid";
const VARCHAR_EXTENSION: &str = "firndb.varchar";
/// Arrow's own name, whose storage is text too.
const JSON_EXTENSION: &str = "arrow.json";

/// The zone of TIMESTAMPTZ in Arrow: what a Parquet file with instants reads as.
const UTC: &str = "UTC";

/// The most characters that VARCHAR can be limited to, as in PostgreSQL.
pub const MAX_VARCHAR: u32 = 10_485_760;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnType {
    /// True or false.
    Boolean,
    /// A 16-bit integer.
    SmallInt,
    /// A 32-bit integer.
    Integer,
    /// A 64-bit integer.
    BigInt,
    /// A 32-bit IEEE 754 number.
    Real,
    /// A 64-bit IEEE 754 number.
    Double,
    /// A decimal number of at most `precision` digits, `scale` of them behind the point.
    Decimal {
        /// 1 to 38.
        precision: u8,
        /// 0 to `precision`.
        scale: u8,
    },
    /// UTF-8 text of any length.
    Text,
    /// UTF-8 text of at most so many characters.
    Varchar(u32),
    /// Bytes of any length.
    Bytea,
    /// A day of the proleptic Gregorian calendar.
    Date,
    /// A time of day, in microseconds.
    Time,
    /// A date and time of day without zone, in microseconds.
    Timestamp,
    /// An instant, in microseconds UTC.
    TimestampTz,
    /// A UUID.
    Uuid,
    /// A JSON value, as the text it was written as.
    Json,
    /// An array of one dimension; its elements may be NULL.
    Array(Element),
}

/// What an array holds: any type but an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Element(Scalar);

/// The types an array can hold, spelled out because a type cannot hold itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Scalar {
    Boolean,
    SmallInt,
    Integer,
    BigInt,
    Real,
    Double,
    Decimal(u8, u8),
    Text,
    Varchar(u32),
    Bytea,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Uuid,
    Json,
}

impl Element {
    /// The element type for arrays of `ty`; `None` when `ty` is an array.
    #[must_use]
    pub fn of(ty: ColumnType) -> Option<Self> {
        use ColumnType as T;
        Some(Self(match ty {
            T::Boolean => Scalar::Boolean,
            T::SmallInt => Scalar::SmallInt,
            T::Integer => Scalar::Integer,
            T::BigInt => Scalar::BigInt,
            T::Real => Scalar::Real,
            T::Double => Scalar::Double,
            T::Decimal { precision, scale } => Scalar::Decimal(precision, scale),
            T::Text => Scalar::Text,
            T::Varchar(limit) => Scalar::Varchar(limit),
            T::Bytea => Scalar::Bytea,
            T::Date => Scalar::Date,
            T::Time => Scalar::Time,
            T::Timestamp => Scalar::Timestamp,
            T::TimestampTz => Scalar::TimestampTz,
            T::Uuid => Scalar::Uuid,
            T::Json => Scalar::Json,
            T::Array(_) => return None,
        }))
    }

    /// The type of the elements.
    #[must_use]
    pub fn ty(self) -> ColumnType {
        use ColumnType as T;
        match self.0 {
            Scalar::Boolean => T::Boolean,
            Scalar::SmallInt => T::SmallInt,
            Scalar::Integer => T::Integer,
            Scalar::BigInt => T::BigInt,
            Scalar::Real => T::Real,
            Scalar::Double => T::Double,
            Scalar::Decimal(precision, scale) => T::Decimal { precision, scale },
            Scalar::Text => T::Text,
            Scalar::Varchar(limit) => T::Varchar(limit),
            Scalar::Bytea => T::Bytea,
            Scalar::Date => T::Date,
            Scalar::Time => T::Time,
            Scalar::Timestamp => T::Timestamp,
            Scalar::TimestampTz => T::TimestampTz,
            Scalar::Uuid => T::Uuid,
            Scalar::Json => T::Json,
        }
    }
}

/// The types without parameters: name in SQL, name in definitions.
const PLAIN: [(ColumnType, &str, &str); 14] = [
    (ColumnType::Boolean, "BOOLEAN", "boolean"),
    (ColumnType::SmallInt, "SMALLINT", "smallint"),
    (ColumnType::Integer, "INTEGER", "integer"),
    (ColumnType::BigInt, "BIGINT", "bigint"),
    (ColumnType::Real, "REAL", "real"),
    (ColumnType::Double, "DOUBLE PRECISION", "double"),
    (ColumnType::Text, "TEXT", "text"),
    (ColumnType::Bytea, "BYTEA", "bytea"),
    (ColumnType::Date, "DATE", "date"),
    (ColumnType::Time, "TIME", "time"),
    (ColumnType::Timestamp, "TIMESTAMP", "timestamp"),
    (ColumnType::TimestampTz, "TIMESTAMPTZ", "timestamptz"),
    (ColumnType::Uuid, "UUID", "uuid"),
    (ColumnType::Json, "JSON", "json"),
];

impl ColumnType {
    /// DECIMAL(precision, scale), if there is such a type.
    #[must_use]
    pub fn decimal(precision: u64, scale: i64) -> Option<Self> {
        let precision = u8::try_from(precision).ok().filter(|p| (1..=MAX_PRECISION).contains(p))?;
        let scale = u8::try_from(scale).ok().filter(|s| *s <= precision)?;
        Some(Self::Decimal { precision, scale })
    }

    /// The Arrow type of its arrays.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::SmallInt => DataType::Int16,
            Self::Integer => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Real => DataType::Float32,
            Self::Double => DataType::Float64,
            // A scale is at most 38.
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale.cast_signed()),
            Self::Text | Self::Varchar(_) | Self::Uuid | Self::Json => DataType::Utf8,
            Self::Bytea => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::TimestampTz => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            Self::Array(element) => {
                DataType::List(Arc::new(Field::new_list_field(element.ty().arrow(), true)))
            }
        }
    }

    /// What the metadata of a field says of its type where Arrow has none of its own.
    #[must_use]
    pub fn metadata(self) -> HashMap<String, String> {
        let (name, parameters) = match self {
            Self::Uuid => (UUID_EXTENSION, None),
            Self::Json => (JSON_EXTENSION, None),
            Self::Varchar(limit) => (VARCHAR_EXTENSION, Some(limit.to_string())),
            _ => return HashMap::new(),
        };
        let name = (EXTENSION_NAME.to_owned(), name.to_owned());
        let parameters = parameters.map(|text| (EXTENSION_METADATA.to_owned(), text));
        std::iter::once(name).chain(parameters).collect()
    }

    /// A field of this type.
    #[must_use]
    pub fn field(self, name: &str, nullable: bool) -> Field {
        Field::new(name, self.arrow(), nullable).with_metadata(self.metadata())
    }

    /// The type of a field: of its Arrow type and of what its metadata says besides. `None` when there is none.
    #[must_use]
    pub fn of_field(field: &Field) -> Option<Self> {
        if *field.data_type() == DataType::Utf8 {
            match field.metadata().get(EXTENSION_NAME).map(String::as_str) {
                Some(UUID_EXTENSION) => return Some(Self::Uuid),
                Some(JSON_EXTENSION) => return Some(Self::Json),
                Some(VARCHAR_EXTENSION) => {
                    let limit = field.metadata().get(EXTENSION_METADATA).and_then(|limit| limit.parse().ok());
                    return Some(limit.map_or(Self::Text, Self::Varchar));
                }
                _ => {}
            }
        }
        Self::from_arrow(field.data_type())
    }

    /// The type whose arrays are of `arrow`, if there is one; of several the plainest.
    #[must_use]
    pub fn from_arrow(arrow: &DataType) -> Option<Self> {
        match arrow {
            DataType::Decimal128(precision, scale) => Self::decimal((*precision).into(), (*scale).into()),
            DataType::List(field) => {
                Self::from_arrow(field.data_type()).and_then(Element::of).map(Self::Array)
            }
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if is_utc(zone) => Some(Self::TimestampTz),
            _ => PLAIN.into_iter().map(|(ty, _, _)| ty).find(|ty| ty.arrow() == *arrow),
        }
    }

    /// Whether its values have an order by which rows can be found: whether it can be of a primary key.
    #[must_use]
    pub fn can_be_key(self) -> bool {
        !matches!(self, Self::Json | Self::Array(_))
    }

    /// Every type, for messages.
    #[must_use]
    pub fn list() -> String {
        let names = PLAIN.map(|(_, name, _)| name).join(", ");
        format!("{names}, DECIMAL(p,s), VARCHAR(n) and arrays of them")
    }

    fn code(self) -> String {
        match self {
            Self::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
            Self::Varchar(limit) => format!("varchar({limit})"),
            Self::Array(element) => format!("{}[]", element.ty().code()),
            plain => {
                let named = PLAIN.into_iter().find(|(ty, _, _)| *ty == plain);
                named.map_or_else(String::new, |(_, _, code)| code.to_owned())
            }
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        if let Some(element) = code.strip_suffix("[]") {
            return Self::from_code(element).and_then(Element::of).map(Self::Array);
        }
        if let Some((name, parameters)) = code.strip_suffix(')').and_then(|code| code.split_once('(')) {
            return match (name, parameters.split_once(',')) {
                ("decimal", Some((precision, scale))) => {
                    Self::decimal(precision.parse().ok()?, scale.parse().ok()?)
                }
                ("varchar", None) => {
                    parameters.parse().ok().filter(|n| (1..=MAX_VARCHAR).contains(n)).map(Self::Varchar)
                }
                _ => None,
            };
        }
        PLAIN.into_iter().find(|(_, _, plain)| *plain == code).map(|(ty, _, _)| ty)
    }
}

/// Whether a zone of Arrow's is UTC: by name, as Parquet files have it, or by its offset, as DataFusion does.
fn is_utc(zone: &str) -> bool {
    matches!(zone, UTC | "+00:00" | "Z")
}

/// The name in SQL.
impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision},{scale})"),
            Self::Varchar(limit) => write!(f, "VARCHAR({limit})"),
            Self::Array(element) => write!(f, "{}[]", element.ty()),
            plain => {
                let named = PLAIN.into_iter().find(|(ty, _, _)| ty == plain);
                f.write_str(named.map_or("", |(_, name, _)| name))
            }
        }
    }
}

impl Serialize for ColumnType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.code())
    }
}

impl<'de> Deserialize<'de> for ColumnType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::from_code(&code).ok_or_else(|| D::Error::custom(format!("{code:?} is no type of a column")))
    }
}

/// One of every type, for tests.
#[cfg(test)]
pub(crate) fn samples() -> Vec<ColumnType> {
    let decimals =
        [(10, 2), (38, 0), (5, 5)].map(|(precision, scale)| ColumnType::Decimal { precision, scale });
    let mut all: Vec<ColumnType> = PLAIN.into_iter().map(|(ty, _, _)| ty).chain(decimals).collect();
    all.push(ColumnType::Varchar(3));
    let arrays: Vec<ColumnType> =
        all.iter().filter_map(|ty| Element::of(*ty)).map(ColumnType::Array).collect();
    all.extend(arrays);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lead_back_to_their_types() {
        for ty in samples() {
            let field = ty.field("c", true);
            let expected = match ty {
                // What the elements of an array are besides their Arrow type, only the definition says.
                ColumnType::Array(element) => {
                    ColumnType::from_arrow(&element.ty().arrow()).and_then(Element::of).map(ColumnType::Array)
                }
                ty => Some(ty),
            };
            assert_eq!(ColumnType::of_field(&field), expected, "{ty}");
        }
        assert_eq!(ColumnType::from_arrow(&DataType::UInt8), None);
        assert_eq!(ColumnType::from_arrow(&DataType::Decimal128(5, -2)), None);
    }

    #[test]
    fn definitions_keep_every_type() {
        for ty in samples() {
            let json = serde_json::to_string(&ty).unwrap();
            assert_eq!(serde_json::from_str::<ColumnType>(&json).unwrap(), ty, "{json}");
        }
        let json = |ty: ColumnType| serde_json::to_string(&ty).unwrap();
        assert_eq!(json(ColumnType::Double), "\"double\"");
        assert_eq!(json(ColumnType::Decimal { precision: 10, scale: 2 }), "\"decimal(10,2)\"");
        for bad in ["", "int", "decimal(39,0)", "decimal(5,6)", "varchar(0)", "varchar()", "text[][]", "[]"] {
            assert!(serde_json::from_str::<ColumnType>(&format!("{bad:?}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_those_of_sql() {
        let element = Element::of(ColumnType::Decimal { precision: 5, scale: 1 }).unwrap();
        assert_eq!(ColumnType::Array(element).to_string(), "DECIMAL(5,1)[]");
        assert_eq!(ColumnType::Varchar(7).to_string(), "VARCHAR(7)");
        assert_eq!(ColumnType::TimestampTz.to_string(), "TIMESTAMPTZ");
    }
}
