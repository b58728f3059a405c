//! The blob half: `object_store`'s in-memory store behind the shared count of operations.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
    UploadPart,
};

use super::{Fate, FaultStores, at_once, crashed};

/// One opening of the blob store.
#[derive(Debug)]
pub(super) struct FaultBlobs {
    stores: FaultStores,
}

impl FaultBlobs {
    pub(super) fn new(stores: FaultStores) -> Self {
        Self { stores }
    }
}

impl fmt::Display for FaultBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultBlobs")
    }
}

fn unavailable(source: crate::error::Error) -> Error {
    Error::Generic { store: "FaultBlobs", source: source.into() }
}

impl FaultStores {
    /// Runs a changing operation under the lock, so that nothing lands after a crash.
    async fn change<T, F>(&self, what: String, run: impl FnOnce(InMemory) -> F + Send) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send,
    {
        self.pass(&what).await;
        let mut state = self.state.lock();
        let fate = state.begin(what).map_err(unavailable)?;
        let result = at_once(run(state.blobs.clone()));
        match fate {
            Fate::Proceeds => result,
            Fate::TakesEffectUnanswered => Err(unavailable(crashed())),
        }
    }

    /// The blobs to read from, unless the power is out.
    async fn readable(&self, what: String) -> Result<InMemory> {
        self.pass(&what).await;
        let state = self.state.lock();
        state.check().map_err(unavailable)?;
        Ok(state.blobs.clone())
    }
}

#[async_trait]
impl ObjectStore for FaultBlobs {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let mode = match opts.mode {
            PutMode::Overwrite => "",
            PutMode::Create => ", create",
            PutMode::Update(_) => ", update",
        };
        let what = format!("blob put {location} ({} bytes{mode})", payload.content_length());
        let run = |blobs: InMemory| async move { blobs.put_opts(location, payload, opts).await };
        self.stores.change(what, run).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload =
            FaultUpload { stores: self.stores.clone(), location: location.clone(), parts: Vec::new() };
        Ok(Box::new(upload))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let blobs = self.stores.readable(format!("blob get {location}")).await?;
        blobs.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let blobs = self.stores.readable(format!("blob get {location}")).await?;
        blobs.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let stores = self.stores.clone();
        locations
            .and_then(move |location| {
                let stores = stores.clone();
                async move {
                    let what = format!("blob delete {location}");
                    let run = |blobs: InMemory| {
                        let location = location.clone();
                        async move { blobs.delete(&location).await }
                    };
                    stores.change(what, run).await?;
                    Ok(location)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let stores = self.stores.clone();
        let prefix = prefix.cloned();
        stream::once(async move {
            let what = format!("blob list {}", prefix.as_ref().unwrap_or(&Path::ROOT));
            Ok::<_, Error>(stores.readable(what).await?.list(prefix.as_ref()))
        })
        .try_flatten()
        .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let what = format!("blob list {}", prefix.unwrap_or(&Path::ROOT));
        self.stores.readable(what).await?.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let what = format!("blob copy {from} to {to}");
        let run = |blobs: InMemory| async move { blobs.copy_opts(from, to, options).await };
        self.stores.change(what, run).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let what = format!("blob rename {from} to {to}");
        let run = |blobs: InMemory| async move { blobs.rename_opts(from, to, options).await };
        self.stores.change(what, run).await
    }
}

/// Parts that wait for their completion, which is one operation.
#[derive(Debug)]
struct FaultUpload {
    stores: FaultStores,
    location: Path,
    parts: Vec<Bytes>,
}

#[async_trait]
impl MultipartUpload for FaultUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts.push(data.into());
        let alive = self.stores.state.lock().check().map_err(unavailable);
        async move { alive }.boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let payload: PutPayload = std::mem::take(&mut self.parts).into_iter().collect();
        let what = format!("blob put {} ({} bytes, multipart)", self.location, payload.content_length());
        let location = &self.location;
        let run = |blobs: InMemory| async move { blobs.put(location, payload).await };
        self.stores.change(what, run).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.clear();
        Ok(())
    }
}
