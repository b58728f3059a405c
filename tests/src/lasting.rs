//! Stores in memory that outlive the engine opened on them, with a clock and randomness that a test
//! drives.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use firndb_core::storage::{
    KeyRange, Keyspace, KvStore, ManualClock, MemoryKv, SeededRng, Stores, WriteBatch,
};
use firndb_core::{Durability, Error, Result};
use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::memory::InMemory;

/// 2026-11-22T10:00:00Z: when the clock of a test starts.
pub const START_MS: i64 = 1_795_341_600_000;

/// A store in memory that can be opened, closed and opened again.
#[derive(Debug, Clone)]
pub struct Lasting {
    kv: Arc<MemoryKv>,
    blobs: Arc<InMemory>,
    clock: Arc<ManualClock>,
    rng: Arc<SeededRng>,
}

impl Lasting {
    /// An empty store whose clock stands at [`START_MS`].
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            kv: Arc::new(MemoryKv::new()),
            blobs: Arc::new(InMemory::new()),
            clock: Arc::new(ManualClock::at_ms(START_MS)),
            rng: Arc::new(SeededRng::new(seed)),
        }
    }

    /// Stores for one opening of an engine.
    #[must_use]
    pub fn stores(&self) -> Stores {
        let kv = Arc::new(Opened { kv: Arc::clone(&self.kv), closed: AtomicBool::new(false) });
        Stores::new(
            kv,
            Arc::clone(&self.blobs) as _,
            Arc::clone(&self.clock) as _,
            Arc::clone(&self.rng) as _,
        )
    }

    /// The clock of every opening.
    #[must_use]
    pub fn clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }

    /// How many blocks of row versions are in the key-value store.
    pub async fn hot_keys(&self) -> usize {
        let page = self.kv.page(Keyspace::Hot, KeyRange::all(), usize::MAX).await;
        page.map_or(0, |pairs| pairs.len())
    }

    /// How many files of the cold tier have a path that starts so.
    pub async fn files(&self, start: &str) -> usize {
        let listed = self.blobs.list(None).try_collect::<Vec<_>>().await;
        let paths = listed.map(|files| files.into_iter().map(|file| file.location));
        paths.map_or(0, |paths| paths.filter(|path| path.as_ref().starts_with(start)).count())
    }

    /// Where the cold tier is.
    #[must_use]
    pub fn blobs(&self) -> &InMemory {
        &self.blobs
    }
}

/// Files of a store whose name has `part`, but for copies of manifests.
///
/// # Panics
/// When they cannot be listed.
pub async fn files(blobs: &dyn ObjectStore, part: &str) -> Vec<String> {
    let listed: Vec<_> = blobs.list(None).try_collect().await.unwrap();
    let names = listed.into_iter().map(|o| o.location.to_string());
    let mut names: Vec<String> =
        names.filter(|n| n.contains(part) && !n.ends_with("manifest.json")).collect();
    names.sort();
    names
}

/// One opening of the key-value store: closing it leaves the pairs to the next.
#[derive(Debug)]
struct Opened {
    kv: Arc<MemoryKv>,
    closed: AtomicBool,
}

impl Opened {
    fn check(&self) -> Result<()> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::unavailable("this opening of the key-value store was closed"));
        }
        Ok(())
    }
}

#[async_trait]
impl KvStore for Opened {
    async fn get(&self, space: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        self.check()?;
        self.kv.get(space, key).await
    }

    async fn page(&self, space: Keyspace, range: KeyRange, limit: usize) -> Result<Vec<(Bytes, Bytes)>> {
        self.check()?;
        self.kv.page(space, range, limit).await
    }

    async fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<()> {
        self.check()?;
        self.kv.commit(batch, durability).await
    }

    async fn close(&self) -> Result<()> {
        self.closed.store(true, Ordering::SeqCst);
        Ok(())
    }
}
