//! Files of the machine, as COPY names them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use firndb_core::storage::{Files, Ranged, Sink, Source};
use firndb_core::{Error, Result};
use parking_lot::Mutex;
use url::Url;

use crate::blocking::blocking;
use crate::local_fs::sync_dir;

/// Files by paths as this process sees them; but none in a directory of the store: what is there is rows and secrets of
/// all users, and read by those who may read them in other ways.
#[derive(Debug, Clone, Default)]
pub struct LocalFiles {
    store: Vec<PathBuf>,
}

impl LocalFiles {
    /// All files: there is no directory of a store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The files outside of the store in `dir`, whose blobs are at the URL `blobs` if they are not there too.
    ///
    /// # Errors
    /// `NotFound` when a directory of the store is not there.
    pub fn outside_of(dir: &Path, blobs: Option<&str>) -> Result<Self> {
        let blobs = blobs.and_then(|url| Url::parse(url).ok()).filter(|url| url.scheme() == "file");
        let blobs = blobs.and_then(|url| url.to_file_path().ok());
        let found = |dir: &Path| fs::canonicalize(dir).map_err(|e| failed("find", dir, e));
        let store = std::iter::once(found(dir)).chain(blobs.as_deref().map(found));
        Ok(Self { store: store.collect::<Result<_>>()? })
    }

    /// Whether `path`, which is plain, is in a directory of the store.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        self.store.iter().any(|store| path.starts_with(store))
    }

    /// Opens a file to be read.
    ///
    /// # Errors
    /// As [`Files::open`].
    pub fn read(path: &Path) -> Result<LocalFile> {
        // A pipe that nobody writes to would hold up whoever opens it.
        let there = blocking(|| fs::metadata(path)).map_err(|e| failed("read", path, e))?;
        expect_regular("read", path, &there)?;
        let opened = blocking(|| {
            let mut file = File::open(path)?;
            let size = file.metadata()?.len();
            // What the system makes as it is read, as in /proc, has no size.
            let is_sized = size > 0 || file.read(&mut [0])? == 0;
            Ok((file, size, is_sized))
        });
        let (file, size, is_sized) = opened.map_err(|e| failed("read", path, e))?;
        if !is_sized {
            return Err(Error::invalid(format!("cannot read {}: its size is not known", path.display()))
                .with_hint("copy it into a file first"));
        }
        Ok(LocalFile { path: path.to_owned(), size, file: Mutex::new(file) })
    }

    /// Where `path` leads, with its directory made plain.
    fn target(&self, path: &Path) -> Result<PathBuf> {
        let name = path.file_name().ok_or_else(|| {
            Error::invalid(format!("cannot write {}: it does not name a file", path.display()))
        })?;
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let parent = fs::canonicalize(parent).map_err(|e| failed("write", path, e))?;
        let named = parent.join(name);
        // A link is followed, as it is when a file is opened to be written.
        let target = fs::canonicalize(&named).unwrap_or(named);
        // A device would be replaced by a file, as anything that is there is.
        if let Ok(there) = fs::metadata(&target) {
            expect_regular("write", path, &there)?;
        }
        self.expect_outside("write", path, &target)?;
        Ok(target)
    }

    fn expect_outside(&self, verb: &str, named: &Path, plain: &Path) -> Result<()> {
        if self.holds(plain) {
            return Err(Error::denied(format!(
                "cannot {verb} {}: it is in the directory of the store",
                named.display()
            )));
        }
        Ok(())
    }
}

#[async_trait]
impl Files for LocalFiles {
    async fn open(&self, path: &str) -> Result<Source> {
        let named = Path::new(path);
        let file = Self::read(named)?;
        let plain = blocking(|| fs::canonicalize(named)).map_err(|e| failed("read", named, e))?;
        self.expect_outside("read", named, &plain)?;
        Ok(Source::ranged(path, Arc::new(file)))
    }

    async fn create(&self, path: &str) -> Result<Box<dyn Sink>> {
        Ok(Box::new(blocking(|| LocalSink::create(self.target(Path::new(path))?))?))
    }

    async fn is_same(&self, one: &str, other: &str) -> bool {
        blocking(|| match (fs::canonicalize(one), fs::canonicalize(other)) {
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        })
    }
}

/// A file that is read.
#[derive(Debug)]
pub struct LocalFile {
    path: PathBuf,
    size: u64,
    file: Mutex<File>,
}

#[async_trait]
impl Ranged for LocalFile {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        if range.start > range.end || range.end > self.size {
            return Err(Error::internal(format!("bytes {range:?} of {}", self.size)));
        }
        let length = usize::try_from(range.end - range.start)
            .map_err(|_| Error::limit(format!("{}: too many bytes at once", self.path.display())))?;
        let read = blocking(|| {
            let mut bytes = vec![0; length];
            let mut file = self.file.lock();
            file.seek(SeekFrom::Start(range.start))?;
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        });
        read.map(Bytes::from).map_err(|e: io::Error| failed("read", &self.path, e))
    }
}

/// A file that is written beside its name, and takes it when it is complete.
struct LocalSink {
    target: PathBuf,
    temporary: PathBuf,
    out: Option<BufWriter<File>>,
}

impl LocalSink {
    fn create(target: PathBuf) -> Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let parent = target.parent().unwrap_or(Path::new("."));
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let temporary = parent.join(format!(".firndb-copy-{}-{count}", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&temporary) {
                Ok(file) => return Ok(Self { target, temporary, out: Some(BufWriter::new(file)) }),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(failed("write", &target, e)),
            }
        }
    }

    fn publish(&mut self) -> io::Result<()> {
        let Some(out) = self.out.take() else { return Ok(()) };
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&self.temporary, &self.target)?;
        self.temporary.clear();
        sync_dir(self.target.parent().unwrap_or(Path::new(".")))
    }
}

#[async_trait]
impl Sink for LocalSink {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let written = blocking(|| self.out.as_mut().map_or(Ok(()), |out| out.write_all(&bytes)));
        written.map_err(|e| failed("write", &self.target, e))
    }

    async fn complete(mut self: Box<Self>) -> Result<()> {
        blocking(|| self.publish()).map_err(|e| failed("write", &self.target, e))
    }
}

impl Drop for LocalSink {
    fn drop(&mut self) {
        if !self.temporary.as_os_str().is_empty() {
            _ = fs::remove_file(&self.temporary);
        }
    }
}

fn expect_regular(verb: &str, path: &Path, there: &fs::Metadata) -> Result<()> {
    if there.is_file() {
        return Ok(());
    }
    let what = if there.is_dir() { "it is a directory" } else { "it is no regular file" };
    Err(Error::invalid(format!("cannot {verb} {}: {what}", path.display())))
}

fn failed(verb: &str, path: &Path, e: io::Error) -> Error {
    let message = format!("cannot {verb} {}: {e}", path.display());
    let error = match e.kind() {
        io::ErrorKind::NotFound => Error::not_found(message),
        io::ErrorKind::PermissionDenied => Error::denied(message),
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => Error::invalid(message),
        _ => Error::unavailable(message),
    };
    error.with_source(e)
}
