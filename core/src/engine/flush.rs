//! Driving flushes: by command, of all scopes, and one at a time as policies ask for them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::catalog::TableDef;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::flush::{FlushReport, flush_scope, is_due, let_readers_end, mend_scope, remake_scope};
use crate::pace::{CancelToken, Pace};
use crate::storage::Keyspace;

/// After so many flushes one step is for other work.
const MOST_IN_A_ROW: u32 = 16;

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
    /// Does one unit of work that no statement waits for: making a lost manifest again, a flush that a policy asks
    /// for, a slice of a job, clearing away dropped tables, a compaction, or a collection of garbage. Whether it
    /// did anything.
    ///
    /// # Errors
    /// What the stores report, once there is nothing left to do but what failed.
    pub async fn step(&self) -> Result<bool> {
        let tiers = &self.shared.tiers;
        if tiers.config.writer.read_only {
            return Ok(false);
        }
        tiers.evict_manifests_when_due();
        let mut flushed = Flushed::default();
        // Where a flush is always due, everything else has a turn all the same.
        let in_a_row = self.shared.flushes_in_a_row.load(Ordering::Relaxed);
        let scopes = if in_a_row < MOST_IN_A_ROW { tiers.open_scopes() } else { Vec::new() };
        for scope in scopes {
            match mend_scope(tiers, &scope, &Pace::of_background(&tiers.stores)).await {
                Ok(false) => {}
                Ok(true) => return Ok(true),
                Err(e) => flushed.fail(e),
            }
            if !is_due(tiers, &scope) {
                continue;
            }
            match flush_scope(tiers, &scope).await {
                Ok(None) => {}
                Ok(Some(_)) => {
                    tiers.enforce_budget();
                    self.shared.flushes_in_a_row.fetch_add(1, Ordering::Relaxed);
                    return Ok(true);
                }
                Err(e) => flushed.fail(e),
            }
        }
        self.shared.flushes_in_a_row.store(0, Ordering::Relaxed);
        match self.step_besides_flushes().await {
            // Whether a flush is due was not asked.
            Ok(false) if in_a_row >= MOST_IN_A_ROW => return Ok(true),
            Ok(false) => {}
            Ok(true) => return Ok(true),
            Err(e) => flushed.fail(e),
        }
        flushed.into_result().map(|_| false)
    }

    /// As [`Self::step`], flushes aside.
    async fn step_besides_flushes(&self) -> Result<bool> {
        let tiers = &self.shared.tiers;
        let mut flushed = Flushed::default();
        match self.shared.jobs.step(tiers).await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(e) => flushed.fail(e),
        }
        match self.clear_dropped().await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(e) => flushed.fail(e),
        }
        match self.erase_users().await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(e) => flushed.fail(e),
        }
        match self.compact_due().await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(e) => flushed.fail(e),
        }
        flushed.into_result().map(|_| false)
    }

    /// Makes the manifests of every table, or of one, again that are lost, or that say of a file what is not so: every
    /// file is read. How many there were.
    ///
    /// # Errors
    /// `NotFound` for an unknown table; `Cancelled` by `cancel`; the first of those that failed, once all others are done.
    pub async fn rebuild_manifests(&self, table: Option<&str>, cancel: &CancelToken) -> Result<u64> {
        let tiers = &self.shared.tiers;
        tiers.check_writable()?;
        let stores = &tiers.stores;
        let pace = Pace::new(cancel.clone(), Arc::clone(&stores.clock), Arc::clone(&stores.pause));
        let (mut rebuilt, mut failed) = (0, None);
        for def in self.tables(table)? {
            for scope in tiers.scopes_in(def.id, &[Keyspace::Manifest]).await? {
                let remade = match tiers.scope(&def, &scope).await {
                    Ok(state) => Box::pin(remake_scope(tiers, &state, &pace)).await,
                    Err(e) => Err(e),
                };
                match remade {
                    Ok(remade) => rebuilt += u64::from(remade),
                    Err(e) if e.kind() == ErrorKind::Cancelled => return Err(e),
                    Err(e) => {
                        failed
                            .get_or_insert(e.context(format!("the manifest of {} {scope}", def.full_name())));
                    }
                }
                tiers.enforce_budget();
            }
        }
        failed.map_or(Ok(rebuilt), Err)
    }

    /// Flushes every scope of every table that has files, as far as open snapshots allow: statements that are being
    /// run are waited for, up to a second, but not transactions.
    ///
    /// # Errors
    /// The first of those that failed; every other scope is flushed.
    pub async fn flush_all(&self) -> Result<Vec<FlushReport>> {
        let_readers_end(&self.shared.tiers).await;
        let mut flushed = Flushed::default();
        for def in self.shared.tiers.catalog().tables() {
            self.flush_scopes(def, &mut flushed).await?;
        }
        flushed.into_result()
    }

    /// Flushes every scope of `def`.
    pub(crate) async fn flush_table(&self, def: &Arc<TableDef>) -> Result<Vec<FlushReport>> {
        let_readers_end(&self.shared.tiers).await;
        let mut flushed = Flushed::default();
        self.flush_scopes(def, &mut flushed).await?;
        flushed.into_result()
    }

    /// Flushes every scope of `def` that has anything hot, if it can be cold. The error is of the engine, not of a scope.
    async fn flush_scopes(&self, def: &Arc<TableDef>, flushed: &mut Flushed) -> Result<()> {
        let tiers = &self.shared.tiers;
        tiers.check_writable()?;
        if !def.kind.has_files() {
            return Ok(());
        }
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
