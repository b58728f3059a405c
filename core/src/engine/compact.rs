//! Driving compactions and collections: by command, and one at a time as they are due.

use std::sync::Arc;

use crate::catalog::TableDef;
use crate::compact::{
    CompactReport, Effort, collect_scope, compact_scope, is_collection_due, is_compaction_due,
};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::hot::scope::ScopeState;
use crate::pace::{CancelToken, Pace};
use crate::storage::Keyspace;
use crate::tiers::Tiers;

/// What compactions of several scopes did: one that fails does not keep the others from it.
#[derive(Default)]
struct Compacted {
    reports: Vec<CompactReport>,
    failed: Option<Error>,
}

impl Compacted {
    fn fail(&mut self, error: Error) {
        if self.failed.is_some() {
            tracing::warn!(%error, "another compaction failed");
        }
        self.failed.get_or_insert(error);
    }

    fn into_result(self) -> Result<Vec<CompactReport>> {
        self.failed.map_or(Ok(self.reports), Err)
    }
}

impl Engine {
    /// Rewrites the batch files of every scope of every table as fewer files without dead rows, as far as open
    /// snapshots allow, and removes files that nothing needs any more. A report per scope where there was
    /// anything to do.
    ///
    /// # Errors
    /// The first of those that failed; every other scope is done.
    pub async fn compact_all(&self) -> Result<Vec<CompactReport>> {
        self.compact(None, &CancelToken::new()).await
    }

    /// Compacts every scope of the tables in `namespace`, or of all, until `cancel` is used.
    pub(crate) async fn compact(
        &self,
        namespace: Option<&str>,
        cancel: &CancelToken,
    ) -> Result<Vec<CompactReport>> {
        let catalog = self.shared.tiers.catalog();
        if let Some(namespace) = namespace {
            catalog.expect_namespace(namespace)?;
        }
        let mut compacted = Compacted::default();
        for def in catalog.tables().filter(|t| namespace.is_none_or(|n| t.namespace == n)) {
            self.compact_scopes(def, cancel, &mut compacted).await?;
        }
        compacted.into_result()
    }

    /// Compacts every scope of `def`.
    pub(crate) async fn compact_table(
        &self,
        def: &Arc<TableDef>,
        cancel: &CancelToken,
    ) -> Result<Vec<CompactReport>> {
        let mut compacted = Compacted::default();
        self.compact_scopes(def, cancel, &mut compacted).await?;
        compacted.into_result()
    }

    /// Compacts every scope of `def` that has anything cold. The error is of the engine, not of a scope.
    async fn compact_scopes(
        &self,
        def: &Arc<TableDef>,
        cancel: &CancelToken,
        compacted: &mut Compacted,
    ) -> Result<()> {
        let tiers = &self.shared.tiers;
        tiers.check_writable()?;
        for scope in tiers.scopes_in(def.id, &[Keyspace::Manifest]).await? {
            tiers.check_writable()?;
            let outcome = match tiers.scope(def, &scope).await {
                Ok(state) => compact_whole(tiers, &state, cancel).await,
                Err(e) => Err(e),
            };
            match outcome {
                Ok(report) => compacted.reports.extend(report),
                Err(e) if e.kind() == ErrorKind::Cancelled => return Err(e),
                Err(e) => compacted.fail(e.context(format!("compacting {} {scope}", def.full_name()))),
            }
            tiers.enforce_budget();
        }
        Ok(())
    }

    /// Does one compaction or one collection that is due, of a scope in memory; whether there was one.
    ///
    /// # Errors
    /// The first that failed, once there is nothing left to do but what failed.
    pub(crate) async fn compact_due(&self) -> Result<bool> {
        let tiers = &self.shared.tiers;
        let mut compacted = Compacted::default();
        // The others are not held: a compaction takes its time, and scopes leave memory meanwhile.
        let mut due = tiers.open_scopes();
        due.retain(|scope| is_compaction_due(tiers, scope) || is_collection_due(tiers, scope));
        for scope in due {
            match compact_if_due(tiers, &scope).await {
                Ok(false) => {}
                Ok(true) => return Ok(true),
                Err(e) => compacted.fail(e),
            }
        }
        compacted.into_result().map(|_| false)
    }
}

async fn compact_if_due(tiers: &Tiers, scope: &Arc<ScopeState>) -> Result<bool> {
    let pace = pace(tiers, &CancelToken::new());
    if is_compaction_due(tiers, scope)
        && compact_scope(tiers, scope, Effort::Due, &pace, &mut |_, _| {}).await?.is_some()
    {
        return Ok(true);
    }
    Ok(is_collection_due(tiers, scope) && collect_scope(tiers, scope, &pace).await?.is_any())
}

/// All compactions of a scope that there are, and a collection; `None` when nothing was to be done.
async fn compact_whole(
    tiers: &Tiers,
    scope: &Arc<ScopeState>,
    cancel: &CancelToken,
) -> Result<Option<CompactReport>> {
    let pace = pace(tiers, cancel);
    let mut whole: Option<CompactReport> = None;
    while let Some(report) = compact_scope(tiers, scope, Effort::All, &pace, &mut |_, _| {}).await? {
        match &mut whole {
            Some(whole) => whole.add(report),
            None => whole = Some(report),
        }
    }
    let collected = collect_scope(tiers, scope, &pace).await?;
    if collected.is_any() {
        let catalog = tiers.catalog();
        let table = catalog.table_by_id(scope.table).map(|def| def.full_name().to_string());
        let whole = whole.get_or_insert_with(|| CompactReport {
            table: table.unwrap_or_default(),
            scope: scope.scope.dir(),
            ..CompactReport::default()
        });
        whole.removed += collected.removed;
    }
    Ok(whole)
}

fn pace(tiers: &Tiers, cancel: &CancelToken) -> Pace {
    Pace::new(cancel.clone(), Arc::clone(&tiers.stores.clock), Arc::clone(&tiers.stores.pause))
}
