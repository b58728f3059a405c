//! Eviction: rows of STREAM tables that have expired leave the key-value store and memory.
//!
//! Nobody is shown an expired row, evicted or not (`TableReads::expired`), so an eviction changes no answer. It takes out
//! the oldest blocks of a scope whose versions are all expired, so many at a time, and the same versions of the memtable:
//! a prefix of both, as a flush does, but nothing becomes cold.
//!
//! **Invariant**: what is evicted was expired at every statement that runs, so that each sees all of its rows or none of
//! them; and every living snapshot includes it, so that the memtable still tells of every conflict.

use std::sync::Arc;

use bytes::Bytes;

use crate::catalog::{TableDef, TableKind};
use crate::error::{Error, Result};
use crate::hot::block::last_seq;
use crate::hot::scope::ScopeState;
use crate::storage::keys::{parse_scope_key, scope_key, seq_key};
use crate::storage::{KeyRange, Keyspace};
use crate::tiers::{Tiers, drop_blocks};
use crate::types::{Durability, Scope, SeqId, TableId};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Whether an eviction of `scope`, which is in memory, is worth a commit: when it fills one, or for rows that have been
/// expired for long.
#[must_use]
pub fn is_eviction_due(tiers: &Tiers, scope: &ScopeState) -> bool {
    let catalog = tiers.catalog();
    let is_stream = |def: &&Arc<TableDef>| def.kind == TableKind::Stream;
    let Some(def) = catalog.table_by_id(scope.table).filter(is_stream) else { return false };
    let Some(oldest) = scope.oldest_hot() else { return false };
    if oldest > def.expired_through(tiers.stores.clock.now_micros()) {
        return false;
    }
    let through = evictable(tiers, def, |_| ());
    if oldest > through {
        return false;
    }
    let settings = tiers.config.stream;
    let interval = i64::try_from(settings.eviction_interval_seconds).unwrap_or(i64::MAX);
    let long_ago = tiers.stores.clock.now_micros().saturating_sub(interval.saturating_mul(MICROS_PER_SECOND));
    oldest <= def.expired_through(long_ago) || scope.hot_rows_through(through) >= settings.eviction_commits
}

/// Evicts from `scope` if that is due and nobody is at it.
///
/// # Errors
/// As [`evict_scope`].
pub async fn evict_if_due(tiers: &Tiers, scope: &ScopeState) -> Result<()> {
    if !is_eviction_due(tiers, scope) {
        return Ok(());
    }
    let Some(publishing) = scope.publish.try_lock() else { return Ok(()) };
    evict(tiers, scope.table, &scope.scope, Some(scope)).await?;
    drop(publishing);
    Ok(())
}

/// Whether the first block of `scope` of a STREAM table begins with a version that can be evicted.
///
/// # Errors
/// `Corrupt` for a key that is none; what the key-value store reports.
pub async fn has_evictable(tiers: &Tiers, def: &TableDef, scope: &Scope) -> Result<bool> {
    let through = evictable(tiers, def, |_| ());
    let first = tiers.stores.kv.page(Keyspace::Hot, blocks_through(def.id, scope, through), 1).await?;
    Ok(!first.is_empty())
}

/// Evicts the oldest expired versions of `scope`, of at most so many commits as one eviction takes; whether there may be
/// more. The scope need not be in memory for it, and is not brought there.
///
/// On return they are gone by a synced commit. One that was cut short has removed all of them or none.
///
/// # Errors
/// `Corrupt` for a block that is none; what the key-value store reports.
pub async fn evict_scope(tiers: &Tiers, table: TableId, scope: &Scope) -> Result<bool> {
    let state = tiers.scope_in_memory(table, scope);
    let Some(state) = state.as_deref() else {
        // Whoever opened it meanwhile would read some of its blocks before and some after.
        let opening = tiers.opening().await;
        if tiers.scope_in_memory(table, scope).is_some() {
            return Ok(true);
        }
        let evicted = evict(tiers, table, scope, None).await;
        drop(opening);
        return evicted;
    };
    let publishing = state.publish.lock().await;
    let evicted = evict(tiers, table, scope, Some(state)).await;
    drop(publishing);
    evicted
}

