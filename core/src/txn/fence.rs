//! The right of one engine to write: the writer epoch as a precondition of every commit, and the latch that
//! closes when a commit fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Keyspace, KvStore, WriteBatch};
use crate::types::Durability;

/// Where the writer epoch lies in `meta`.
pub const EPOCH_KEY: &[u8] = b"writer_epoch";

/// One engine's right to write, shared by all that commits for it.
#[derive(Debug)]
pub struct Fence {
    kv: Arc<dyn KvStore>,
    epoch: u64,
    failed: AtomicBool,
}

impl Fence {
    /// The right to write to `kv` as long as its epoch is `epoch`.
    #[must_use]
    pub fn new(kv: Arc<dyn KvStore>, epoch: u64) -> Self {
        Self { kv, epoch, failed: AtomicBool::new(false) }
    }

    /// The writer epoch.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What is committed to.
    #[must_use]
    pub fn kv(&self) -> &dyn KvStore {
        self.kv.as_ref()
    }

    /// An empty batch that applies only while the epoch is this one.
    #[must_use]
    pub fn batch(&self) -> WriteBatch {
        let mut batch = WriteBatch::new();
        batch.expect_value(Keyspace::Meta, EPOCH_KEY, self.epoch.to_be_bytes().to_vec());
        batch
    }

    /// Refuses every later write: memory and stores no longer agree.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// Refuses after a failure.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn check(&self) -> Result<()> {
        if self.failed.load(Ordering::Acquire) {
            return Err(Error::unavailable(
                "an earlier write to the store failed, so what it holds is not known; close it and open it again",
            ));
        }
        Ok(())
    }

    /// Whether the epoch is still this one, at the moment of asking.
    ///
    /// # Errors
    /// As [`KvStore::get`].
    pub async fn is_held(&self) -> Result<bool> {
        let found = self.kv.get(Keyspace::Meta, EPOCH_KEY).await?;
        Ok(found.as_deref() == Some(self.epoch.to_be_bytes().as_slice()))
    }

    /// Commits what [`Self::batch`] began. After any failure nothing more is committed, but for one: a store
    /// that is full has applied nothing, and goes on when it has room. A caller that drops this on the way leaves
    /// what became of the batch as unknown as a failure does.
    ///
    /// # Errors
    /// `Unavailable` after an earlier failure, and when another engine has raised the epoch; else as
    /// [`KvStore::commit`].
    pub async fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<()> {
        self.check()?;
        let mut underway = Underway { fence: self, over: false };
        let committed = self.kv.commit(batch, durability).await;
        underway.over = true;
        committed.map_err(|e| {
            if e.kind() == ErrorKind::LimitExceeded {
                return e;
            }
            self.fail();
            match e.kind() {
                ErrorKind::Conflict => Error::unavailable(
                    "another writer has opened this store since; this engine writes no more",
                )
                .with_source(e),
                _ => e,
            }
        })
    }
}

/// A commit whose outcome nobody has seen.
struct Underway<'a> {
    fence: &'a Fence,
    over: bool,
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.fence.fail();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::task::{Context, Poll, Waker};

    use async_trait::async_trait;
    use bytes::Bytes;

    use super::*;
    use crate::storage::{KeyRange, MemoryKv};

    /// A store whose commits never end.
    #[derive(Debug)]
    struct Stuck(MemoryKv);

    #[async_trait]
    impl KvStore for Stuck {
        async fn get(&self, space: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
            self.0.get(space, key).await
        }

        async fn page(&self, space: Keyspace, range: KeyRange, limit: usize) -> Result<Vec<(Bytes, Bytes)>> {
            self.0.page(space, range, limit).await
        }

        async fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<()> {
            self.0.commit(batch, durability).await?;
            pending().await
        }

        async fn close(&self) -> Result<()> {
            self.0.close().await
        }
    }

    #[test]
    fn after_a_commit_that_was_dropped_on_the_way_nothing_is_committed() {
        let fence = Fence::new(Arc::new(Stuck(MemoryKv::new())), 1);
        let mut commit = Box::pin(fence.commit(WriteBatch::new(), Durability::Strict));
        assert!(matches!(commit.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
        assert!(fence.check().is_ok());
        drop(commit);
        assert_eq!(fence.check().map_err(|e| e.kind()), Err(ErrorKind::Unavailable));
    }
}
