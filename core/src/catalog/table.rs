//! The definition of a table: its columns through all its schema versions, its key and its options.

use std::fmt;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use crate::catalog::name::{DELETED_COLUMN, SEQ_COLUMN, TableName};
use crate::catalog::{ColumnType, IndexDef, Literal, TableOptions};
use crate::error::{Error, Result};
use crate::types::{ColumnId, SeqId, TableId, path_part};

/// The metadata key of an Arrow field under which Parquet keeps the column id.
pub const FIELD_ID_KEY: &str = "PARQUET:field_id";

/// Whom the rows of a table belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TableKind {
    /// To the session's subject: each has a scope of its own.
    User,
    /// To everyone: one scope.
    Shared,
    /// To the session's subject, as those of a USER table, until the time of the table is over. They are hot only.
    Stream,
}

impl TableKind {
    /// The name in SQL.
    #[must_use]
    pub fn sql_name(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Shared => "SHARED",
            Self::Stream => "STREAM",
        }
    }

    /// Whether rows become cold: those of a STREAM table never do, whatever is asked for.
    #[must_use]
    pub fn has_files(self) -> bool {
        self != Self::Stream
    }
}

/// What an INSERT that leaves a column out gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultExpr {
    /// A constant of the column's type.
    Literal(Literal),
    /// The time of the statement.
    Now,
    /// An id that no other row of the store has.
    SnowflakeId,
    /// As [`Self::SnowflakeId`], and no statement may give another: GENERATED ALWAYS AS IDENTITY.
    Identity,
    /// A UUID of version 7, another for each row.
    UuidV7,
    /// A ULID, another for each row.
    Ulid,
    /// Whose rows the statement writes.
    CurrentUser,
}

/// A column of the current schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDef {
    /// Its id: never reused in the table, also not after the column is dropped.
    pub id: ColumnId,
    /// Its name.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub ty: ColumnType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// What an INSERT that leaves it out gives it; `None` is NULL.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default: Option<DefaultExpr>,
    /// The schema version that added it.
    pub added_in: u32,
    /// What it is in row versions older than `added_in`; `None` is NULL.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub added_value: Option<Literal>,
}

/// A column that is no more, but that hot blocks of older schema versions still hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedColumn {
    /// The id it had.
    pub id: ColumnId,
    /// The name it had last.
    pub name: String,
    /// What it held.
    #[serde(rename = "type")]
    pub ty: ColumnType,
    /// The schema version that added it.
    pub added_in: u32,
    /// The first schema version without it.
    pub dropped_in: u32,
}

/// A table as one schema version defines it.
///
/// **Invariants**, kept by the statements that make definitions and checked when one is decoded: column
/// ids are unique, ascending and below `next_column_id`; names are unique; the key names at least one
/// column, none twice, none nullable; defaults are of their column's type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableDef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its id, never given out again.
    pub id: TableId,
    /// Whom its rows belong to.
    pub kind: TableKind,
    /// Counts the definitions of the table from 1.
    pub schema_version: u32,
    /// The id of the next column that is added.
    pub next_column_id: u32,
    /// The columns, in the order they were added.
    pub columns: Vec<ColumnDef>,
    /// The columns that were dropped.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub dropped_columns: Vec<DroppedColumn>,
    /// The columns of the key, in key order.
    pub primary_key: Vec<ColumnId>,
    /// Its options.
    pub options: TableOptions,
    /// Its indexes, in the order they were made.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub indexes: Vec<IndexDef>,
    /// The table whose place it took when that was truncated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replaces: Option<TableId>,
    /// From which `_seq` on its feed tells of every deletion, in all scopes, if it began with rows that went untold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub feed_floor: Option<SeqId>,
    /// Whether it is dropped and only waits for its rows and files to be removed.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub dropped: bool,
    /// Schemas made from the fields above.
    #[serde(skip)]
    pub(crate) schemas: SchemaCache,
}

impl TableDef {
    /// The table's name with its namespace.
    #[must_use]
    pub fn full_name(&self) -> TableName {
        TableName::qualified(&self.namespace, &self.name)
    }

