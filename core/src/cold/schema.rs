//! What the cold tier needs to know about a table in order to write and read its batch files.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::scalar::ScalarValue;
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use parquet::basic::Compression;

use crate::error::{Error, Result};
use crate::key::KeyEncoder;
use crate::types::{ColumnId, TableId};

/// The name of the sequence column in batch files and scans.
pub const SEQ_COLUMN: &str = "_seq";

/// The field id of [`SEQ_COLUMN`]; the columns of a table start at 1.
pub const SEQ_ID: ColumnId = ColumnId(0);

/// One column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct FileColumn {
    /// Names the column for ever; the field id in batch files.
    pub id: ColumnId,
    /// Its current name.
    pub name: String,
    /// Its Arrow type.
    pub data_type: DataType,
    /// Whether it may hold NULL.
    pub nullable: bool,
    /// The value of rows in files older than the column, of type `data_type`.
    pub missing: ScalarValue,
}

/// A table as one schema version defines it.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSchema {
    /// The table.
    pub table: TableId,
    /// The namespace's name.
    pub namespace: String,
    /// The table's name.
    pub table_name: String,
    /// The version of this definition.
    pub schema_version: u32,
    /// The columns, in definition order, without `_seq`.
    pub columns: Vec<FileColumn>,
    /// The primary key, in key order.
    pub key: Vec<ColumnId>,
    /// Columns with Bloom filters, and the share of false positives wanted.
    pub bloom: Vec<(ColumnId, f64)>,
    /// How pages are compressed.
    pub compression: Compression,
}

impl FileSchema {
    /// `_seq`, then the columns, each with its id as the Parquet field id.
    #[must_use]
    pub fn arrow(&self) -> SchemaRef {
        let seq = field(SEQ_ID, SEQ_COLUMN, DataType::Int64, false);
        let columns = self.columns.iter().map(|c| field(c.id, &c.name, c.data_type.clone(), c.nullable));
        Arc::new(Schema::new(std::iter::once(seq).chain(columns).collect::<Vec<_>>()))
    }

    /// The column with this id.
    #[must_use]
    pub fn column(&self, id: ColumnId) -> Option<&FileColumn> {
        self.columns.iter().find(|c| c.id == id)
    }

    /// The column with this name.
    #[must_use]
    pub fn column_named(&self, name: &str) -> Option<&FileColumn> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The columns of the primary key, in key order.
    ///
    /// # Errors
    /// `Internal` when the key names a column that the table does not have.
    pub fn key_columns(&self) -> Result<Vec<&FileColumn>> {
        self.key
            .iter()
            .map(|id| {
                self.column(*id).ok_or_else(|| {
                    Error::internal(format!(
                        "the primary key of {}.{} names column {id}, which the table does not have",
                        self.namespace, self.table_name
                    ))
                })
            })
            .collect()
    }

    /// The key columns of rows that are laid out as [`FileSchema::arrow`], in key order.
    ///
    /// # Errors
    /// `Internal` when they are not.
    pub fn key_of(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let place = |id: &ColumnId| self.columns.iter().position(|c| c.id == *id);
        let columns: Option<Vec<ArrayRef>> =
            self.key.iter().map(|id| rows.columns().get(place(id)? + 1).cloned()).collect();
        columns.ok_or_else(|| Error::internal(format!("rows of {} lack its key", self.table_name)))
    }

    /// The same table with no columns but those of its key.
    #[must_use]
    pub fn key_only(&self) -> Self {
        let mut schema = self.clone();
        schema.columns.retain(|column| self.key.contains(&column.id));
        schema
    }

    /// An encoder for the table's primary key.
    ///
    /// # Errors
    /// As [`FileSchema::key_columns`] and [`KeyEncoder::new`].
    pub fn key_encoder(&self) -> Result<KeyEncoder> {
        let types: Vec<DataType> = self.key_columns()?.iter().map(|c| c.data_type.clone()).collect();
        KeyEncoder::new(&types)
    }
}

fn field(id: ColumnId, name: &str, data_type: DataType, nullable: bool) -> Field {
    let metadata = HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())]);
    Field::new(name, data_type, nullable).with_metadata(metadata)
}

/// The column id that a field carries, if it carries one.
#[must_use]
pub fn field_id(field: &Field) -> Option<ColumnId> {
    let text = field.metadata().get(PARQUET_FIELD_ID_META_KEY)?;
    text.parse().ok().map(ColumnId)
}

/// The positions of the columns of `schema` by their ids.
#[must_use]
pub fn positions(schema: &Schema) -> HashMap<ColumnId, usize> {
    schema.fields().iter().enumerate().filter_map(|(i, f)| field_id(f).map(|id| (id, i))).collect()
}
