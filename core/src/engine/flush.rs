//! Driving flushes: by command, of all scopes, and one at a time as policies ask for them.

use std::sync::Arc;

use crate::catalog::TableDef;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::flush::{FlushReport, flush_scope, is_due};
use crate::storage::Keyspace;

/// What flushes of several scopes did: one that fails does not keep the others from it.
#[derive(Default)]
struct Flushed {
    reports: Vec<FlushReport>,
    failed: Option<Error>,
}

impl Flushed {
    fn fail(&mut self, error: Error) {
        if self.failed.is_some() {
            tracing::warn!(%error, "another flush failed");
        }
        self.failed.get_or_insert(error);
    }

    fn into_result(self) -> Result<Vec<FlushReport>> {
        self.failed.map_or(Ok(self.reports), Err)
    }
}

impl Engine {
    /// Does one unit of work that no statement waits for: a flush that a policy asks for, or clearing away
    /// dropped tables. Whether it did anything.
    ///
    /// # Errors
    /// What the stores report, once there is nothing left to do but what failed.
    pub async fn step(&self) -> Result<bool> {
        let tiers = &self.shared.tiers;
        if tiers.config.read_only {
            return Ok(false);
        }
        tiers.evict_manifests_when_due();
        let mut flushed = Flushed::default();
        for scope in tiers.open_scopes() {
            if !is_due(tiers, &scope) {
                continue;
            }
            match flush_scope(tiers, &scope).await {
                Ok(None) => {}
                Ok(Some(_)) => {
                    tiers.enforce_budget();
                    return Ok(true);
                }
                Err(e) => flushed.fail(e),
            }
        }
        match self.clear_dropped().await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(e) => flushed.fail(e),
        }
        flushed.into_result().map(|_| false)
    }

    /// Flushes every scope of every table, as far as open snapshots allow.
    ///
    /// # Errors
    /// The first of those that failed; every other scope is flushed.
    pub async fn flush_all(&self) -> Result<Vec<FlushReport>> {
        self.flush(None).await
    }

    /// Flushes every scope of the tables in `namespace`, or of all.
    pub(crate) async fn flush(&self, namespace: Option<&str>) -> Result<Vec<FlushReport>> {
        let catalog = self.shared.tiers.catalog();
        if let Some(namespace) = namespace {
            catalog.expect_namespace(namespace)?;
        }
        let mut flushed = Flushed::default();
        for def in catalog.tables().filter(|t| namespace.is_none_or(|n| t.namespace == n)) {
            self.flush_scopes(def, &mut flushed).await?;
        }
        flushed.into_result()
    }

    /// Flushes every scope of `def`.
    pub(crate) async fn flush_table(&self, def: &Arc<TableDef>) -> Result<Vec<FlushReport>> {
        let mut flushed = Flushed::default();
        self.flush_scopes(def, &mut flushed).await?;
        flushed.into_result()
    }

    /// Flushes every scope of `def` that has anything hot. The error is of the engine, not of a scope.
    async fn flush_scopes(&self, def: &Arc<TableDef>, flushed: &mut Flushed) -> Result<()> {
        let tiers = &self.shared.tiers;
        tiers.check_writable()?;
        for scope in tiers.scopes_in(def.id, &[Keyspace::Hot]).await? {
            tiers.check_writable()?;
            let outcome = match tiers.scope(def, &scope).await {
                Ok(state) => flush_scope(tiers, &state).await,
                Err(e) => Err(e),
            };
            match outcome {
                Ok(report) => flushed.reports.extend(report),
                Err(e) => flushed.fail(e.context(format!("flushing {} {scope}", def.full_name()))),
            }
            tiers.enforce_budget();
        }
        Ok(())
    }
}
