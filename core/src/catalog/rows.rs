//! A table's definition as the tiers need it: how its rows lie in memory and in files.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::nullif;
use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Value,
};

use crate::catalog::{ColumnDef, Compression, DefaultExpr, TableDef, nearest, quoted};
use crate::cold::schema::{FileColumn, FileSchema};
use crate::error::{Error, Result};

impl TableDef {
    /// The types of the key columns, in key order.
    #[must_use]
    pub fn key_types(&self) -> Vec<DataType> {
        self.key_columns().into_iter().filter_map(|i| self.columns.get(i)).map(|c| c.ty.arrow()).collect()
    }

    /// Where the key columns lie in a row version of schema version `version`, which starts with `_seq` and
    /// `_deleted`, in key order.
    ///
    /// # Errors
    /// As [`TableDef::columns_at`].
    pub fn row_key_columns(&self, version: u32) -> Result<Arc<[usize]>> {
        if version == self.schema_version {
            return Ok(self.key_columns().into_iter().map(|i| i + 2).collect());
        }
        let columns = self.columns_at(version)?;
        let places = self.primary_key.iter().filter_map(|id| columns.iter().position(|(c, _, _)| c == id));
        Ok(places.map(|i| i + 2).collect())
    }

    /// `rows`, which schema version `version` wrote, as rows of this definition: columns by id, and for
    /// columns younger than the rows the value they were added with.
    ///
    /// # Errors
    /// `Conflict` when the rows are younger than this definition: the table was altered meanwhile.
    pub fn current_rows(&self, rows: &RecordBatch, version: u32) -> Result<RecordBatch> {
        if version == self.schema_version {
            return Ok(rows.clone());
        }
        if version > self.schema_version {
            return Err(Error::conflict(format!(
                "table {} was altered meanwhile; run the statement again",
                self.full_name()
            )));
        }
        let stored = self.columns_at(version)?;
        let mut columns: Vec<ArrayRef> = rows.columns().iter().take(2).cloned().collect();
        let deleted = rows.columns().get(1).and_then(|c| c.as_boolean_opt());
        for column in &self.columns {
            let place = stored.iter().position(|(id, _, _)| *id == column.id);
            columns.push(match place.and_then(|p| rows.columns().get(p + 2)) {
                Some(values) => values.clone(),
                None => {
                    let values = self.missing_value(column)?.to_array_of_size(rows.num_rows())?;
                    match deleted {
                        // A tombstone has no values but its key, also none that were added.
                        Some(deleted) if deleted.true_count() > 0 => nullif(&values, deleted)?,
                        _ => values,
                    }
                }
            });
        }
        Ok(RecordBatch::try_new(self.row_schema(), columns)?)
    }

    /// The definition as batch files need it.
    ///
    /// # Errors
    /// `Internal` when a column's added value is not of its type.
    pub fn file_schema(&self) -> Result<FileSchema> {
        let columns = self.columns.iter().map(|c| {
            Ok(FileColumn {
                id: c.id,
                name: c.name.clone(),
                data_type: c.ty.arrow(),
                nullable: c.nullable,
                missing: self.missing_value(c)?,
            })
        });
        Ok(FileSchema {
            table: self.id,
            namespace: self.namespace.clone(),
            table_name: self.name.clone(),
            schema_version: self.schema_version,
            columns: columns.collect::<Result<_>>()?,
            key: self.primary_key.clone(),
            bloom: self.bloom_filters(),
            compression: parquet_compression(self.options.compression),
        })
    }

    /// The error for a column that the table does not have.
    #[must_use]
    pub fn no_column(&self, name: &str) -> Error {
        let names = self.columns.iter().map(|c| c.name.as_str());
        let hint = match nearest(name, names.clone()) {
            Some(near) => format!("did you mean {}?", quoted(near)),
            None => format!("its columns are {}", names.map(quoted).collect::<Vec<_>>().join(", ")),
        };
        let message = format!("there is no column {} in {}", quoted(name), self.full_name());
        Error::not_found(message).about(None, name).with_hint(hint)
    }
}

fn parquet_compression(compression: Compression) -> parquet::basic::Compression {
    use parquet::basic::{Compression as To, ZstdLevel};
    match compression {
        Compression::Zstd => To::ZSTD(ZstdLevel::default()),
        Compression::Snappy => To::SNAPPY,
        Compression::Lz4 => To::LZ4_RAW,
        Compression::None => To::UNCOMPRESSED,
    }
}

impl ColumnDef {
    /// The column's default as an expression, for `SET column = DEFAULT`.
    ///
    /// # Errors
    /// `Unsupported` for a default that gives every row another value.
    pub fn default_expr(&self) -> Result<Expr> {
        let text = |t: String| Expr::Value(Value::SingleQuotedString(t).into());
        match &self.default {
            None => Ok(Expr::Value(Value::Null.into())),
            Some(DefaultExpr::Literal(value)) => {
                Ok(value.to_text(self.ty)?.map_or_else(|| Expr::Value(Value::Null.into()), text))
            }
            Some(DefaultExpr::Now) => Ok(call("now")),
            Some(DefaultExpr::UuidV7) => Ok(call("uuid_v7")),
            Some(DefaultExpr::Ulid) => Ok(call("ulid")),
            Some(DefaultExpr::CurrentUser) => Ok(call("current_user")),
            Some(DefaultExpr::SnowflakeId | DefaultExpr::Identity) => Err(Error::unsupported(format!(
                "SET {} = DEFAULT, where the default is SNOWFLAKE_ID()",
                self.name
            ))),
        }
    }
}

/// A call without arguments.
fn call(name: &str) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: Vec::new(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
