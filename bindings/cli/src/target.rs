//! The table that rows are imported into: its definition in SQL, and how a file's columns fit it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::ALL_KEYWORDS;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;
use firndb_core::catalog::ColumnType;
use firndb_core::sql::name_parts;
use firndb_core::{Error, Outcome, Result, Session};

use crate::args::TableKind;
use crate::source::{Source, is_read_as_text};

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
pub fn create_table(name: &TableName, kind: TableKind, columns: &Schema, key: &[String]) -> Result<String> {
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
    };
    Ok(format!("CREATE {kind} TABLE {} ({})", name.sql(), lines.join(", ")))
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

/// The columns of a table, as an empty SELECT gives them.
///
/// # Errors
/// `NotFound` when there is no such table.
pub async fn columns_of(session: &mut Session, name: &TableName) -> Result<SchemaRef> {
    match session.query(&format!("SELECT * FROM {} LIMIT 0", name.sql()), &[]).await? {
        Outcome::Rows { schema, .. } => Ok(schema),
        _ => Err(Error::internal("a SELECT returned no rows and no schema")),
    }
}

/// Which columns of a file go into which columns of a table.
#[derive(Debug)]
pub struct Fit {
    /// Numbers of the file's columns.
    pub columns: Vec<usize>,
    /// The table's columns they go into, in the same order.
    pub into: SchemaRef,
}

impl Fit {
    /// Matches columns by name: exactly, or else without regard to case where only one fits.
    ///
    /// # Errors
    /// `NotFound` for a column that the table does not have, `InvalidInput` for two that go into one.
    pub fn of(source: &Source, table: &TableName, target: &Schema) -> Result<Self> {
        let mut fields: Vec<Field> = Vec::new();
        for from in source.schema().fields() {
            let field = find(target, from.name()).ok_or_else(|| {
                let have: Vec<_> = target.fields().iter().map(|f| f.name().as_str()).collect();
                Error::not_found(format!(
                    "{} has a column {:?}, which table {} has not; its columns are {}",
                    source.path().display(),
                    from.name(),
                    table.sql(),
                    have.join(", ")
                ))
            })?;
            if fields.iter().any(|f| f.name() == field.name()) {
                return Err(Error::invalid(format!(
                    "{} has two columns that go into column {}",
                    source.path().display(),
                    field.name()
                )));
            }
            fields.push(Field::new(field.name(), field.data_type().clone(), true));
        }
        Ok(Self { columns: (0..fields.len()).collect(), into: Arc::new(Schema::new(fields)) })
    }

    /// The types of the table's columns.
    pub fn types(&self) -> Vec<DataType> {
        self.into.fields().iter().map(|f| f.data_type().clone()).collect()
    }

    /// A batch of the file as the table has it.
    ///
    /// # Errors
    /// `InvalidInput` for a value that the column's type does not hold, naming the column.
    pub fn cast(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let columns = batch
            .columns()
            .iter()
            .zip(self.into.fields())
            .map(|(column, field)| -> Result<ArrayRef> {
                // A time zone is an instant in UTC; TIMESTAMP keeps that instant.
                let column = match column.data_type() {
                    DataType::Timestamp(unit, Some(_))
                        if matches!(field.data_type(), DataType::Timestamp(_, None)) =>
                    {
                        cast_with_options(column, &utc(*unit), &options)
                    }
                    _ => Ok(column.clone()),
                };
                if is_engines(batch_type(&column), field.data_type()) {
                    return Ok(column?);
                }
                column.and_then(|c| cast_with_options(&c, field.data_type(), &options)).map_err(|e| {
                    Error::from(e).context(format!("column {} of type {}", field.name(), field.data_type()))
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let fields = self.into.fields().iter().zip(&columns);
        let fields = fields.map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true));
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)?)
    }
}

/// Whether what is read as `from` is left to the engine to convert, by its own rules.
fn is_engines(from: Option<&DataType>, to: &DataType) -> bool {
    match from {
        Some(DataType::Utf8) => is_read_as_text(to),
        Some(DataType::FixedSizeBinary(_)) => *to == DataType::Utf8,
        _ => false,
    }
}

fn batch_type(column: &std::result::Result<ArrayRef, ArrowError>) -> Option<&DataType> {
    column.as_ref().ok().map(|c| c.data_type())
}

fn utc(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, Some("UTC".into()))
}

fn find<'a>(target: &'a Schema, name: &str) -> Option<&'a Field> {
    let exact = target.fields().iter().find(|f| f.name() == name);
    let mut folded = target.fields().iter().filter(|f| f.name().eq_ignore_ascii_case(name));
    let found = exact.or_else(|| match (folded.next(), folded.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    });
    found.map(AsRef::as_ref)
}

#[cfg(test)]
mod tests {
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
        let sql = create_table(&name, TableKind::User, &schema, &["id".into()]).expect("a definition");
        let expected = "CREATE USER TABLE app.t (\"id\" BIGINT NOT NULL, \"Full \"\"name\"\"\" TEXT, PRIMARY KEY (\"id\"))";
        assert_eq!(sql, expected);
        assert!(create_table(&name, TableKind::Shared, &schema, &["nope".into()]).is_err());
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
        assert!(create_table(&name, TableKind::Shared, &odd, &["d".into()]).is_err());
    }
}
