//! The key-value trait and the batch that is committed through it.

use std::fmt::Debug;
use std::ops::Bound;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Result;
use crate::types::Durability;

/// A store of ordered binary keys in a few fixed keyspaces.
///
/// Object-safe and `Send + Sync` on every target, because DataFusion's traits are. Pages instead of
/// cursors: nothing stays open across an `.await`.
#[async_trait]
pub trait KvStore: Debug + Send + Sync + 'static {
    /// The value under `key`, or `None`.
    ///
    /// # Errors
    /// `Unavailable` when the store is closed or fails, `Corrupt` when it finds damage.
    async fn get(&self, space: Keyspace, key: &[u8]) -> Result<Option<Bytes>>;

    /// Up to `limit` pairs of `range`, in key order; the next page starts after the last key.
    /// Fewer than `limit` pairs mean that the range ends there.
    ///
    /// # Errors
    /// As [`KvStore::get`].
    async fn page(&self, space: Keyspace, range: KeyRange, limit: usize) -> Result<Vec<(Bytes, Bytes)>>;

    /// All of `batch` or none of it, and only if every precondition in it holds in the same
    /// transaction. Mutations apply in their order. Returns once `durability` holds.
    ///
    /// # Errors
    /// `Conflict` when a precondition fails, `LimitExceeded` when there is no room: nothing is applied and
    /// the store stays usable. `Unavailable` when the store is
    /// closed or a write or sync failed; what became of the batch is then unknown until it is reopened,
    /// and every later commit on this handle fails with `Unavailable` too.
    async fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<()>;

    /// Releases the store; later calls fail with `Unavailable`. Closing twice is no error.
    ///
    /// # Errors
    /// `Unavailable` when what was committed cannot be brought to rest.
    async fn close(&self) -> Result<()>;
}

/// The keyspaces; one column family or object store each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keyspace {
    /// Store id, format version, writer epoch, sequence high-water mark, node id.
    Meta,
    /// Definitions of namespaces and tables.
    Catalog,
    /// Blocks of row versions.
    Hot,
    /// Manifest pointers, file counters, cached manifests.
    Manifest,
    /// Tombstones kept for the change feed after their flush.
    Tombstones,
    /// Background jobs.
    Jobs,
    /// Users.
    Users,
    /// The audit log.
    Audit,
}

impl Keyspace {
    /// Every keyspace.
    pub const ALL: [Self; 8] = [
        Self::Meta,
        Self::Catalog,
        Self::Hot,
        Self::Manifest,
        Self::Tombstones,
        Self::Jobs,
        Self::Users,
        Self::Audit,
    ];

    /// The name of its column family or object store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Catalog => "catalog",
            Self::Hot => "hot",
            Self::Manifest => "manifest",
            Self::Tombstones => "tombstones",
            Self::Jobs => "jobs",
            Self::Users => "users",
            Self::Audit => "audit",
        }
    }
}

/// A range of keys in byte order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// Where it starts.
    pub start: Bound<Bytes>,
    /// Where it ends.
    pub end: Bound<Bytes>,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self { start: Bound::Unbounded, end: Bound::Unbounded }
    }

    /// Keys in `start <= key < end`.
    #[must_use]
    pub fn half_open(start: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        Self { start: Bound::Included(start.into()), end: Bound::Excluded(end.into()) }
    }

    /// Keys that start with `prefix`.
    #[must_use]
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let prefix = prefix.into();
        let end = match successor(&prefix) {
            Some(end) => Bound::Excluded(end.into()),
            None => Bound::Unbounded,
        };
        Self { start: Bound::Included(prefix), end }
    }

    /// The same range from just after `key`: the next page.
    #[must_use]
    pub fn after(self, key: Bytes) -> Self {
        Self { start: Bound::Excluded(key), end: self.end }
    }

    /// Whether no key can lie in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Included(s), Bound::Included(e)) => s > e,
            (Bound::Included(s) | Bound::Excluded(s), Bound::Included(e) | Bound::Excluded(e)) => s >= e,
            _ => false,
        }
    }
}

/// The smallest key after every key that starts with `prefix`, if there is one.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|b| *b != 0xFF)?;
    let mut end = prefix.get(..=last)?.to_vec();
    if let Some(byte) = end.last_mut() {
        *byte += 1;
    }
    Some(end)
}

/// What must hold for a batch to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precondition {
    /// The keyspace of the key.
    pub space: Keyspace,
    /// The key.
    pub key: Bytes,
    /// Its value, or `None` when the key must be absent.
    pub value: Option<Bytes>,
}

/// One change of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mutation {
    /// Sets a key.
    Put(Keyspace, Bytes, Bytes),
    /// Removes a key, if it is there.
    Delete(Keyspace, Bytes),
    /// Removes every key of a range.
    DeleteRange(Keyspace, KeyRange),
}

/// Changes that apply together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteBatch {
    /// What must hold.
    pub preconditions: Vec<Precondition>,
    /// What changes, in order.
    pub mutations: Vec<Mutation>,
}

impl WriteBatch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires `key` to have `value`.
    pub fn expect_value(
        &mut self,
        space: Keyspace,
        key: impl Into<Bytes>,
        value: impl Into<Bytes>,
    ) -> &mut Self {
        self.preconditions.push(Precondition { space, key: key.into(), value: Some(value.into()) });
        self
    }

    /// Requires `key` to be absent.
    pub fn expect_absent(&mut self, space: Keyspace, key: impl Into<Bytes>) -> &mut Self {
        self.preconditions.push(Precondition { space, key: key.into(), value: None });
        self
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, space: Keyspace, key: impl Into<Bytes>, value: impl Into<Bytes>) -> &mut Self {
        self.mutations.push(Mutation::Put(space, key.into(), value.into()));
        self
    }

    /// Removes `key`.
    pub fn delete(&mut self, space: Keyspace, key: impl Into<Bytes>) -> &mut Self {
        self.mutations.push(Mutation::Delete(space, key.into()));
        self
    }

    /// Removes every key of `range`.
    pub fn delete_range(&mut self, space: Keyspace, range: KeyRange) -> &mut Self {
        self.mutations.push(Mutation::DeleteRange(space, range));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_ranges_end_before_the_next_prefix() {
        assert_eq!(successor(b"a"), Some(b"b".to_vec()));
        assert_eq!(successor(b"a\xFF\xFF"), Some(b"b".to_vec()));
        assert_eq!(successor(b"\xFF"), None);
        assert_eq!(successor(b""), None);
    }
}
