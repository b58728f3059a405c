//! Blobs in the Origin Private File System.

mod directory;
mod listing;
mod name_lock;
mod readers;
mod upload;

use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::rc::Rc;

use async_trait::async_trait;
use bytes::Bytes;
use firndb_core::storage::Rng;
use firndb_core::{Error as CoreError, ErrorKind, path_part};
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::{
    Attributes, CopyMode, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, RenameTargetMode, Result,
};
use send_wrapper::SendWrapper;

use crate::js::Thrown;
use crate::random::CryptoRng;
use crate::{bridge, check_name};
use directory::Directory;
use readers::Reader;
use upload::Upload;

/// An [`ObjectStore`] in a directory of the Origin Private File System.
///
/// A put writes a file under a temporary name, flushes it and then moves it to its own name, so that whoever
/// finds a blob finds all of it. With [`PutMode::Create`] no blob is ever replaced, whichever tab has put it.
/// What an interrupted put has left is removed at the next opening. The file system cannot sync a directory:
/// after a power failure a blob whose put returned can be missing, but not be there in part.
///
/// Ranges are read in place, through synchronous handles that stay open for the blobs read last, until the
/// store is dropped or the key-value store that [`crate::open`] gave with it ends. A blob in use like this cannot be replaced or deleted by another
/// context where the browser has no handles for reading only. A blob is read as one piece of memory.
/// [`PutMode::Update`] and attributes are not offered. Beyond the origin's quota a put fails with an error
/// that becomes `LimitExceeded`, and leaves nothing.
#[derive(Clone)]
pub struct OpfsBlobs {
    name: String,
    directory: SendWrapper<Rc<Directory>>,
}

impl OpfsBlobs {
    /// Opens the directory of the store `name`, or makes it, and removes what writers that died have left
    /// half-done.
    ///
    /// # Errors
    /// `InvalidInput` for a name that no store can have, `Unsupported` when the browser has no such files or
    /// cannot move them, `LimitExceeded` when the quota is used up, else `Unavailable`.
    pub async fn open(name: &str) -> firndb_core::Result<Self> {
        check_name(name)?;
        let mut unique = [0; 8];
        CryptoRng::new()?.fill(&mut unique);
        let (root, unique) = (path_part("", name), u64::from_le_bytes(unique));
        let work = async move { Ok(SendWrapper::new(Rc::new(Directory::open(&root, unique).await?))) };
        let opened: firndb_core::Result<_> = bridge::run(work).await;
        let directory = opened.map_err(|e| e.context(format!("opening the files of the store '{name}'")))?;
        Ok(Self { name: name.to_owned(), directory })
    }

    /// Deletes the directory of the store `name` with all that is in it, if there is one.
    ///
    /// # Errors
    /// `Locked` when a file of it is open in another context, else `Unavailable`.
    pub async fn delete(name: &str) -> firndb_core::Result<()> {
        check_name(name)?;
        let root = path_part("", name);
        let deleted: firndb_core::Result<()> =
            bridge::run(async move { directory::delete(&root).await }).await;
        deleted.map_err(|e| e.context(format!("deleting the files of the store '{name}'")))
    }

    /// Closes the blobs that are kept open for reading, when called. Reading opens them again.
    pub(crate) fn release(&self) -> impl FnOnce() + 'static {
        let directory = Rc::downgrade(&self.directory);
        move || {
            if let Some(directory) = directory.upgrade() {
                directory.close_readers();
            }
        }
    }

    fn run<T, F>(&self, work: impl FnOnce(Rc<Directory>) -> F) -> impl Future<Output = Result<T>> + Send
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + 'static,
    {
        bridge::run(work(Rc::clone(&self.directory)))
    }

    /// What `read` makes of the open blob at `location`, in place if its handle is open already.
    async fn with_reader<T: Send + 'static>(
        &self,
        location: &Path,
        read: impl Fn(&Reader) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if let Some(found) = self.directory.with_reader(location, &read) {
            return found;
        }
        let location = location.clone();
        self.run(|directory| async move { directory.open_reader(&location, read).await }).await
    }
}

