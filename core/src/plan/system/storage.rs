//! What lies in the cold tier, and the settings, as rows.

use std::sync::Arc;

use super::Cell;
use crate::catalog::TableDef;
use crate::config::{Config, SettingRow};
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
    let row = |setting: SettingRow| {
        vec![
            setting.name.into(),
            setting.value.into(),
            setting.default_value.into(),
            setting.source.into(),
            setting.place.into(),
            setting.description.into(),
        ]
    };
    config.settings().into_iter().map(row).collect()
}
