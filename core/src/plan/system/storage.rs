//! What lies in the cold tier, and the settings, as rows.

use std::sync::Arc;

use super::Cell;
use crate::catalog::TableDef;
use crate::config::{Config, QueryLimits, SqlLimits};
use crate::error::Result;
use crate::manifest::{BatchEntry, Manifest};
use crate::plan::statement::StatementContext;

/// A scope that has been flushed.
struct Cold {
    def: Arc<TableDef>,
    scope: String,
    manifest: Manifest,
}

/// The scopes that the subject reads, of all tables.
async fn cold_scopes(context: &StatementContext<'_>) -> Result<Vec<Cold>> {
    let mut found = Vec::new();
    for def in context.catalog.tables() {
        let scope = context.scope_of(def);
        let view = context.tiers.scope(def, &scope).await?.view();
        if let Some(manifest) = &view.cold.manifest {
            found.push(Cold { def: Arc::clone(def), scope: scope.dir(), manifest: manifest.clone() });
        }
    }
    Ok(found)
}

/// `system.manifests`.
pub(super) async fn manifests(context: &StatementContext<'_>) -> Result<Vec<Vec<Cell>>> {
    let row = |cold: Cold| {
        let Cold { def, scope, manifest } = cold;
        let sum = |of: fn(&BatchEntry) -> u64| Cell::from(manifest.live().map(of).sum::<u64>());
        vec![
            def.namespace.as_str().into(),
            def.name.as_str().into(),
            scope.into(),
            manifest.version.into(),
            manifest.generated_at.as_str().into(),
            Cell::Int(manifest.flushed_through.as_i64()),
            u64::from(manifest.schema_version).into(),
            manifest.live().count().into(),
            sum(|batch| batch.rows),
            sum(dead_rows),
            sum(|batch| batch.bytes),
        ]
    };
    Ok(cold_scopes(context).await?.into_iter().map(row).collect())
}

/// `system.batches`.
pub(super) async fn batches(context: &StatementContext<'_>) -> Result<Vec<Vec<Cell>>> {
    let mut rows = Vec::new();
    for Cold { def, scope, manifest } in cold_scopes(context).await? {
        rows.extend(manifest.batches.iter().map(|batch| {
            vec![
                def.namespace.as_str().into(),
                def.name.as_str().into(),
                scope.as_str().into(),
                batch.number.into(),
                batch.path.as_str().into(),
                format!("{:?}", batch.status).to_lowercase().into(),
                batch.rows.into(),
                dead_rows(batch).into(),
                batch.bytes.into(),
                batch.row_groups.len().into(),
                Cell::Int(batch.min_seq.as_i64()),
                Cell::Int(batch.max_seq.as_i64()),
                u64::from(batch.schema_version).into(),
            ]
        }));
    }
    Ok(rows)
}

fn dead_rows(batch: &BatchEntry) -> u64 {
    batch.deletes.as_ref().map_or(0, |deletes| deletes.count)
}

/// `system.settings`.
pub(super) fn settings(config: &Config) -> Vec<Vec<Cell>> {
    let Config {
        durability,
        hot_bytes,
        open_scopes,
        flush_rows,
        flush_bytes,
        min_flush_rows,
        batch_file_rows,
        batch_file_bytes,
        load_rows,
        load_bytes,
        target_partitions,
        read_only,
        node,
        conflict_retries,
        idle_transaction_ms,
        sql: SqlLimits { text_bytes, tokens, depth, in_items, parameters },
        query: QueryLimits { result_rows, result_bytes, memory_bytes, timeout_ms },
        pruning,
        query_memory_bytes,
        footer_cache_bytes,
        bloom_cache_bytes,
    } = config;
    let all: [(&str, String, &str); 28] = [
        (
            "batch_file_bytes",
            batch_file_bytes.to_string(),
            "bytes of rows in memory that a batch file is made of",
        ),
        ("batch_file_rows", batch_file_rows.to_string(), "rows of a batch file"),
        ("bloom_cache_bytes", bloom_cache_bytes.to_string(), "bytes of Bloom filters in memory"),
        ("conflict_retries", conflict_retries.to_string(), "how often a single statement is run again"),
        ("durability", format!("{durability:?}").to_lowercase(), "what an acknowledged write survives"),
        ("flush_bytes", flush_bytes.to_string(), "bytes of hot versions at which a scope is flushed"),
        ("flush_rows", flush_rows.to_string(), "hot versions at which a scope is flushed"),
        ("footer_cache_bytes", footer_cache_bytes.to_string(), "bytes of Parquet footers in memory"),
        ("hot_bytes", hot_bytes.to_string(), "bytes of hot versions in memory"),
        (
            "idle_transaction_ms",
            idle_transaction_ms.to_string(),
            "how long a transaction may idle when a flush waits",
        ),
        (
            "load_bytes",
            load_bytes.to_string(),
            "bytes of rows in memory past which a COPY writes batch files",
        ),
        ("load_rows", load_rows.to_string(), "rows past which a COPY writes batch files"),
        ("min_flush_rows", min_flush_rows.to_string(), "hot versions below which no policy flushes a scope"),
        ("node", node.to_string(), "distinguishes engines of one history"),
        ("open_scopes", open_scopes.to_string(), "scopes in memory"),
        ("pruning", pruning.to_string(), "levels that leave out what a predicate rules out"),
        (
            "query.memory_bytes",
            memory_bytes.to_string(),
            "bytes that one statement sorts, groups and joins in",
        ),
        ("query.result_bytes", result_bytes.to_string(), "bytes of rows that are answered at once"),
        ("query.result_rows", result_rows.to_string(), "rows that are answered at once"),
        ("query.timeout_ms", timeout_ms.to_string(), "how long one statement may work; 0: any time"),
        (
            "query_memory_bytes",
            query_memory_bytes.to_string(),
            "bytes that all statements together sort, group and join in",
        ),
        ("read_only", read_only.to_string(), "whether nothing can be written"),
        ("sql.depth", depth.to_string(), "levels of an expression or query"),
        ("sql.in_items", in_items.to_string(), "items of a list behind IN"),
        ("sql.parameters", parameters.to_string(), "the highest number of a parameter"),
        ("sql.text_bytes", text_bytes.to_string(), "bytes of a text of SQL"),
        ("sql.tokens", tokens.to_string(), "words, values and signs of a statement"),
        ("target_partitions", target_partitions.to_string(), "partitions that a query runs in"),
    ];
    all.into_iter().map(|(name, value, what)| vec![name.into(), value.into(), what.into()]).collect()
}
