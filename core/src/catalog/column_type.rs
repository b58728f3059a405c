//! The column types and how they look in SQL, in Arrow and in definitions.

use std::fmt;

use arrow::datatypes::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// UTF-8 text of any length.
    Text,
    /// Bytes of any length.
    Bytea,
    /// A day of the proleptic Gregorian calendar.
    Date,
    /// A date and time of day without zone, in microseconds.
    Timestamp,
}

impl ColumnType {
    /// Every type.
    pub const ALL: [Self; 10] = [
        Self::Boolean,
        Self::SmallInt,
        Self::Integer,
        Self::BigInt,
        Self::Real,
        Self::Double,
        Self::Text,
        Self::Bytea,
        Self::Date,
        Self::Timestamp,
    ];

    /// The name in SQL.
    #[must_use]
    pub fn sql_name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::SmallInt => "SMALLINT",
            Self::Integer => "INTEGER",
            Self::BigInt => "BIGINT",
            Self::Real => "REAL",
            Self::Double => "DOUBLE PRECISION",
            Self::Text => "TEXT",
            Self::Bytea => "BYTEA",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
        }
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
            Self::Text => DataType::Utf8,
            Self::Bytea => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        }
    }

    /// The type whose arrays are of `arrow`, if there is one.
    #[must_use]
    pub fn from_arrow(arrow: &DataType) -> Option<Self> {
        Self::ALL.into_iter().find(|ty| ty.arrow() == *arrow)
    }

    /// Every name, for messages.
    #[must_use]
    pub fn list() -> String {
        Self::ALL.map(Self::sql_name).join(", ")
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sql_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrow_types_are_distinct_and_lead_back() {
        for ty in ColumnType::ALL {
            assert_eq!(ColumnType::from_arrow(&ty.arrow()), Some(ty));
        }
        assert_eq!(ColumnType::from_arrow(&DataType::UInt8), None);
    }
}
