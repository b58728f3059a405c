//! Blobs in a directory, durable when a put returns.
//!
//! `object_store`'s own `LocalFileSystem` never syncs; `core/docs/decisions/0001-local-filesystem-syncs.md`
//! says why that will not do.

mod directory;
mod read;
mod upload;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    Attributes, CopyMode, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, RenameTargetMode, Result,
};

use crate::blocking::blocking;
use directory::Directory;
pub(crate) use directory::{create_dirs, sync_dir};
use upload::Upload;

/// So many deletions share the syncs of their directories.
const DELETED_TOGETHER: usize = 256;

/// An [`ObjectStore`] over a directory that keeps its word about durability.
///
/// A put writes a temporary file, syncs it, gives it its name and syncs the directory, so that after a
/// crash at any moment a blob is whole or absent, and one whose put returned is there. With
/// [`PutMode::Create`] no file is ever replaced. Reads are made where they are asked for, without a pool of
/// threads. Links in the directory are followed when they are named, and not listed. [`PutMode::Update`]
/// and attributes are not offered.
#[derive(Debug, Clone)]
pub struct LocalFs {
    directory: Arc<Directory>,
}

impl LocalFs {
    /// The store in `root`, which is made if it is absent. Removes what writers that died left half-done.
    ///
    /// # Errors
    /// Of the file system, when `root` cannot be made or is no directory.
    pub fn open(root: &FsPath) -> Result<Self> {
        let directory = Directory::open(root).map_err(|e| open_failure(root, e))?;
        Ok(Self { directory: Arc::new(directory) })
    }

    /// The store in `root`, for reading only: changes fail with `PermissionDenied`, and nothing is touched.
    ///
    /// # Errors
    /// `NotFound` when there is no `root`.
    pub fn open_read_only(root: &FsPath) -> Result<Self> {
        let directory = Directory::open_read_only(root).map_err(|e| open_failure(root, e))?;
        Ok(Self { directory: Arc::new(directory) })
    }

    fn file(&self, location: &Path) -> Result<PathBuf> {
        let parts: Vec<_> = location.parts().collect();
        self.directory.file(parts.iter().map(AsRef::as_ref)).ok_or_else(|| {
            let source = format!("'{location}' cannot name a blob").into();
            Error::NotSupported { source }
        })
    }

    /// Opens a blob and reads what the file system knows of it.
    fn open_blob(&self, location: &Path) -> Result<(File, ObjectMeta)> {
        let opened = File::open(self.file(location)?).and_then(|file| {
            let metadata = blob_metadata(file.metadata()?)?;
            Ok((read::meta(location.clone(), &metadata), file))
        });
        let (meta, file) = opened.map_err(|e| failure(location, e))?;
        Ok((file, meta))
    }

    fn put_now(&self, location: &Path, payload: &PutPayload, create: bool) -> Result<PutResult> {
        let file = self.file(location)?;
        let put = || {
            let mut temp = self.directory.temp()?;
            payload.iter().try_for_each(|chunk| temp.write(chunk))?;
            self.directory.publish(temp, &file, create)?;
            fs::metadata(&file)
        };
        let metadata = put().map_err(|e| failure(location, e))?;
        Ok(PutResult { e_tag: read::meta(location.clone(), &metadata).e_tag, version: None })
    }

    fn copy_now(&self, from: &Path, to: &Path, create: bool) -> Result<()> {
        let (mut source, _) = self.open_blob(from)?;
        let target = self.file(to)?;
        let mut copy = || {
            let mut temp = self.directory.temp()?;
            io::copy(&mut source, temp.file())?;
            self.directory.publish(temp, &target, create)
        };
        copy().map_err(|e| failure(to, e))
    }

    fn rename_now(&self, from: &Path, to: &Path, create: bool) -> Result<()> {
        let (source, target) = (self.file(from)?, self.file(to)?);
        self.directory.rename(&source, &target, create).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => failure(to, e),
            _ => failure(from, e),
        })
    }

    fn delete_now(&self, locations: Vec<Result<Path>>) -> Vec<Result<Path>> {
        let located: Vec<Result<(Path, PathBuf)>> =
            locations.into_iter().map(|l| l.and_then(|l| Ok((l.clone(), self.file(&l)?)))).collect();
        let files: Vec<PathBuf> = located.iter().flatten().map(|(_, file)| file.clone()).collect();
        let mut deleted = self.directory.delete(&files).into_iter();
        let answer = |located: Result<(Path, PathBuf)>| {
            let (location, _) = located?;
            match deleted.next() {
                Some(Err(e)) => Err(failure(&location, e)),
                _ => Ok(location),
            }
        };
        located.into_iter().map(answer).collect()
    }
}