impl fmt::Debug for OpfsBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpfsBlobs").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Display for OpfsBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpfsBlobs({})", self.name)
    }
}

#[async_trait]
impl ObjectStore for OpfsBlobs {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        check_attributes(&opts.attributes)?;
        let create = match opts.mode {
            PutMode::Overwrite => false,
            PutMode::Create => true,
            PutMode::Update(_) => return Err(not_offered("a put that updates one version")),
        };
        let location = location.clone();
        self.run(|directory| async move {
            let mut temp = directory.temp(&location).await?;
            temp.write(0, &payload).map_err(|e| failure(&location, e))?;
            temp.publish(&location, create).await
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        check_attributes(&opts.attributes)?;
        let begun = location.clone();
        let started = self.run(|directory| async move { Upload::start(&directory, begun).await }).await?;
        Ok(Box::new(started))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.head {
            let asked = location.clone();
            let meta = self.run(|directory| async move { directory.meta(&asked).await }).await?;
            options.check_preconditions(&meta)?;
            let range = 0..meta.size;
            return Ok(result(Bytes::new(), meta, range));
        }
        let whole = options.range.is_none();
        let read = move |reader: &Reader| reader.answer(&options);
        if !whole {
            return self.with_reader(location, read).await;
        }
        // A handle is worth keeping for a blob that is read in ranges. What is read as a whole is done with.
        if let Some(found) = self.directory.with_reader(location, &read) {
            return found;
        }
        let location = location.clone();
        self.run(|directory| async move { directory.read_once(&location, read).await }).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let ranges = ranges.to_vec();
        let read = move |reader: &Reader| ranges.iter().map(|range| reader.range(range)).collect();
        self.with_reader(location, read).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        let delete = move |location: Result<Path>| {
            let this = this.clone();
            async move {
                let location = location?;
                let doomed = location.clone();
                this.run(|directory| async move { directory.delete(&doomed).await }).await?;
                Ok(location)
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (this, prefix) = (self.clone(), prefix.cloned().unwrap_or_default());
        let listed = async move { this.run(|directory| async move { directory.walk(&prefix).await }).await };
        let blobs = listed.map(|listed| match listed {
            Ok(blobs) => stream::iter(blobs.into_iter().map(Ok)).boxed(),
            Err(e) => stream::iter([Err(e)]).boxed(),
        });
        blobs.flatten_stream().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned().unwrap_or_default();
        self.run(|directory| async move { directory.level(&prefix).await }).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let create = options.mode == CopyMode::Create;
        let (from, to) = (from.clone(), to.clone());
        self.run(|directory| async move { upload::copy(&directory, &from, &to, create).await }).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let create = options.target_mode == RenameTargetMode::Create;
        let (from, to) = (from.clone(), to.clone());
        self.run(|directory| async move { directory.rename(&from, &to, create).await }).await
    }
}

/// `bytes`, which are `range` of the blob `meta`.
fn result(bytes: Bytes, meta: ObjectMeta, range: Range<u64>) -> GetResult {
    let payload = GetResultPayload::Stream(stream::iter([Ok(bytes)]).boxed());
    GetResult { payload, meta, range, attributes: Attributes::new() }
}

fn check_attributes(attributes: &Attributes) -> Result<()> {
    if attributes.is_empty() { Ok(()) } else { Err(not_offered("a put with attributes")) }
}

fn not_offered(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: "OpfsBlobs".to_owned() }
}

/// The error of `object_store` that stands for what the browser said about a blob. Its source is FirnDB's
/// own error where that says more than the kinds of `object_store` can.
pub(crate) fn failure(location: &Path, e: Thrown) -> Error {
    let path = location.to_string();
    match e.name() {
        // A directory has the name, or a blob has that of a directory on the way.
        "NotFoundError" | "TypeMismatchError" => Error::NotFound { path, source: e.into() },
        _ => Error::Generic { store: "OPFS", source: e.into_error(ErrorKind::Unavailable, &path).into() },
    }
}

fn generic(e: CoreError) -> Error {
    Error::Generic { store: "OPFS", source: e.into() }
}