    /// The directory of the table in the blob store; safe as a path whatever the names are.
    #[must_use]
    pub fn dir(&self) -> String {
        format!("{}/{}-{:08x}", path_part("", &self.namespace), path_part("", &self.name), self.id.0)
    }

    /// Where the blob store keeps this version of the definition.
    #[must_use]
    pub fn definition_path(&self) -> Path {
        Path::from(format!("{}/table-{}.json", self.dir(), self.schema_version))
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnDef> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The column of this id.
    #[must_use]
    pub fn column_by_id(&self, id: ColumnId) -> Option<&ColumnDef> {
        self.columns.iter().find(|c| c.id == id)
    }

    /// The place of a column of this name among [`Self::columns`].
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }

    /// Whether the column is part of the primary key.
    #[must_use]
    pub fn is_key(&self, id: ColumnId) -> bool {
        self.primary_key.contains(&id)
    }

    /// The places of the key's columns among [`Self::columns`], in key order.
    #[must_use]
    pub fn key_columns(&self) -> Vec<usize> {
        self.primary_key.iter().filter_map(|id| self.columns.iter().position(|c| c.id == *id)).collect()
    }

    /// The table's own columns, as a query without system columns sees them. Fields carry their column
    /// id under [`FIELD_ID_KEY`].
    #[must_use]
    pub fn arrow_schema(&self) -> SchemaRef {
        Arc::clone(&self.schemas().columns)
    }

    /// Row versions in memory and in blocks: `_seq`, `_deleted`, then the columns, nullable because a
    /// tombstone holds only its key.
    #[must_use]
    pub fn row_schema(&self) -> SchemaRef {
        Arc::clone(&self.schemas().rows)
    }

    /// Row versions as schema version `version` wrote them. Fields match those of [`Self::row_schema`]
    /// by column id only: names are today's, and a dropped column's name may be another column's.
    ///
    /// # Errors
    /// `Corrupt` when the table has had no such version.
    pub fn row_schema_at(&self, version: u32) -> Result<SchemaRef> {
        if version == self.schema_version {
            return Ok(self.row_schema());
        }
        Ok(row_schema(self.columns_at(version)?.into_iter()))
    }

    /// The columns of schema version `version`, in order: id, name and type.
    ///
    /// # Errors
    /// `Corrupt` when the table has had no such version.
    pub fn columns_at(&self, version: u32) -> Result<Vec<(ColumnId, &str, ColumnType)>> {
        if version == 0 || version > self.schema_version {
            return Err(Error::corrupt(format!(
                "table {} has schema versions 1 to {}, not {version}",
                self.full_name(),
                self.schema_version
            )));
        }
        let alive = self.columns.iter().filter(|c| c.added_in <= version);
        let gone = self.dropped_columns.iter().filter(|c| c.added_in <= version && version < c.dropped_in);
        let mut columns: Vec<_> = alive
            .map(|c| (c.id, c.name.as_str(), c.ty))
            .chain(gone.map(|c| (c.id, c.name.as_str(), c.ty)))
            .collect();
        columns.sort_by_key(|(id, _, _)| *id);
        Ok(columns)
    }

    /// What `column` is in a row version that was written before the column was added.
    ///
    /// # Errors
    /// `InvalidInput` when the column's definition breaks its invariants; never for a column of a table.
    pub fn missing_value(&self, column: &ColumnDef) -> Result<ScalarValue> {
        column.added_value.as_ref().unwrap_or(&Literal::Null).to_scalar(column.ty)
    }

    fn schemas(&self) -> &Schemas {
        self.schemas.0.get_or_init(|| Schemas {
            columns: Arc::new(Schema::new(
                self.columns.iter().map(|c| field(c.id, &c.name, c.ty, c.nullable)).collect::<Vec<_>>(),
            )),
            rows: row_schema(self.columns.iter().map(|c| (c.id, c.name.as_str(), c.ty))),
        })
    }
}

/// Schemas are asked for on every statement, so each definition makes them once.
#[derive(Default)]
pub(crate) struct SchemaCache(OnceLock<Schemas>);

struct Schemas {
    columns: SchemaRef,
    rows: SchemaRef,
}

