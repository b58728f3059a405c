//! What lies in which tier, for people.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;

use crate::catalog::TableDef;
use crate::cold::state::ColdState;
use crate::error::Result;
use crate::manifest::{BatchEntry, Manifest};
use crate::tiers::Tiers;
use crate::types::SeqId;

/// A table and its scopes.
#[derive(Debug, Clone)]
pub struct TableInspection {
    /// `namespace.table`.
    pub table: String,
    /// `USER`, `SHARED` or `STREAM`.
    pub kind: String,
    /// How many seconds its rows live, if they do not live until they are deleted.
    pub ttl_seconds: Option<u64>,
    /// Its columns, as `name type`.
    pub columns: Vec<String>,
    /// The names of the key columns.
    pub primary_key: Vec<String>,
    /// Where its files lie in the blob store.
    pub dir: String,
    /// Its scopes that have rows or had some.
    pub scopes: Vec<ScopeInspection>,
}

/// A scope.
#[derive(Debug, Clone)]
pub struct ScopeInspection {
    /// The directory name.
    pub scope: String,
    /// The user whose rows they are.
    pub user: Option<String>,
    /// Row versions in memory and in the key-value store.
    pub hot_rows: u64,
    /// Bytes of memory they take.
    pub hot_bytes: u64,
    /// The version of the manifest; `None` before the first flush.
    pub manifest: Option<u64>,
    /// Every commit up to here is cold.
    pub flushed_through: SeqId,
    /// The batch files that are read.
    pub batches: Vec<BatchInspection>,
}

/// A batch file.
#[derive(Debug, Clone)]
pub struct BatchInspection {
    /// Its name.
    pub file: String,
    /// Rows in it.
    pub rows: u64,
    /// Of these hidden by its deletion vector.
    pub dead: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its row groups.
    pub row_groups: u64,
    /// The lowest `_seq` in it.
    pub min_seq: SeqId,
    /// The highest.
    pub max_seq: SeqId,
    /// Per column with statistics: name, lowest and highest value as JSON, NULLs.
    pub columns: Vec<(String, String, String, u64)>,
}

/// Looks at `tables`.
pub async fn inspect(tiers: &Tiers, tables: &[Arc<TableDef>]) -> Result<Vec<TableInspection>> {
    let mut inspected = Vec::with_capacity(tables.len());
    for def in tables {
        let mut scopes = Vec::new();
        for scope in tiers.scopes_of(def.id).await? {
            let state = tiers.scope(def, &scope).await?;
            let cold = state.view().cold;
            scopes.push(ScopeInspection {
                scope: scope.dir(),
                user: match &scope {
                    crate::types::Scope::User(id) => Some(id.to_string()),
                    crate::types::Scope::Shared => None,
                },
                hot_rows: state.hot_rows() as u64,
                hot_bytes: state.hot_bytes() as u64,
                manifest: cold.manifest.as_ref().map(|m| m.version),
                flushed_through: cold.pointer.flushed_through,
                batches: cold.manifest.iter().flat_map(Manifest::live).map(|b| batch(def, b)).collect(),
            });
        }
        let key = def.key_columns().into_iter().filter_map(|i| def.columns.get(i));
        inspected.push(TableInspection {
            table: def.full_name().to_string(),
            kind: def.kind.sql_name().to_owned(),
            ttl_seconds: def.options.ttl_seconds,
            columns: def.columns.iter().map(|c| format!("{} {}", c.name, c.ty)).collect(),
            primary_key: key.map(|c| c.name.clone()).collect(),
            dir: def.dir(),
            scopes,
        });
    }
    Ok(inspected)
}

fn batch(def: &TableDef, entry: &BatchEntry) -> BatchInspection {
    let json = |v: &Option<crate::manifest::StatValue>| {
        v.as_ref().and_then(|v| serde_json::to_string(v).ok()).unwrap_or_default()
    };
    let columns = def.columns.iter().filter_map(|column| {
        let stats = entry.columns.get(&column.id)?;
        Some((column.name.clone(), json(&stats.min), json(&stats.max), stats.nulls))
    });
    BatchInspection {
        file: entry.path.clone(),
        rows: entry.rows,
        dead: entry.deletes.as_ref().map_or(0, |d| d.count),
        bytes: entry.bytes,
        row_groups: entry.row_groups.len() as u64,
        min_seq: entry.min_seq,
        max_seq: entry.max_seq,
        columns: columns.collect(),
    }
}

/// The rows of `SHOW MANIFEST`: a batch file each.
pub fn manifest_rows(cold: &ColdState) -> Result<(SchemaRef, RecordBatch)> {
    let entries: Vec<&BatchEntry> = cold.manifest.iter().flat_map(|m| &m.batches).collect();
    let count = |get: fn(&BatchEntry) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(
            entries.iter().map(|e| i64::try_from(get(e)).unwrap_or(i64::MAX)),
        ))
    };
    let text = |get: fn(&BatchEntry) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(entries.iter().map(|e| get(e))))
    };
    let columns = vec![
        ("number", count(|e| e.number)),
        ("path", text(|e| e.path.clone())),
        ("status", text(|e| format!("{:?}", e.status).to_lowercase())),
        ("rows", count(|e| e.rows)),
        ("dead", count(|e| e.deletes.as_ref().map_or(0, |d| d.count))),
        ("bytes", count(|e| e.bytes)),
        ("min_seq", count(|e| e.min_seq.as_i64().cast_unsigned())),
        ("max_seq", count(|e| e.max_seq.as_i64().cast_unsigned())),
        ("columns", text(|e| serde_json::to_string(&e.columns).unwrap_or_default())),
    ];
    let batch = RecordBatch::try_from_iter(columns)?;
    Ok((batch.schema(), batch))
}
