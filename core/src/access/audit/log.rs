//! Where the log begins and ends, and adding to it.

use serde::{Deserialize, Serialize};

use super::entry::{Draft, Entry, EntryHash};
use crate::error::{Error, Result};
use crate::storage::{Keyspace, KvStore, WriteBatch};
use crate::tiers::Tiers;
use crate::types::{Durability, Scope, SeqId, TableId};

const HEAD: &[u8] = &[0];
const ENTRY: u8 = 1;

/// The key of an entry.
#[must_use]
pub(super) fn key(number: u64) -> Vec<u8> {
    let mut key = vec![ENTRY];
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// Where the log begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The number of the first entry that is kept.
    pub first: u64,
    /// The hash of the entry before the first.
    pub anchor: EntryHash,
    /// The number of the next entry.
    pub next: u64,
    /// The hash of the last entry.
    pub last: EntryHash,
}

impl Default for Head {
    fn default() -> Self {
        Self { first: 1, anchor: EntryHash::default(), next: 1, last: EntryHash::default() }
    }
}

impl Head {
    /// Puts it into `batch`, in place of the one there.
    ///
    /// # Errors
    /// `Internal` when it cannot be written as JSON.
    pub(super) fn put(&self, batch: &mut WriteBatch) -> Result<()> {
        let bytes = serde_json::to_vec(self).map_err(|e| Error::internal(format!("the audit log: {e}")))?;
        batch.put(Keyspace::Audit, HEAD, bytes);
        Ok(())
    }
}

/// Where the log of a store begins and ends.
///
/// # Errors
/// `Corrupt`; what the key-value store reports.
pub async fn load(kv: &dyn KvStore) -> Result<Head> {
    let Some(bytes) = kv.get(Keyspace::Audit, HEAD).await? else { return Ok(Head::default()) };
    let head: Head = serde_json::from_slice(&bytes)
        .map_err(|e| Error::corrupt(format!("the head of the audit log: {e}")).with_source(e))?;
    if head.first == 0 || head.next < head.first {
        return Err(Error::corrupt(format!(
            "the head of the audit log says that it goes from {} to {}",
            head.first, head.next
        )));
    }
    Ok(head)
}

/// A log that entries were added to in a batch; it is the log once that is committed.
#[must_use = "the log goes on from here once the batch is committed"]
#[derive(Debug)]
pub struct Written(Option<Head>);

impl Written {
    /// Takes note that the batch is committed. The caller holds the lock of commits.
    pub fn committed(self, tiers: &Tiers) {
        if let Some(head) = self.0 {
            *tiers.audit.write() = head;
        }
    }
}

/// Puts the entries of `drafts` into `batch`; `seqs` gives the numbers of the versions committed to a scope.
///
/// The caller holds the lock of commits, and commits the batch.
///
/// # Errors
/// `Internal` when an entry cannot be written as JSON.
pub fn write(
    tiers: &Tiers,
    batch: &mut WriteBatch,
    drafts: &[Draft],
    seqs: impl Fn(&(TableId, Scope)) -> Option<(SeqId, SeqId)>,
) -> Result<Written> {
    if drafts.is_empty() {
        return Ok(Written(None));
    }
    let mut head = *tiers.audit.read();
    for draft in drafts {
        let seqs = draft.wrote.as_ref().and_then(&seqs);
        let bytes = Entry::new(draft, head.next, seqs, head.last).encode()?;
        let hash = EntryHash::of(&bytes);
        batch.put(Keyspace::Audit, key(head.next), bytes);
        head = Head { next: head.next + 1, last: hash, ..head };
    }
    head.put(batch)?;
    Ok(Written(Some(head)))
}

/// Writes one entry that comes with no other change. On return it is synced.
///
/// # Errors
/// What the store reports; whether the entry is there is then unknown.
pub async fn record(tiers: &Tiers, draft: Draft) -> Result<()> {
    tiers.check_writable()?;
    let order = tiers.commit_order.lock().await;
    let mut batch = tiers.fenced_batch();
    let written = write(tiers, &mut batch, &[draft], |_| None)?;
    tiers.commit(batch, Durability::Strict).await?;
    written.committed(tiers);
    drop(order);
    Ok(())
}
