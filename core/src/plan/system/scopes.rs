//! `system.scopes`: what lies in which tier, a row per table and scope.

use super::Cell;
use super::storage::{dead_rows, shown_scopes};
use crate::catalog::TableDef;
use crate::error::{ErrorKind, Result};
use crate::hot::memtable::Chunk;
use crate::hot::scope::ScopeState;
use crate::manifest::BatchEntry;
use crate::plan::statement::StatementContext;
use crate::storage::Keyspace;
use crate::types::Role;

/// Its columns about the two tiers, behind those that name the scope.
const TOLD: usize = 9;

/// The rows: of scopes that have anything in either tier, opened one after the other.
///
/// Hot rows may be in the place of cold ones, so that the counts of both tiers do not add up to the rows of the scope.
pub(super) async fn scopes(context: &StatementContext<'_>) -> Result<Vec<Vec<Cell>>> {
    let mut rows = Vec::new();
    for def in context.catalog.tables() {
        for scope in shown_scopes(context, def, &[Keyspace::Hot, Keyspace::Manifest]).await? {
            context.pace.step().await?;
            let told = match context.tiers.scope(def, &scope).await {
                Ok(state) => tiers_of(context, def, &state),
                // What is wrong with it is in `system.manifests`.
                Err(e) if e.kind() == ErrorKind::Corrupt => Some((0..TOLD).map(|_| Cell::Null).collect()),
                Err(e) => return Err(e),
            };
            context.tiers.enforce_budget();
            let named = [
                Cell::from(def.namespace.as_str()),
                def.name.as_str().into(),
                scope.dir().into(),
                def.kind.sql_name().into(),
            ];
            rows.extend(told.map(|told| named.into_iter().chain(told).collect()));
        }
    }
    Ok(rows)
}

/// What is in memory and in files of one scope; `None` when there is nothing in memory and was never a file.
fn tiers_of(context: &StatementContext<'_>, def: &TableDef, state: &ScopeState) -> Option<Vec<Cell>> {
    let view = state.view();
    let expired = def.expired_through(context.now_micros).max(state.evicting_through());
    // When what has expired is evicted depends on who else reads.
    let alive = |chunk: &Chunk| chunk.batch.num_rows() - chunk.rows_through(expired);
    let versions: usize = view.chunks.iter().map(|chunk| alive(chunk)).sum();
    let manifest = view.cold.manifest.as_ref();
    if versions == 0 && manifest.is_none() {
        return None;
    }
    let count = |tombstones: bool| -> usize {
        view.chunks.iter().map(|c| c.latest_after(expired, context.seq, tombstones).true_count()).sum()
    };
    let live = count(false);
    let sum =
        |of: fn(&BatchEntry) -> u64| -> u64 { manifest.into_iter().flat_map(|m| m.live()).map(of).sum() };
    Some(vec![
        live.into(),
        versions.into(),
        count(true).saturating_sub(live).into(),
        // How versions lie in memory depends on what others made leave it: not for one user to see.
        (context.who.role() > Role::User).then(|| state.hot_bytes()).into(),
        manifest.map_or(0, |m| m.live().count()).into(),
        sum(|batch| batch.rows).into(),
        sum(dead_rows).into(),
        sum(|batch| batch.bytes).into(),
        manifest.map(|m| m.version).into(),
    ])
}
