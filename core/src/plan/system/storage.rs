//! What lies in the cold tier, and the settings, as rows.

use std::sync::Arc;

use arrow::array::AsArray;

use super::{Cell, rfc3339};
use crate::catalog::{ColumnType, TableDef, convert};
use crate::cold::state::LostManifest;
use crate::config::{Config, SettingRow};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{BatchEntry, Manifest, StatValue, bounds};
use crate::plan::statement::StatementContext;
use crate::stats::Stats;
use crate::storage::Keyspace;
use crate::types::{Role, Scope};

/// A scope that has been flushed.
struct Cold {
    def: Arc<TableDef>,
    scope: String,
    manifest: Manifest,
    lost: Option<LostManifest>,
}

/// The scopes of `def` that the subject is shown: of a USER table its own, or, for roles that see to whole tables, every
/// one that has a key in one of `spaces`; but none of users who may do more than it. Who acts for somebody is shown
/// what is that one's own, whatever the role: it acts on nothing else.
pub(super) async fn shown_scopes(
    context: &StatementContext<'_>,
    def: &TableDef,
    spaces: &[Keyspace],
) -> Result<Vec<Scope>> {
    match context.who.role() {
        role if role < def.reader() => Ok(Vec::new()),
        Role::User => Ok(vec![context.who.scope_of(def)]),
        _ if context.who.impersonation().is_some() => Ok(vec![context.who.scope_of(def)]),
        role => {
            let mut scopes = context.tiers.scopes_in(def.id, spaces).await?;
            let users = context.tiers.users.read();
            scopes.retain(|scope| !matches!(scope, Scope::User(id) if users.is_above(id, role)));
            Ok(scopes)
        }
    }
}

/// The scopes of `def` that the subject is shown and that may have been flushed.
async fn flushed_scopes(context: &StatementContext<'_>, def: &TableDef) -> Result<Vec<Scope>> {
    shown_scopes(context, def, &[Keyspace::Manifest]).await
}

/// The cold tier of `scope`, if it has been flushed.
async fn cold_scope(
    context: &StatementContext<'_>,
    def: &Arc<TableDef>,
    scope: &Scope,
) -> Result<Option<Cold>> {
    context.pace.step().await?;
    let cold = context.tiers.scope(def, scope).await?.view().cold;
    context.tiers.enforce_budget();
    Ok(cold.manifest.as_ref().map(|manifest| Cold {
        def: Arc::clone(def),
        scope: scope.dir(),
        manifest: manifest.clone(),
        lost: cold.lost.clone(),
    }))
}

/// `system.manifests`.
pub(super) async fn manifests(context: &StatementContext<'_>) -> Result<Vec<Vec<Cell>>> {
    let row = |cold: Cold| {
        let Cold { def, scope, manifest, lost } = cold;
        let (state, reason) = match (&lost, &manifest.rebuilt) {
            (Some(lost), _) => ("rebuilding", Cell::from(lost.why.as_str())),
            (None, Some(why)) => ("rebuilt", Cell::from(why.as_str())),
            (None, None) => ("ok", Cell::Null),
        };
        let sum = |of: fn(&BatchEntry) -> u64| Cell::from(manifest.live().map(of).sum::<u64>());
        vec![
            def.namespace.as_str().into(),
            def.name.as_str().into(),
            scope.into(),
            manifest.version.into(),
            manifest.generated_at.as_str().into(),
            // Up to the last commit of anybody: not for one user to see.
            (context.who.role() > Role::User)
                .then(|| manifest.flushed_through.as_i64().cast_unsigned())
                .into(),
            u64::from(manifest.schema_version).into(),
            manifest.live().count().into(),
            sum(|batch| batch.rows),
            sum(dead_rows),
            sum(|batch| batch.bytes),
            state.into(),
            reason,
        ]
    };
    let mut rows = Vec::new();
    for def in context.catalog.tables() {
        for scope in flushed_scopes(context, def).await? {
            match cold_scope(context, def, &scope).await {
                Ok(cold) => rows.extend(cold.map(row)),
                Err(e) if e.kind() == ErrorKind::Corrupt => rows.push(damaged(def, &scope, &e)),
                Err(e) => return Err(e),
            }
        }
    }
    Ok(rows)
}

/// The row of a scope of which not even the files tell what was in the manifest.
fn damaged(def: &TableDef, scope: &Scope, why: &Error) -> Vec<Cell> {
    let names = [def.namespace.clone(), def.name.clone(), scope.dir()];
    let unknown = (0..8).map(|_| Cell::Null);
    let told = [Cell::from("damaged"), Cell::from(why.to_string())];
    names.into_iter().map(Cell::from).chain(unknown).chain(told).collect()
}