/// A copy of a definition is made to be changed, so it starts without schemas.
impl Clone for SchemaCache {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for SchemaCache {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for SchemaCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SchemaCache")
    }
}

fn field(id: ColumnId, name: &str, ty: ColumnType, nullable: bool) -> Field {
    let mut metadata = ty.metadata();
    metadata.insert(FIELD_ID_KEY.to_owned(), id.to_string());
    Field::new(name, ty.arrow(), nullable).with_metadata(metadata)
}

fn row_schema<'a>(columns: impl Iterator<Item = (ColumnId, &'a str, ColumnType)>) -> SchemaRef {
    let system = [
        field(ColumnId(0), SEQ_COLUMN, ColumnType::BigInt, false),
        Field::new(DELETED_COLUMN, DataType::Boolean, false),
    ];
    let columns = columns.map(|(id, name, ty)| field(id, name, ty, true));
    Arc::new(Schema::new(system.into_iter().chain(columns).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::{alter, create, table_of};

    #[test]
    fn schemas_carry_ids_and_the_key_is_found_in_its_order() {
        let table = create("CREATE TABLE t (a TEXT, b BIGINT NOT NULL, c REAL, PRIMARY KEY (c, a))");
        let schema = table.arrow_schema();
        let fields: Vec<_> = schema
            .fields()
            .iter()
            .map(|f| (f.name().as_str(), f.is_nullable(), f.metadata().get(FIELD_ID_KEY).unwrap().as_str()))
            .collect();
        assert_eq!(fields, [("a", false, "1"), ("b", false, "2"), ("c", false, "3")]);
        assert_eq!(table.key_columns(), [2, 0]);

        let rows = table.row_schema();
        let fields: Vec<_> = rows.fields().iter().map(|f| (f.name().as_str(), f.is_nullable())).collect();
        assert_eq!(fields, [("_seq", false), ("_deleted", false), ("a", true), ("b", true), ("c", true)]);
        assert!(Arc::ptr_eq(&rows, &table.row_schema()));
    }

    #[test]
    fn every_schema_version_can_be_read_back() {
        let (catalog, _) = table_of("CREATE TABLE t (id BIGINT PRIMARY KEY, a TEXT, b DATE)");
        let (catalog, _) = alter(&catalog, "ALTER TABLE t DROP COLUMN a");
        let (catalog, _) = alter(&catalog, "ALTER TABLE t RENAME COLUMN b TO a");
        let (_, table) = alter(&catalog, "ALTER TABLE t ADD COLUMN b REAL");
        let ids = |version| -> Vec<_> {
            table.columns_at(version).unwrap().into_iter().map(|(id, name, ty)| (id.0, name, ty)).collect()
        };
        use ColumnType as T;
        assert_eq!(ids(1), [(1, "id", T::BigInt), (2, "a", T::Text), (3, "a", T::Date)]);
        assert_eq!(ids(2), [(1, "id", T::BigInt), (3, "a", T::Date)]);
        assert_eq!(ids(3), ids(2));
        assert_eq!(ids(4), [(1, "id", T::BigInt), (3, "a", T::Date), (4, "b", T::Real)]);
        assert_eq!(table.row_schema_at(4).unwrap(), table.row_schema());
        assert_eq!(table.row_schema_at(1).unwrap().fields().len(), 5);
        assert!(table.columns_at(0).is_err());
        assert!(table.columns_at(5).is_err());
    }

    #[test]
    fn directories_are_safe_whatever_the_names_are() {
        let mut table = TableDef::clone(&create("CREATE TABLE t (id BIGINT PRIMARY KEY)"));
        table.id = TableId(0x1F);
        assert_eq!(table.dir(), "main/t-0000001f");
        assert_eq!(table.definition_path().as_ref(), "main/t-0000001f/table-1.json");
        table.namespace = "..".to_owned();
        table.name = "a/../b%C".to_owned();
        let dir = table.dir();
        assert!(dir.starts_with("x-") && dir.matches('/').count() == 1, "{dir}");
        assert_eq!(table.definition_path().as_ref(), format!("{dir}/table-1.json"));
    }
}
