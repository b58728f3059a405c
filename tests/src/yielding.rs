//! Stores that make whoever calls them wait: every call gives way to the others on its thread a random
//! number of times first. Stores in memory answer at once, and two futures on them never overlap.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use firndb_core::storage::{KeyRange, Keyspace, KvStore, Rng, SeededRng, Stores, WriteBatch};
use firndb_core::{Durability, Result};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
};

/// How often a call gives way at most.
const MOST: u8 = 3;

/// Decides how often each call gives way. Clones share the sequence.
#[derive(Debug, Clone)]
pub struct Yields(Arc<SeededRng>);

impl Yields {
    /// The sequence of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(SeededRng::new(seed)))
    }

    /// `stores`, whose calls give way first.
    #[must_use]
    pub fn wrap(&self, stores: Stores) -> Stores {
        Stores {
            kv: Arc::new(YieldingKv { kv: stores.kv, yields: self.clone() }),
            blobs: Arc::new(YieldingBlobs { blobs: stores.blobs, yields: self.clone() }),
            ..stores
        }
    }

    async fn give_way(&self) {
        let mut byte = [0];
        self.0.fill(&mut byte);
        for _ in 0..byte[0] % (MOST + 1) {
            tokio::task::yield_now().await;
        }
    }
}

#[derive(Debug)]
struct YieldingKv {
    kv: Arc<dyn KvStore>,
    yields: Yields,
}

#[async_trait]
impl KvStore for YieldingKv {
    async fn get(&self, space: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        self.yields.give_way().await;
        self.kv.get(space, key).await
    }

    async fn page(&self, space: Keyspace, range: KeyRange, limit: usize) -> Result<Vec<(Bytes, Bytes)>> {
        self.yields.give_way().await;
        self.kv.page(space, range, limit).await
    }

    async fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<()> {
        self.yields.give_way().await;
        let committed = self.kv.commit(batch, durability).await;
        // Others run between a commit and whoever waits for it, too.
        self.yields.give_way().await;
        committed
    }

    async fn close(&self) -> Result<()> {
        self.kv.close().await
    }
}

#[derive(Debug)]
struct YieldingBlobs {
    blobs: Arc<dyn ObjectStore>,
    yields: Yields,
}

impl fmt::Display for YieldingBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "YieldingBlobs({})", self.blobs)
    }
}

#[async_trait]
impl ObjectStore for YieldingBlobs {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.yields.give_way().await;
        self.blobs.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.yields.give_way().await;
        self.blobs.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.yields.give_way().await;
        self.blobs.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> object_store::Result<Vec<Bytes>> {
        self.yields.give_way().await;
        self.blobs.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        let (blobs, yields) = (Arc::clone(&self.blobs), self.yields.clone());
        stream::once(async move {
            yields.give_way().await;
            blobs.delete_stream(locations)
        })
        .flatten()
        .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        let (blobs, yields, prefix) = (Arc::clone(&self.blobs), self.yields.clone(), prefix.cloned());
        stream::once(async move {
            yields.give_way().await;
            blobs.list(prefix.as_ref())
        })
        .flatten()
        .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.yields.give_way().await;
        self.blobs.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.yields.give_way().await;
        self.blobs.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> object_store::Result<()> {
        self.yields.give_way().await;
        self.blobs.rename_opts(from, to, options).await
    }
}