/// `system.batches`.
pub(super) async fn batches(context: &StatementContext<'_>) -> Result<Vec<Vec<Cell>>> {
    let mut rows = Vec::new();
    for def in context.catalog.tables() {
        for scope in flushed_scopes(context, def).await? {
            let Some(Cold { manifest, .. }) = cold_scope(context, def, &scope).await? else { continue };
            // They are values of rows: shown to whoever may read these without a word in the audit log.
            let may_read = context.who.role() == Role::System || scope == context.who.scope_of(def);
            let range = |batch| if may_read { key_range(def, batch) } else { (None, None) };
            rows.extend(manifest.batches.iter().map(|batch| row_of(def, &scope, batch, range(batch))));
        }
    }
    Ok(rows)
}

fn row_of(
    def: &TableDef,
    scope: &Scope,
    batch: &BatchEntry,
    (low, high): (Option<String>, Option<String>),
) -> Vec<Cell> {
    vec![
        def.namespace.as_str().into(),
        def.name.as_str().into(),
        scope.dir().into(),
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
        low.into(),
        high.into(),
    ]
}

/// The lowest and the highest value of the first column of the primary key in a file, as SQL writes them; `None` where the
/// manifest does not know them. It has long text and bytes cut: the lowest may be lower than any value, the highest higher.
fn key_range(def: &TableDef, batch: &BatchEntry) -> (Option<String>, Option<String>) {
    let column = def.primary_key.first().and_then(|id| def.column_by_id(*id));
    let Some((column, stats)) = column.and_then(|column| Some((column, batch.columns.get(&column.id)?)))
    else {
        return (None, None);
    };
    // The range leaves NaN out, which is above or below it.
    let end = |value: &Option<StatValue>| {
        value.as_ref().filter(|_| stats.nans == 0).and_then(|value| written(column.ty, value))
    };
    (end(&stats.min), end(&stats.max))
}

/// A value of a statistic as SQL writes it.
fn written(ty: ColumnType, value: &StatValue) -> Option<String> {
    if ty == ColumnType::Bytea {
        return Some(format!("\\x{value}"));
    }
    let values = bounds(&ty.arrow(), std::iter::once(Some(value)))?;
    let texts = convert(&values, ColumnType::Text).ok()?;
    texts.as_string_opt::<i32>()?.iter().flatten().next().map(str::to_owned)
}

/// `system.manifest_cache`: of USER tables the subject's own scope, or, for roles that see to whole tables, all.
pub(super) async fn manifest_cache(context: &StatementContext<'_>) -> Result<Vec<Vec<Cell>>> {
    let tiers = context.tiers;
    let now_ms = context.now_micros.div_euclid(1000);
    let ttl_ms = tiers.config.manifest_cache.ttl_ms();
    // When a table was read last, by whomever, and what others pushed out of memory, is not for one user to see.
    let of_all = context.who.role() > Role::User;
    let mut rows = Vec::new();
    for def in context.catalog.tables() {
        for scope in flushed_scopes(context, def).await? {
            context.pace.step().await?;
            let Some(cached) = tiers.cached_manifest(def.id, &scope).await? else { continue };
            let header = cached.header;
            let age_ms = now_ms.saturating_sub(header.refreshed_ms).max(0);
            rows.push(vec![
                def.namespace.as_str().into(),
                def.name.as_str().into(),
                scope.dir().into(),
                // Some stores count all of their writes in it.
                header.e_tag.filter(|_| of_all).into(),
                of_all.then(|| rfc3339(header.refreshed_ms)).into(),
                cached.accessed_ms.filter(|_| of_all).map(rfc3339).into(),
                of_all.then(|| ttl_ms.saturating_sub(age_ms).max(0).unsigned_abs() / 1000).into(),
                of_all.then(|| cached.source.name()).map(str::to_owned).into(),
                header.sync_state.name().into(),
            ]);
        }
    }
    Ok(rows)
}

/// `system.counters`: what the engine did since it was opened.
pub(super) fn counters(context: &StatementContext<'_>) -> Vec<Vec<Cell>> {
    let stats: &Stats = &context.tiers.stats;
    let rows = stats.read().named().into_iter().map(|(name, value)| vec![name.into(), value.into()]);
    rows.collect()
}

pub(super) fn dead_rows(batch: &BatchEntry) -> u64 {
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
