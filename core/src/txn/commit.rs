//! The commit pipeline: first committer wins, one synced batch, then visible.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};

use crate::access::audit::{self, Draft};
use crate::catalog::{Catalog, TableDef};
use crate::cold::locate::{Within, locate_in};
use crate::error::{Error, Result};
use crate::hot::block;
use crate::storage::keys::seq_key;
use crate::storage::{Keyspace, WriteBatch};
use crate::tiers::Tiers;
use crate::txn::writes::{ScopeWrites, WriteSet, altered, with_column};
use crate::types::{Durability, Scope, SeqId, TableId};

/// Commits `writes`, which were made on a snapshot at `snapshot`, and the audit entries of `acts`, which tell of
/// them; the numbers of the versions, in the order of the scopes and of the versions in each.
///
/// On return the versions and the entries are in the key-value store with the engine's durability, all of them in
/// one batch, and every later snapshot includes the versions.
///
/// # Errors
/// `Conflict` when another commit has written one of the keys since the snapshot, or altered one of the
/// tables: nothing is applied. `Unavailable` when the store failed: the outcome is unknown.
pub async fn commit(tiers: &Tiers, writes: &WriteSet, snapshot: SeqId, acts: &[Draft]) -> Result<Vec<SeqId>> {
    tiers.check_writable()?;
    let order = tiers.commit_order.lock().await;
    let catalog = tiers.catalog();
    let mut pending = Vec::new();
    let mut total = 0;
    for scope in writes.scopes() {
        check_unaltered(&catalog, &scope.def)?;
        check_owner(tiers, &scope.state.scope)?;
        check_first(tiers, scope, snapshot)?;
        check_loaded(tiers, scope, snapshot).await?;
        let rows = scope.collapse()?;
        total += rows.num_rows();
        pending.push((scope, rows));
    }
    if total == 0 && acts.is_empty() {
        return Ok(Vec::new());
    }
    let allocated = if total == 0 { Vec::new() } else { tiers.seqs.allocate(total).await? };
    let mut seqs = allocated.iter().copied();
    let mut batch = tiers.fenced_batch();
    let mut stamped: Vec<(&ScopeWrites, RecordBatch)> = Vec::with_capacity(pending.len());
    let mut last = SeqId::ZERO;
    for (scope, rows) in pending {
        let numbers: Vec<SeqId> = seqs.by_ref().take(rows.num_rows()).collect();
        let Some(first) = numbers.first().copied() else { continue };
        last = numbers.last().copied().unwrap_or(last);
        let column = Int64Array::from_iter_values(numbers.iter().map(|s| s.as_i64()));
        let rows = with_column(&rows, 0, Arc::new(column))?;
        put_block(&mut batch, scope, first, &rows)?;
        stamped.push((scope, rows));
    }
    let log = audit::write(tiers, &mut batch, acts, |at| extent(&stamped, at))?;
    // What was done in somebody's name is answered when its entry is there for good.
    let durability = if acts.is_empty() { tiers.config.writer.durability } else { Durability::Strict };
    tiers.commit(batch, durability).await?;
    log.committed(tiers);
    for (scope, rows) in stamped {
        show(scope, rows).map_err(|e| {
            // Durable, but in memory in part or not at all: reading goes on as of before, writing does not.
            tiers.fail();
            Error::unavailable(
                "the statement is committed, but cannot be shown; close the store and open it again",
            )
            .with_source(e)
        })?;
    }
    if total > 0 {
        tiers.snapshots.publish(last);
        let written = writes.scopes().map(|scope| (scope.def.id, &scope.state.scope));
        tiers.feed.committed(&tiers.snapshots, tiers.stores.clock.now_ms(), written);
    }
    drop(order);
    Ok(allocated)
}

/// The first and the last number of what was committed to a scope.
fn extent(stamped: &[(&ScopeWrites, RecordBatch)], at: &(TableId, Scope)) -> Option<(SeqId, SeqId)> {
    let (_, rows) = stamped.iter().find(|(w, _)| w.def.id == at.0 && w.state.scope == at.1)?;
    let seqs = rows.column(0).as_any().downcast_ref::<Int64Array>()?;
    let ends = [seqs.values().first(), seqs.values().last()].map(|seq| seq.copied().map(SeqId::from_i64));
    match ends {
        [Some(first), Some(last)] => Some((first, last)),
        _ => None,
    }
}

/// Puts committed rows into the memory of their scope.
fn show(scope: &ScopeWrites, rows: RecordBatch) -> Result<()> {
    let version = scope.def.schema_version;
    scope.state.append(rows, version, scope.def.row_key_columns(version)?)
}

fn put_block(batch: &mut WriteBatch, scope: &ScopeWrites, first: SeqId, rows: &RecordBatch) -> Result<()> {
    let key = seq_key(scope.def.id, &scope.state.scope, first);
    batch.put(Keyspace::Hot, key, block::encode(scope.def.schema_version, rows)?);
    Ok(())
}

/// Refuses to go on with a table that was altered or dropped.
///
/// # Errors
/// `Conflict`.
pub fn check_unaltered(catalog: &Catalog, def: &TableDef) -> Result<()> {
    match catalog.table_by_id(def.id) {
        Some(now) if now.schema_version == def.schema_version => Ok(()),
        _ => Err(altered(def)),
    }
}

/// Refuses rows of a user that was dropped since the statement began: nobody would ever see them, and if its rows are
/// erased these would stay.
///
/// # Errors
/// `PermissionDenied`.
pub fn check_owner(tiers: &Tiers, scope: &Scope) -> Result<()> {
    match scope {
        Scope::User(id) if tiers.users.read().role_of(id).is_none() => {
            Err(Error::denied(format!("there is no user {id} in this store")))
        }
        _ => Ok(()),
    }
}

/// First committer wins: no key of `scope` may have a version above the snapshot. Such versions are hot,
/// because a flush goes no further than the oldest snapshot alive; or in files that were loaded since.
fn check_first(tiers: &Tiers, scope: &ScopeWrites, snapshot: SeqId) -> Result<()> {
    for chunk in scope.chunks().iter() {
        let keys = chunk.keys.iter().map(|k| k.data());
        let (found, _) = scope.state.look_up(keys, SeqId::MAX);
        for version in found.into_iter().flatten() {
            if version.seq() > snapshot {
                return Err(written_since(tiers, scope));
            }
        }
    }
    Ok(())
}

/// As [`check_first`], in the batch files that were loaded since the snapshot.
async fn check_loaded(tiers: &Tiers, scope: &ScopeWrites, snapshot: SeqId) -> Result<()> {
    let cold = scope.state.view().cold;
    if cold.entries.last_begun() <= snapshot {
        return Ok(());
    }
    let schema = scope.def.file_schema()?;
    for chunk in scope.chunks().iter() {
        let columns = chunk.batch.columns();
        let keys: Vec<ArrayRef> =
            chunk.key_columns.iter().filter_map(|at| columns.get(*at).cloned()).collect();
        let located = locate_in(&tiers.caches, &schema, &cold, &keys, Within::Since(snapshot), None).await?;
        if located.positions.iter().any(Option::is_some) {
            return Err(written_since(tiers, scope));
        }
    }
    Ok(())
}

fn written_since(tiers: &Tiers, scope: &ScopeWrites) -> Error {
    tiers.stats.conflicts.add(1);
    Error::conflict(format!(
        "another transaction has since written the same row of {}.{}; run the transaction again",
        scope.def.namespace, scope.def.name
    ))
}
