//! Types as SQL calls them, where DataFusion and Arrow call them otherwise.

use arrow::datatypes::DataType;

/// What SQL calls `ty`, in the lower case in which PostgreSQL writes types in messages.
#[must_use]
pub(crate) fn sql_type(ty: &DataType) -> String {
    named(&ty.to_string())
}

/// What SQL calls the type that Arrow or DataFusion writes as `text`; `text` itself if it is none of theirs.
#[must_use]
pub(super) fn named(text: &str) -> String {
    let text = text.trim().trim_start_matches("non-null ");
    let (name, inner) = match text.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.strip_suffix(')')),
        None => (text, None),
    };
    match name {
        "Decimal128" | "Decimal256" | "Decimal64" | "Decimal32" => {
            return inner
                .map_or("decimal".to_owned(), |digits| format!("decimal({})", digits.replace(' ', "")));
        }
        // `Timestamp(µs, "UTC")` has a time zone, `Timestamp(µs)` none.
        "Timestamp" => {
            let zoned = inner.is_some_and(|i| i.contains(',') && !i.ends_with("None"));
            return if zoned { "timestamptz" } else { "timestamp" }.to_owned();
        }
        "List" | "LargeList" | "ListView" | "LargeListView" | "FixedSizeList" => {
            let element = inner.map(element).filter(|element| !element.is_empty());
            return element.map_or("array".to_owned(), |element| format!("{}[]", named(element)));
        }
        "Dictionary" => {
            let value = inner.and_then(|i| i.split_once(',')).map_or("", |(_, value)| value);
            return named(value);
        }
        _ => {}
    }
    plain(name).unwrap_or(text).to_owned()
}

/// The type of the elements of a list that is written as `List(inner)`.
fn element(inner: &str) -> &str {
    let inner = inner.split_once("data_type: ").map_or(inner, |(_, rest)| rest);
    let end = inner.match_indices(',').find(|(at, _)| is_balanced(inner.get(..*at).unwrap_or_default()));
    end.and_then(|(at, _)| inner.get(..at)).unwrap_or(inner).trim()
}

fn is_balanced(text: &str) -> bool {
    text.matches('(').count() == text.matches(')').count()
}

/// What SQL calls a type whose name stands alone.
pub(super) fn plain(name: &str) -> Option<&'static str> {
    Some(match name {
        "Boolean" => "boolean",
        "Int8" | "Int16" | "UInt8" => "smallint",
        "Int32" | "UInt16" => "integer",
        "Int64" | "UInt32" | "UInt64" => "bigint",
        "Float16" | "Float32" => "real",
        "Float64" => "double precision",
        "Utf8" | "LargeUtf8" | "Utf8View" => "text",
        "Binary" | "LargeBinary" | "BinaryView" | "FixedSizeBinary" => "bytea",
        "Date32" | "Date64" => "date",
        "Time32" | "Time64" => "time",
        "Timestamp" => "timestamp",
        "Interval" | "Duration" => "interval",
        "Decimal128" | "Decimal256" => "decimal",
        "Null" => "unknown",
        "Struct" => "record",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, IntervalUnit, TimeUnit};

    use super::*;

    #[test]
    fn types_have_the_names_of_sql() {
        for (ty, name) in [
            (DataType::Int32, "integer"),
            (DataType::Float64, "double precision"),
            (DataType::Utf8, "text"),
            (DataType::Decimal128(10, 2), "decimal(10,2)"),
            (DataType::Time64(TimeUnit::Microsecond), "time"),
            (DataType::Timestamp(TimeUnit::Microsecond, None), "timestamp"),
            (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), "timestamptz"),
            (DataType::Interval(IntervalUnit::MonthDayNano), "interval"),
            (DataType::new_list(DataType::Int32, true), "integer[]"),
            (DataType::new_list(DataType::Decimal128(5, 1), false), "decimal(5,1)[]"),
            (DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into()), "text"),
            (DataType::Struct(vec![Field::new("a", DataType::Int32, true)].into()), "record"),
        ] {
            assert_eq!(sql_type(&ty), name, "{ty}");
        }
        assert_eq!(named("Timestamp(ns, \"+TZ\")"), "timestamptz");
        assert_eq!(named("something"), "something");
    }
}
