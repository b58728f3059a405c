//! Forgetting entries that are older than the store retains them, from the oldest on.

use super::entry::{Entry, EntryHash};
use super::log::{Head, key};
use crate::error::{Error, Result};
use crate::storage::{KeyRange, Keyspace};
use crate::tiers::Tiers;
use crate::types::Durability;

/// How many entries are forgotten in one commit.
const PAGE: usize = 1024;
const DAY_MICROS: i64 = 86_400_000_000;

/// The first moment of entries that are retained; `None` when they are kept for ever.
fn cutoff(tiers: &Tiers) -> Option<i64> {
    let days = i64::try_from(tiers.config.audit.retention_days).unwrap_or(i64::MAX);
    (days > 0).then(|| tiers.stores.clock.now_micros().saturating_sub(days.saturating_mul(DAY_MICROS)))
}

/// Whether the oldest entry is too old.
///
/// # Errors
/// `Corrupt` for an entry that is none; what the key-value store reports.
pub async fn has_expired(tiers: &Tiers) -> Result<bool> {
    let head = *tiers.audit.read();
    let Some(cutoff) = cutoff(tiers).filter(|_| head.first < head.next) else { return Ok(false) };
    let Some(bytes) = tiers.stores.kv.get(Keyspace::Audit, &key(head.first)).await? else {
        return Err(Error::corrupt(format!("audit entry {}: missing", head.first)));
    };
    Ok(Entry::parse(&bytes, head.first)?.time_micros < cutoff)
}

/// Forgets the oldest entries up to the first that is retained; whether there may be more.
///
/// On return they are gone, and the log begins behind them, in one synced commit.
///
/// # Errors
/// `Corrupt` for an entry that is none or missing: the log is left as it is, for a check to see. What the store
/// reports.
pub async fn expire(tiers: &Tiers) -> Result<bool> {
    let order = tiers.commit_order.lock().await;
    let head = *tiers.audit.read();
    let Some(cutoff) = cutoff(tiers) else { return Ok(false) };
    let range = KeyRange::half_open(key(head.first), key(head.next));
    let page = tiers.stores.kv.page(Keyspace::Audit, range, PAGE).await?;
    let mut batch = tiers.fenced_batch();
    let (mut first, mut anchor) = (head.first, head.anchor);
    for (found, value) in &page {
        if *found != key(first) {
            return Err(Error::corrupt(format!("audit entry {first}: missing")));
        }
        if Entry::parse(value, first)?.time_micros >= cutoff {
            break;
        }
        batch.delete(Keyspace::Audit, found.clone());
        (first, anchor) = (first + 1, EntryHash::of(value));
    }
    if first == head.first {
        return Ok(false);
    }
    let shortened = Head { first, anchor, ..head };
    shortened.put(&mut batch)?;
    tiers.commit(batch, Durability::Strict).await?;
    *tiers.audit.write() = shortened;
    drop(order);
    Ok(first - head.first == PAGE as u64)
}