/// As [`evict_scope`], for who holds the lock of publishing of a scope in memory.
async fn evict(tiers: &Tiers, table: TableId, scope: &Scope, state: Option<&ScopeState>) -> Result<bool> {
    tiers.check_writable()?;
    let is_stream = |def: &Arc<TableDef>| def.kind == TableKind::Stream;
    let Some(def) = tiers.catalog().table_by_id(table).filter(|def| is_stream(def)).cloned() else {
        return Ok(false);
    };
    let through = evictable(tiers, &def, |through| {
        if let Some(state) = state {
            state.begin_eviction(through);
        }
    });
    let limit = tiers.config.stream.eviction_commits;
    let page = tiers.stores.kv.page(Keyspace::Hot, blocks_through(table, scope, through), limit).await?;
    let (blocks, is_full) = (page.len(), page.len() == limit);
    let (gone, evicted_through) = match page.into_iter().next_back() {
        None => (0, through),
        // A block ends before the next begins, so only the last can reach further.
        Some((key, value)) => match last_of(tiers, table, scope, &key, value)? {
            last if last > through => (blocks - 1, before(&key)?),
            last if is_full => (blocks, last),
            _ => (blocks, through),
        },
    };
    if gone > 0 {
        let mut batch = tiers.fenced_batch();
        drop_blocks(&mut batch, table, scope, evicted_through);
        tiers.commit(batch, Durability::Strict).await?;
        tiers.stats.blocks_expired.add(gone as u64);
        let order = tiers.commit_order.lock().await;
        tiers.feed.evicted(&tiers.snapshots, tiers.stores.clock.now_ms(), table, scope);
        drop(order);
    }
    if let Some(state) = state {
        state.evict_through(evicted_through)?;
    }
    Ok(is_full && gone == blocks)
}

/// The last `_seq` that may be evicted of `def`; `announce` is told before any statement begins that might see what it
/// takes.
fn evictable(tiers: &Tiers, def: &TableDef, announce: impl FnOnce(SeqId)) -> SeqId {
    tiers.end_idle_snapshots();
    let horizon = tiers.snapshots.flush_horizon();
    tiers.statement_times.with_oldest(tiers.stores.clock.now_micros(), |oldest| {
        let through = def.expired_through(oldest).min(horizon);
        announce(through);
        through
    })
}

/// The blocks of `scope` that begin at `through` or before.
fn blocks_through(table: TableId, scope: &Scope, through: SeqId) -> KeyRange {
    let end = SeqId::from_i64(through.as_i64().saturating_add(1));
    KeyRange::half_open(scope_key(table, scope), seq_key(table, scope, end))
}

/// The last `_seq` of a block.
fn last_of(tiers: &Tiers, table: TableId, scope: &Scope, key: &[u8], value: Bytes) -> Result<SeqId> {
    // Asked after the block was read: the catalog is never older than a block.
    let def = tiers.catalog().table_by_id(table).cloned();
    let def = def.ok_or_else(|| Error::conflict("the table was dropped meanwhile"))?;
    last_seq(&def, value, &format!("{} {scope} {key:02x?}", def.full_name()))
}

/// What comes before the first `_seq` of the block under `key`.
fn before(key: &[u8]) -> Result<SeqId> {
    let (_, _, seq) = parse_scope_key(key)?;
    let seq = seq.try_into().map(i64::from_be_bytes);
    let seq = seq.map_err(|_| Error::corrupt(format!("hot key {key:02x?}: expected a _seq at its end")))?;
    Ok(SeqId::from_i64(seq.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use std::ops::Bound;

    use super::*;
    use crate::error::ErrorKind;
    use crate::types::UserId;

    #[test]
    fn blocks_are_taken_by_where_they_begin() {
        let (table, scope) = (TableId(7), Scope::User(UserId::new("ann").unwrap()));
        let key = |seq: i64| seq_key(table, &scope, SeqId::from_i64(seq));
        let range = blocks_through(table, &scope, SeqId::from_i64(5));
        let KeyRange { start: Bound::Included(start), end: Bound::Excluded(end) } = range else {
            panic!("{range:?}")
        };
        let is_in = |key: &[u8]| (start.as_ref()..end.as_ref()).contains(&key);
        assert!(is_in(&key(1)) && is_in(&key(5)) && !is_in(&key(6)));
        assert!(!is_in(&seq_key(table, &Scope::User(UserId::new("anna").unwrap()), SeqId::from_i64(1))));
        assert_eq!(before(&key(5)).unwrap(), SeqId::from_i64(4));
        for bad in [scope_key(table, &scope), key(5)[..key(5).len() - 1].to_vec(), Vec::new()] {
            assert_eq!(before(&bad).unwrap_err().kind(), ErrorKind::Corrupt, "{bad:02x?}");
        }
    }
}
