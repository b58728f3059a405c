//! The engine's own tables: `information_schema` and `system`.
//!
//! Their rows are made when a statement reads them, for the subject that asks: of USER tables only its own
//! scope is looked at.

mod audit;
mod definitions;
mod jobs;
mod scopes;
mod storage;
mod users;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use chrono::{DateTime, SecondsFormat, Utc};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::TableSource;

use crate::access::Principal;
use crate::catalog::{ColumnType, RESERVED_NAMESPACES, TableName, nearest};
use crate::error::{Error, Result};
use crate::plan::statement::StatementContext;
use crate::types::Role;

const INFORMATION_SCHEMA: &str = "information_schema";
const SYSTEM: &str = "system";

/// A table of the engine's own.
#[derive(Debug)]
pub struct OwnTable {
    /// Its namespace.
    pub namespace: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [(&'static str, ColumnType)],
}

use ColumnType::{BigInt, Boolean, Double, Text};

static OWN_TABLES: [OwnTable; 16] = [
    OwnTable {
        namespace: INFORMATION_SCHEMA,
        name: "columns",
        columns: &[
            ("table_catalog", Text),
            ("table_schema", Text),
            ("table_name", Text),
            ("column_name", Text),
            ("ordinal_position", BigInt),
            ("column_default", Text),
            ("is_nullable", Text),
            ("data_type", Text),
            ("character_maximum_length", BigInt),
            ("numeric_precision", BigInt),
            ("numeric_scale", BigInt),
            ("datetime_precision", BigInt),
        ],
    },
    OwnTable {
        namespace: INFORMATION_SCHEMA,
        name: "schemata",
        columns: &[("catalog_name", Text), ("schema_name", Text), ("schema_owner", Text)],
    },
    OwnTable {
        namespace: INFORMATION_SCHEMA,
        name: "tables",
        columns: &[
            ("table_catalog", Text),
            ("table_schema", Text),
            ("table_name", Text),
            ("table_type", Text),
            ("is_insertable_into", Text),
        ],
    },
    OwnTable {
        namespace: INFORMATION_SCHEMA,
        name: "views",
        columns: &[
            ("table_catalog", Text),
            ("table_schema", Text),
            ("table_name", Text),
            ("view_definition", Text),
            ("check_option", Text),
            ("is_updatable", Text),
        ],
    },
    OwnTable {
        namespace: SYSTEM,
        name: "audit_log",
        columns: &[
            ("number", BigInt),
            ("at", Text),
            ("actor", Text),
            ("role", Text),
            ("subject", Text),
            ("outcome", Text),
            ("error", Text),
            ("statement", Text),
            ("fingerprint", Text),
            ("rows", BigInt),
            ("first_seq", BigInt),
            ("last_seq", BigInt),
        ],
    },
    OwnTable {
        namespace: SYSTEM,
        name: "batches",
        columns: &[
            ("namespace", Text),
            ("table_name", Text),
            ("scope", Text),
            ("number", BigInt),
            ("path", Text),
            ("status", Text),
            ("rows", BigInt),
            ("dead_rows", BigInt),
            ("bytes", BigInt),
            ("row_groups", BigInt),
            ("min_seq", BigInt),
            ("max_seq", BigInt),
            ("schema_version", BigInt),
            ("min_key", Text),
            ("max_key", Text),
        ],
    },
    OwnTable {
        namespace: SYSTEM,
        name: "columns",
        columns: &[
            ("namespace", Text),
            ("table_name", Text),
            ("name", Text),
            ("position", BigInt),
            ("type", Text),
            ("nullable", Boolean),
            ("default_value", Text),
            ("key_position", BigInt),
        ],
    },
    OwnTable { namespace: SYSTEM, name: "counters", columns: &[("name", Text), ("value", BigInt)] },
    OwnTable {
        namespace: SYSTEM,
        name: "indexes",
        columns: &[("namespace", Text), ("table_name", Text), ("name", Text), ("columns", Text)],
    },
    OwnTable {
        namespace: SYSTEM,
        name: "jobs",
        columns: &[
            ("id", BigInt),
            ("type", Text),
            ("parameters", Text),
            ("state", Text),
            ("progress", Double),
            ("error", Text),
            ("node", BigInt),
            ("created_at", Text),
            ("started_at", Text),
            ("finished_at", Text),
        ],
    },
    OwnTable {
        namespace: SYSTEM,
        name: "manifest_cache",
        columns: &[
            ("namespace", Text),
            ("table_name", Text),
            ("scope", Text),
            ("etag", Text),
            ("last_refreshed", Text),
            ("last_accessed", Text),
            ("ttl", BigInt),
            ("source", Text),
            ("sync_state", Text),
        ],
    },
    OwnTable {
        namespace: SYSTEM,
        name: "manifests",
        columns: &[
            ("namespace", Text),
            ("table_name", Text),
            ("scope", Text),
            ("version", BigInt),
            ("generated_at", Text),
            ("flushed_through", BigInt),
            ("schema_version", BigInt),
            ("files", BigInt),
            ("rows", BigInt),
            ("dead_rows", BigInt),
            ("bytes", BigInt),
            ("state", Text),
            ("reason", Text),
        ],
    },
    OwnTable {
        namespace: SYSTEM,
        name: "scopes",
        columns: &[
            ("namespace", Text),
            ("table_name", Text),
            ("scope", Text),
            ("kind", Text),
            ("hot_rows", BigInt),
            ("hot_versions", BigInt),
            ("hot_tombstones", BigInt),
            ("hot_bytes", BigInt),
            ("files", BigInt),
            ("cold_rows", BigInt),
            ("dead_rows", BigInt),
            ("cold_bytes", BigInt),
            ("manifest_version", BigInt),
        ],
    },
    OwnTable {
        namespace: SYSTEM,
        name: "settings",
        columns: &[
            ("name", Text),
            ("value", Text),
            ("default_value", Text),
            ("source", Text),
            ("place", Text),
            ("description", Text),
        ],
    },
    OwnTable {
        namespace: SYSTEM,
        name: "tables",
        columns: &[
            ("namespace", Text),
            ("name", Text),
            ("kind", Text),
            ("id", BigInt),
            ("schema_version", BigInt),
            ("columns", BigInt),
            ("primary_key", Text),
            ("flush_policy", Text),
            ("deleted_retention_hours", Text),
            ("ttl_seconds", BigInt),
            ("access_level", Text),
            ("write_access_level", Text),
            ("compression", Text),
            ("definition", Text),
        ],
    },
    OwnTable {
        namespace: SYSTEM,
        name: "users",
        columns: &[
            ("id", Text),
            ("role", Text),
            ("has_password", Boolean),
            ("created_at", Text),
            ("dropped_at", Text),
            ("erased_at", Text),
        ],
    },
];

/// A value of one of these tables.
enum Cell {
    Null,
    Text(String),
    Int(i64),
    Float(f64),
    Flag(bool),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::from(count as u64)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

fn rfc3339(unix_ms: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp_millis(unix_ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The tables of one of the engine's own namespaces; of others none.
pub fn own_tables(namespace: &str) -> impl Iterator<Item = &'static OwnTable> {
    OWN_TABLES.iter().filter(move |table| table.namespace == namespace)
}

/// The least role that may read the engine's table `name`: counters tell what everybody does, errors of jobs whose rows they
/// were about. Of the other tables each role is shown what is for it.
fn reader_of(name: &str) -> Role {
    match name {
        "audit_log" => Role::Dba,
        "counters" | "jobs" => Role::Service,
        _ => Role::User,
    }
}

/// Refuses a table of the engine's own to roles below its.
///
/// # Errors
/// `PermissionDenied`.
pub fn expect_may_read(who: &Principal, namespace: &str, name: &str) -> Result<()> {
    if namespace != SYSTEM || who.role() >= reader_of(name) {
        return Ok(());
    }
    Err(Error::denied(match reader_of(name) {
        Role::Dba => format!("system.{name} is for the roles dba and system"),
        _ => format!("system.{name} is not for the role user, but for service, dba and system"),
    }))
}

impl StatementContext<'_> {
    /// The table `name` of `namespace`, if that is one of the engine's own.
    ///
    /// # Errors
    /// `NotFound` when it has no such table; what reading manifests reports.
    pub(super) async fn own_table(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Arc<dyn TableSource>>> {
        if !RESERVED_NAMESPACES.contains(&namespace) {
            return Ok(None);
        }
        let Some(table) = own_tables(namespace).find(|table| table.name == name) else {
            let near = nearest(name, own_tables(namespace).map(|table| table.name));
            let hint = near.map(|near| format!("; did you mean {}?", TableName::qualified(namespace, near)));
            return Err(Error::not_found(format!(
                "there is no table {}{}",
                TableName::qualified(namespace, name),
                hint.unwrap_or_default()
            )));
        };
        expect_may_read(self.who, namespace, name)?;
        let catalog = self.catalog.as_ref();
        let rows = match (namespace, name) {
            (INFORMATION_SCHEMA, "columns") => definitions::standard_columns(catalog),
            (INFORMATION_SCHEMA, "schemata") => definitions::schemata(catalog),
            (INFORMATION_SCHEMA, "tables") => definitions::standard_tables(catalog),
            (INFORMATION_SCHEMA, "views") => definitions::standard_views(self.who, catalog),
            (_, "audit_log") => audit::entries(self).await?,
            (_, "batches") => storage::batches(self).await?,
            (_, "columns") => definitions::columns(catalog),
            (_, "jobs") => jobs::jobs(self),
            (_, "counters") => storage::counters(self),
            (_, "manifest_cache") => storage::manifest_cache(self).await?,
            (_, "indexes") => definitions::indexes(catalog),
            (_, "manifests") => storage::manifests(self).await?,
            (_, "scopes") => scopes::scopes(self).await?,
            (_, "settings") => storage::settings(&self.tiers.config),
            (_, "tables") => definitions::tables(self.who, catalog),
            (_, "users") => users::users(self),
            _ => return Err(Error::internal(format!("the table {namespace}.{name} has no rows"))),
        };
        let batch = batch(table, rows)?;
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
        Ok(Some(provider_as_source(Arc::new(table))))
    }
}

fn batch(table: &OwnTable, rows: Vec<Vec<Cell>>) -> Result<RecordBatch> {
    let mut columns: Vec<Vec<Cell>> = table.columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        if row.len() != columns.len() {
            return Err(Error::internal(format!("a row of {} has not its columns", table.name)));
        }
        for (column, cell) in columns.iter_mut().zip(row) {
            column.push(cell);
        }
    }
    let fields = table.columns.iter().map(|(name, ty)| Field::new(*name, ty.arrow(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = table.columns.iter().zip(columns).map(|((_, ty), cells)| -> ArrayRef {
        match ty {
            BigInt => Arc::new(cells.into_iter().map(int).collect::<Int64Array>()),
            Double => Arc::new(cells.into_iter().map(float).collect::<Float64Array>()),
            Boolean => Arc::new(cells.into_iter().map(flag).collect::<BooleanArray>()),
            _ => Arc::new(cells.into_iter().map(text).collect::<StringArray>()),
        }
    });
    Ok(RecordBatch::try_new(schema, arrays.collect())?)
}

fn int(cell: Cell) -> Option<i64> {
    match cell {
        Cell::Int(value) => Some(value),
        _ => None,
    }
}

fn float(cell: Cell) -> Option<f64> {
    match cell {
        Cell::Float(value) => Some(value),
        _ => None,
    }
}

fn flag(cell: Cell) -> Option<bool> {
    match cell {
        Cell::Flag(value) => Some(value),
        _ => None,
    }
}

fn text(cell: Cell) -> Option<String> {
    match cell {
        Cell::Text(value) => Some(value),
        _ => None,
    }
}
