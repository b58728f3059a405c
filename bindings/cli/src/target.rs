//! The table that rows are imported into: its name and its definition in SQL.

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::ALL_KEYWORDS;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;
use firndb_core::catalog::ColumnType;
use firndb_core::sql::name_parts;
use firndb_core::{Error, Result};

use crate::args::TableKind;

/// A table's name as it is written in SQL.
#[derive(Debug, Clone)]
pub struct TableName {
    parts: Vec<String>,
}

impl TableName {
    /// Reads `text` as SQL would.
    ///
    /// # Errors
    /// `InvalidInput` when it is not a name.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |why: &str| Error::invalid(format!("{text:?} is not the name of a table: {why}"));
        let dialect = PostgreSqlDialect {};
        let mut parser = Parser::new(&dialect).try_with_sql(text).map_err(|e| bad(&e.to_string()))?;
        let name = parser.parse_object_name(false).map_err(|e| bad(&e.to_string()))?;
        if parser.peek_token().token != Token::EOF {
            return Err(bad("there is more text behind it"));
        }
        let parts = name_parts(&name)?;
        match parts.as_slice() {
            // The engine takes `namespace.table` apart at the first dot.
            [first] | [first, _] if !first.contains('.') => Ok(Self { parts }),
            [_] | [_, _] => Err(bad("a dot inside of a quoted name works in SQL only")),
            _ => Err(bad("it is `table` or `namespace.table`")),
        }
    }

    /// The name for the engine's own functions.
    pub fn plain(&self) -> String {
        self.parts.join(".")
    }

    /// The name as the catalog has it.
    pub fn name(&self) -> firndb_core::catalog::TableName {
        match self.parts.as_slice() {
            [namespace, name] => firndb_core::catalog::TableName::qualified(namespace, name),
            parts => firndb_core::catalog::TableName::bare(parts.concat()),
        }
    }

    /// The name in SQL.
    pub fn sql(&self) -> String {
        self.parts.iter().map(|p| identifier(p)).collect::<Vec<_>>().join(".")
    }

    /// The namespace in SQL, if the name has one.
    pub fn namespace(&self) -> Option<String> {
        match self.parts.as_slice() {
            [namespace, _] => Some(identifier(namespace)),
            _ => None,
        }
    }
}

/// `name` as an identifier in SQL, quoted where it must be.
fn identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let word = plain && !ALL_KEYWORDS.iter().any(|k| k.eq_ignore_ascii_case(name));
    if word { name.to_owned() } else { quoted(name) }
}

/// `name` in quotes, which every name may have.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The statement that creates a table with these columns.
///
/// # Errors
/// `NotFound` when a key column is not among them, `Unsupported` for a type FirnDB does not have.
pub fn create_table(
    name: &TableName,
    kind: TableKind,
    ttl_seconds: Option<u64>,
    columns: &Schema,
    key: &[String],
) -> Result<String> {
    let mut lines = Vec::new();
    for wanted in key {
        if columns.field_with_name(wanted).is_err() {
            let have: Vec<_> = columns.fields().iter().map(|f| f.name().as_str()).collect();
            let have = have.join(", ");
            return Err(Error::not_found(format!(
                "the file has no column {wanted:?} for the key; it has {have}"
            )));
        }
    }
    for field in columns.fields() {
        let not_null = if key.contains(field.name()) { " NOT NULL" } else { "" };
        lines.push(format!("{} {}{not_null}", quoted(field.name()), sql_type(field)?));
    }
    let key: Vec<_> = key.iter().map(|k| quoted(k)).collect();
    lines.push(format!("PRIMARY KEY ({})", key.join(", ")));
    let kind = match kind {
        TableKind::Shared => "SHARED",
        TableKind::User => "USER",
        TableKind::Stream => "STREAM",
    };
    let options = ttl_seconds.map(|ttl| format!(" WITH (TTL_SECONDS = {ttl})")).unwrap_or_default();
    Ok(format!("CREATE {kind} TABLE {} ({}){options}", name.sql(), lines.join(", ")))
}

/// The type in SQL that holds every value of a column of a file.
fn sql_type(field: &Field) -> Result<String> {
    if let Some(ty) = ColumnType::of_field(field) {
        return Ok(ty.to_string());
    }
    let name = match field.data_type() {
        DataType::Int8 | DataType::UInt8 => "SMALLINT",
        DataType::UInt16 => "INTEGER",
        DataType::UInt32 | DataType::UInt64 => "BIGINT",
        DataType::Float16 => "REAL",
        DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => "TEXT",
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "BYTEA",
        DataType::Date64 => "DATE",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Timestamp(_, None) => "TIMESTAMP",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMPTZ",
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) if *scale >= 0 => {
            return Ok(format!("DECIMAL({precision},{scale})"));
        }
        DataType::List(element) | DataType::LargeList(element) if !element.data_type().is_nested() => {
            return Ok(format!("{}[]", sql_type(element)?));
        }
        DataType::Dictionary(_, value) => {
            return sql_type(&Field::new(field.name(), (**value).clone(), true));
        }
        other => {
            return Err(Error::unsupported(format!(
                "column {} has type {other}, which FirnDB does not have yet; convert it before importing",
                field.name()
            )));
        }
    };
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::TimeUnit;

    use super::*;

    #[test]
    fn names_are_read_as_sql_reads_them() {
        let cases = [
            ("t", "t", None),
            ("app.t", "app.t", Some("app")),
            ("App.\"My T\"", "app.\"My T\"", Some("app")),
            ("app.\"select\"", "app.\"select\"", Some("app")),
        ];
        for (text, sql, namespace) in cases {
            let name = TableName::parse(text).expect(text);
            assert_eq!((name.sql().as_str(), name.namespace().as_deref()), (sql, namespace));
        }
        for text in ["", "a.b.c", "\"a.b\"", "t; DROP TABLE u", "t WHERE", "1"] {
            assert!(TableName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_definition_quotes_names_and_maps_types() {
        let schema = Schema::new(vec![
            Field::new("id", DataType::UInt32, true),
            Field::new(
                "Full \"name\"",
                DataType::Dictionary(DataType::Int8.into(), DataType::Utf8.into()),
                true,
            ),
        ]);
        let name = TableName::parse("app.t").expect("a name");
        let sql = create_table(&name, TableKind::User, None, &schema, &["id".into()]).expect("a definition");
        let expected = "CREATE USER TABLE app.t (\"id\" BIGINT NOT NULL, \"Full \"\"name\"\"\" TEXT, PRIMARY KEY (\"id\"))";
        assert_eq!(sql, expected);
        assert!(create_table(&name, TableKind::Shared, None, &schema, &["nope".into()]).is_err());
        let typed = [
            (DataType::Decimal128(10, 2), "DECIMAL(10,2)"),
            (DataType::Time64(TimeUnit::Nanosecond), "TIME"),
            (DataType::Timestamp(TimeUnit::Second, Some("+02:00".into())), "TIMESTAMPTZ"),
            (DataType::new_list(DataType::Int32, true), "INTEGER[]"),
        ];
        for (arrow, sql) in typed {
            assert_eq!(sql_type(&Field::new("c", arrow, true)).ok().as_deref(), Some(sql));
        }
        let odd = Schema::new(vec![Field::new("d", DataType::Duration(TimeUnit::Second), true)]);
        assert!(create_table(&name, TableKind::Shared, None, &odd, &["d".into()]).is_err());
    }
}