impl fmt::Display for LocalFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalFs({})", self.directory.root().display())
    }
}

#[async_trait]
impl ObjectStore for LocalFs {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        check_attributes(&opts.attributes)?;
        let create = match opts.mode {
            PutMode::Overwrite => false,
            PutMode::Create => true,
            PutMode::Update(_) => return Err(not_offered("a put that updates one version")),
        };
        blocking(|| self.put_now(location, &payload, create))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        check_attributes(&opts.attributes)?;
        let file = self.file(location)?;
        let upload = Upload::start(Arc::clone(&self.directory), location.clone(), file)?;
        Ok(Box::new(upload))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.head {
            let metadata = fs::metadata(self.file(location)?).and_then(blob_metadata);
            let meta = read::meta(location.clone(), &metadata.map_err(|e| failure(location, e))?);
            options.check_preconditions(&meta)?;
            let range = 0..meta.size;
            let payload = GetResultPayload::Stream(stream::empty().boxed());
            return Ok(GetResult { payload, meta, range, attributes: Attributes::new() });
        }
        let (file, meta) = self.open_blob(location)?;
        options.check_preconditions(&meta)?;
        let range = match options.range {
            Some(range) => inside(&range, &meta)?,
            None => 0..meta.size,
        };
        read::result(file, meta, range)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (file, meta) = self.open_blob(location)?;
        let one = |range: &Range<u64>| {
            let range = inside(&GetRange::Bounded(range.clone()), &meta)?;
            read::read(&file, range).map_err(|e| failure(location, e))
        };
        ranges.iter().map(one).collect()
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        locations
            .ready_chunks(DELETED_TOGETHER)
            .map(move |some| blocking(|| this.delete_now(some)))
            .flat_map(stream::iter)
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.cloned().unwrap_or_default();
        match self.dir(&prefix) {
            Some(dir) => read::walk(dir, prefix),
            None => stream::empty().boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned().unwrap_or_default();
        match self.dir(&prefix) {
            Some(dir) => read::level(&dir, &prefix),
            None => Ok(ListResult { common_prefixes: Vec::new(), objects: Vec::new() }),
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let create = options.mode == CopyMode::Create;
        blocking(|| self.copy_now(from, to, create))
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let create = options.target_mode == RenameTargetMode::Create;
        blocking(|| self.rename_now(from, to, create))
    }
}

impl LocalFs {
    /// The directory of `prefix`, or `None` when no blob can be below it.
    fn dir(&self, prefix: &Path) -> Option<PathBuf> {
        if prefix.is_root() {
            return Some(self.directory.root().to_owned());
        }
        self.file(prefix).ok()
    }
}

/// A directory is no blob.
fn blob_metadata(metadata: fs::Metadata) -> io::Result<fs::Metadata> {
    if metadata.is_file() { Ok(metadata) } else { Err(io::ErrorKind::NotFound.into()) }
}

fn inside(range: &GetRange, meta: &ObjectMeta) -> Result<Range<u64>> {
    range.as_range(meta.size).map_err(|e| Error::Generic {
        store: "LocalFs",
        source: format!("a range of {}: {e}", meta.location).into(),
    })
}

fn check_attributes(attributes: &Attributes) -> Result<()> {
    if attributes.is_empty() { Ok(()) } else { Err(not_offered("a put with attributes")) }
}

fn not_offered(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: "LocalFs".to_owned() }
}

/// The error of `object_store` that stands for what the file system said about a blob.
fn failure(location: &Path, e: io::Error) -> Error {
    let path = location.to_string();
    match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::NotFound { path, source: e.into() },
        io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: e.into() },
        io::ErrorKind::PermissionDenied => Error::PermissionDenied { path, source: e.into() },
        _ => Error::Generic { store: "LocalFs", source: format!("{path}: {e}").into() },
    }
}

fn open_failure(root: &FsPath, e: io::Error) -> Error {
    let path = root.display().to_string();
    match e.kind() {
        io::ErrorKind::NotFound => Error::NotFound { path, source: e.into() },
        io::ErrorKind::PermissionDenied => Error::PermissionDenied { path, source: e.into() },
        _ => Error::Generic { store: "LocalFs", source: format!("opening {path}: {e}").into() },
    }
}
