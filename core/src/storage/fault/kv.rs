//! The key-value half: a map, and a second one that lags behind it by what is not synced.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use super::{AfterFailedSync, Fate, FaultStores, crashed};
use crate::error::{Error, Result};
use crate::storage::kv::{KeyRange, Keyspace, KvStore, Mutation, WriteBatch};
use crate::storage::memory::{apply, pairs};
use crate::types::Durability;

/// One opening of the key-value store.
#[derive(Debug)]
pub(super) struct FaultKv {
    stores: FaultStores,
    closed: AtomicBool,
    /// A sync failed, so nothing more may be committed here.
    broken: AtomicBool,
}

impl FaultKv {
    pub(super) fn new(stores: FaultStores) -> Self {
        Self { stores, closed: AtomicBool::new(false), broken: AtomicBool::new(false) }
    }

    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::unavailable("the key-value store is closed; open it again"));
        }
        Ok(())
    }
}

/// `kv commit strict: put hot, delete-range hot`, with what repeats named once.
fn describe(batch: &WriteBatch, durability: Durability) -> String {
    let mut parts: Vec<String> = Vec::new();
    for mutation in &batch.mutations {
        let part = match mutation {
            Mutation::Put(space, ..) => format!("put {}", space.name()),
            Mutation::Delete(space, _) => format!("delete {}", space.name()),
            Mutation::DeleteRange(space, _) => format!("delete-range {}", space.name()),
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    let durability = match durability {
        Durability::Strict => "strict",
        Durability::Relaxed => "relaxed",
    };
    format!("kv commit {durability}: {}", parts.join(", "))
}

#[async_trait]
impl KvStore for FaultKv {
    async fn get(&self, space: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        self.stores.pass(&format!("kv get {}", space.name())).await;
        self.check_open()?;
        let state = self.stores.state.lock();
        state.check()?;
        Ok(state.live.get(&(space, Bytes::copy_from_slice(key))).cloned())
    }

    async fn page(&self, space: Keyspace, range: KeyRange, limit: usize) -> Result<Vec<(Bytes, Bytes)>> {
        self.stores.pass(&format!("kv page {}", space.name())).await;
        self.check_open()?;
        let state = self.stores.state.lock();
        state.check()?;
        Ok(pairs(&state.live, space, &range, limit))
    }

    async fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<()> {
        let what = describe(&batch, durability);
        self.stores.pass(&what).await;
        self.check_open()?;
        if self.broken.load(Ordering::SeqCst) {
            return Err(Error::unavailable("an earlier sync failed; open the key-value store again"));
        }
        let mut state = self.stores.state.lock();
        let fate = state.begin(what)?;
        apply(&mut state.live, &batch)?;
        state.unsynced.push(batch);
        if fate == Fate::TakesEffectUnanswered {
            state.sync()?;
            return Err(crashed());
        }
        if durability == Durability::Strict {
            if let Some(then) = state.fail_next_sync.take() {
                match then {
                    AfterFailedSync::Refuses => self.broken.store(true, Ordering::SeqCst),
                    AfterFailedSync::GoesOn => state.unsynced.clear(),
                }
                return Err(Error::unavailable("the sync failed (an injected fault)"));
            }
            state.sync()?;
        }
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let mut state = self.stores.state.lock();
        let fate = state.begin("kv close".to_owned())?;
        // What a failed sync left in doubt, a close does not make certain.
        if !self.broken.load(Ordering::SeqCst) {
            state.sync()?;
        }
        match fate {
            Fate::Proceeds => Ok(()),
            Fate::TakesEffectUnanswered => Err(crashed()),
        }
    }
}
