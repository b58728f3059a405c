//! A key-value store in this process's memory, for unit tests and `memory://`.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::RwLock;

use crate::error::{Error, Result};
use crate::storage::kv::{KeyRange, Keyspace, KvStore, Mutation, Precondition, WriteBatch};
use crate::types::Durability;

/// Every pair of every keyspace.
pub(super) type Map = BTreeMap<(Keyspace, Bytes), Bytes>;

/// Keeps everything in a sorted map; nothing survives the process, whatever durability is asked for.
#[derive(Debug, Default)]
pub struct MemoryKv {
    map: RwLock<Option<Map>>,
}

impl MemoryKv {
    /// An empty, open store.
    #[must_use]
    pub fn new() -> Self {
        Self { map: RwLock::new(Some(Map::new())) }
    }
}

fn closed() -> Error {
    Error::unavailable("the key-value store is closed; open it again")
}

fn bounds(space: Keyspace, range: &KeyRange) -> impl RangeBounds<(Keyspace, Bytes)> {
    let start = match &range.start {
        Bound::Included(k) => Bound::Included((space, k.clone())),
        Bound::Excluded(k) => Bound::Excluded((space, k.clone())),
        Bound::Unbounded => Bound::Included((space, Bytes::new())),
    };
    let end = match &range.end {
        Bound::Included(k) => Bound::Included((space, k.clone())),
        Bound::Excluded(k) => Bound::Excluded((space, k.clone())),
        Bound::Unbounded => match Keyspace::ALL.iter().find(|s| **s > space) {
            Some(next) => Bound::Excluded((*next, Bytes::new())),
            None => Bound::Unbounded,
        },
    };
    (start, end)
}

/// Checks `batch` against `map` and applies it; shared with the fault-injecting store.
pub(super) fn apply(map: &mut Map, batch: &WriteBatch) -> Result<()> {
    for Precondition { space, key, value } in &batch.preconditions {
        if map.get(&(*space, key.clone())) != value.as_ref() {
            return Err(Error::conflict(format!(
                "a key of {} is not as expected: another writer was here",
                space.name()
            )));
        }
    }
    for mutation in &batch.mutations {
        match mutation {
            Mutation::Put(space, key, value) => {
                map.insert((*space, key.clone()), value.clone());
            }
            Mutation::Delete(space, key) => {
                map.remove(&(*space, key.clone()));
            }
            Mutation::DeleteRange(_, range) if range.is_empty() => {}
            Mutation::DeleteRange(space, range) => {
                let doomed: Vec<_> = map.range(bounds(*space, range)).map(|(k, _)| k.clone()).collect();
                for key in doomed {
                    map.remove(&key);
                }
            }
        }
    }
    Ok(())
}

/// The first `limit` pairs of `range`; shared with the fault-injecting store.
pub(super) fn pairs(map: &Map, space: Keyspace, range: &KeyRange, limit: usize) -> Vec<(Bytes, Bytes)> {
    if range.is_empty() {
        return Vec::new();
    }
    let found = map.range(bounds(space, range)).take(limit);
    found.map(|((_, key), value)| (key.clone(), value.clone())).collect()
}

#[async_trait]
impl KvStore for MemoryKv {
    async fn get(&self, space: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        let map = self.map.read();
        let map = map.as_ref().ok_or_else(closed)?;
        Ok(map.get(&(space, Bytes::copy_from_slice(key))).cloned())
    }

    async fn page(&self, space: Keyspace, range: KeyRange, limit: usize) -> Result<Vec<(Bytes, Bytes)>> {
        let map = self.map.read();
        Ok(pairs(map.as_ref().ok_or_else(closed)?, space, &range, limit))
    }

    async fn commit(&self, batch: WriteBatch, _durability: Durability) -> Result<()> {
        let mut map = self.map.write();
        apply(map.as_mut().ok_or_else(closed)?, &batch)
    }

    async fn close(&self) -> Result<()> {
        *self.map.write() = None;
        Ok(())
    }
}
