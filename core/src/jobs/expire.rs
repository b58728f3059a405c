//! Forgetting tombstones that are older than their table retains them.
//!
//! The change feed of a scope then knows only what came after them: its floor is raised in the same commit,
//! and a query for changes since a moment below it is refused (`scan/floor.rs`).

use std::sync::Arc;

use bytes::Bytes;

use crate::catalog::{Retention, TableDef};
use crate::error::{Error, Result};
use crate::hot::block;
use crate::jobs::run::Next;
use crate::manifest::store::{Pointer, move_pointer, read_pointer};
use crate::storage::keys::scope_key;
use crate::storage::{KeyRange, Keyspace};
use crate::tiers::Tiers;
use crate::types::{Durability, Scope, SeqId};

/// How many blocks are read, and forgotten, at a time.
const PAGE: usize = 64;
const HOUR_MS: u64 = 3_600_000;

/// The last `_seq` of tombstones of `def` that are too old; `None` when they are kept for ever.
#[must_use]
pub fn cutoff(tiers: &Tiers, def: &TableDef) -> Option<SeqId> {
    let hours = match def.options.deleted_retention {
        Some(Retention::Forever) => return None,
        Some(Retention::Hours(hours)) => hours,
        None => tiers.config.feed.deleted_retention_hours,
    };
    let age_ms = i64::try_from(hours.saturating_mul(HOUR_MS)).unwrap_or(i64::MAX);
    let oldest_ms = tiers.stores.clock.now_ms().saturating_sub(age_ms);
    // The first of that millisecond is still retained.
    Some(SeqId::from_i64(SeqId::at(oldest_ms, 0).as_i64().saturating_sub(1)))
}

/// The first block of `scope`, if all its tombstones are too old.
///
/// # Errors
/// `Corrupt` for a block that is none; what the key-value store reports.
pub async fn has_expired(tiers: &Tiers, def: &TableDef, scope: &Scope) -> Result<bool> {
    let Some(cutoff) = cutoff(tiers, def) else { return Ok(false) };
    let range = KeyRange::prefix(scope_key(def.id, scope));
    let first = tiers.stores.kv.page(Keyspace::Tombstones, range, 1).await?;
    match first.into_iter().next() {
        Some((key, value)) => Ok(last_seq(def, scope, &key, value)? <= cutoff),
        None => Ok(false),
    }
}

/// Forgets the oldest blocks of `scope` whose tombstones are all too old; [`Next::Slice`] when there may be
/// more.
///
/// On return the floor of the feed is raised, and the blocks are gone, in one synced commit.
///
/// # Errors
/// `Corrupt` for a block that is none; what the stores report.
pub async fn expire_scope(tiers: &Tiers, def: &Arc<TableDef>, scope: &Scope) -> Result<Next> {
    let Some(cutoff) = cutoff(tiers, def) else { return Ok(Next::Nothing) };
    let range = KeyRange::prefix(scope_key(def.id, scope));
    let page = tiers.stores.kv.page(Keyspace::Tombstones, range, PAGE).await?;
    let blocks = page.len();
    let (mut keys, mut floor) = (Vec::new(), SeqId::ZERO);
    for (key, value) in page {
        // Blocks are in the order of their flushes: what follows a block that is retained is too.
        let last = last_seq(def, scope, &key, value)?;
        if last > cutoff {
            break;
        }
        floor = floor.max(last);
        keys.push(key);
    }
    if keys.is_empty() {
        return Ok(Next::Nothing);
    }
    let goes_on = keys.len() == blocks && blocks == PAGE;
    forget(tiers, def, scope, keys, floor).await?;
    Ok(if goes_on { Next::Slice } else { Next::Nothing })
}

async fn forget(
    tiers: &Tiers,
    def: &Arc<TableDef>,
    scope: &Scope,
    keys: Vec<Bytes>,
    floor: SeqId,
) -> Result<()> {
    let state = tiers.scope(def, scope).await?;
    // First, for whoever has it may have it for long, and commits of every table wait for the other.
    let publishing = state.publish.lock().await;
    // A copy must not have the pointer of before and the blocks of after; it holds this lock too.
    let order = tiers.commit_order.lock().await;
    if tiers.table_of(&state).is_none() {
        return Err(Error::conflict("the table was dropped meanwhile"));
    }
    let now = read_pointer(tiers.stores.kv.as_ref(), def.id, scope).await?;
    let raised = Pointer { feed_floor: now.feed_floor.max(floor), ..now.clone() };
    let mut batch = tiers.fenced_batch();
    if raised != now {
        move_pointer(&mut batch, def.id, scope, &now, &raised)?;
    }
    for key in keys {
        batch.delete(Keyspace::Tombstones, key);
    }
    tiers.commit(batch, Durability::Strict).await?;
    drop(order);
    drop(publishing);
    Ok(())
}

/// The `_seq` of the last tombstone of a block.
fn last_seq(def: &TableDef, scope: &Scope, key: &[u8], value: Bytes) -> Result<SeqId> {
    block::last_seq(def, value, &format!("tombstones {} {scope} {key:02x?}", def.full_name()))
}
