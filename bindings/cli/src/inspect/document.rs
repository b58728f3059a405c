//! All that an inspection knows, as JSON.

use firndb_core::{BatchInspection, ScopeInspection, TableInspection};
use serde_json::{Map, Value, json};

/// Every table with every scope, file and column, however many.
pub fn document(tables: &[TableInspection]) -> Value {
    Value::Array(tables.iter().map(table).collect())
}

fn table(table: &TableInspection) -> Value {
    json!({
        "table": table.table,
        "kind": table.kind,
        "ttl_seconds": table.ttl_seconds,
        "columns": table.columns,
        "primary_key": table.primary_key,
        "dir": table.dir,
        "scopes": table.scopes.iter().map(scope).collect::<Vec<_>>(),
    })
}

fn scope(scope: &ScopeInspection) -> Value {
    json!({
        "scope": scope.scope,
        "user": scope.user,
        "hot_rows": scope.hot_rows,
        "hot_bytes": scope.hot_bytes,
        "manifest": scope.manifest,
        "flushed_through": scope.flushed_through.to_string(),
        "batches": scope.batches.iter().map(batch).collect::<Vec<_>>(),
    })
}

/// `_seq` numbers are text: they pass what JSON readers keep exact.
fn batch(batch: &BatchInspection) -> Value {
    let bound = |json: &str| serde_json::from_str(json).unwrap_or(Value::Null);
    let columns: Map<String, Value> = batch
        .columns
        .iter()
        .map(|(name, min, max, nulls)| {
            (name.clone(), json!({ "min": bound(min), "max": bound(max), "nulls": nulls }))
        })
        .collect();
    json!({
        "file": batch.file,
        "rows": batch.rows,
        "dead": batch.dead,
        "bytes": batch.bytes,
        "row_groups": batch.row_groups,
        "min_seq": batch.min_seq.to_string(),
        "max_seq": batch.max_seq.to_string(),
        "columns": columns,
    })
}
