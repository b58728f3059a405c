//! Footers, page indexes and checksums of batch files, kept in memory.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::MetadataFetch;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use crate::cold::checksums::{EXTENT_BYTES, ExtentSums};
use crate::cold::file::ColdFile;
use crate::cold::lru::Lru;
use crate::cold::pages::PageBounds;
use crate::cold::writer::{FILE_FORMAT, FORMAT_KEY, SCOPE_KEY};
use crate::error::{Error, Result};
use crate::key::KeyEncoder;
use crate::types::ColumnId;

/// The pages of columns, by row group and column.
type BoundsByColumn = HashMap<(usize, ColumnId), Arc<PageBounds>>;

/// A footer as it is kept: cheap to clone.
#[derive(Debug, Clone)]
pub struct Footer {
    reader: ArrowReaderMetadata,
    /// The same without the page index.
    plain: Arc<ParquetMetaData>,
    /// What was taken out of the page index.
    bounds: Arc<Mutex<BoundsByColumn>>,
}

impl Footer {
    /// The footer with its page index.
    #[must_use]
    pub fn metadata(&self) -> &Arc<ParquetMetaData> {
        self.reader.metadata()
    }

    /// The footer without its page index: a reader that has it cuts selections at every page of every column, which
    /// costs more than it saves where nothing but dead rows is left out.
    #[must_use]
    pub fn plain(&self) -> &Arc<ParquetMetaData> {
        &self.plain
    }

    /// The pages of the key column `id` in row group `group` of `rows` rows, which every look-up of a key asks for.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when the page index is not one of this column.
    pub(super) fn page_bounds(
        &self,
        file: &ColdFile,
        id: ColumnId,
        encoder: &KeyEncoder,
        (group, rows): (usize, u64),
    ) -> Result<Arc<PageBounds>> {
        if let Some(bounds) = self.bounds.lock().get(&(group, id)) {
            return Ok(Arc::clone(bounds));
        }
        let bounds = Arc::new(PageBounds::read(file, self, id, encoder, group, rows)?);
        self.bounds.lock().insert((group, id), Arc::clone(&bounds));
        Ok(bounds)
    }

    /// What it takes in memory: more than is there at first, for what look-ups add.
    fn memory_bytes(&self) -> usize {
        let indexed = self.metadata().memory_size();
        indexed + indexed / 4 + self.plain.memory_size() + 1024
    }

    /// The footer with the Arrow schema that the file has, ready for a reader.
    #[must_use]
    pub fn reader(&self) -> &ArrowReaderMetadata {
        &self.reader
    }
}

/// Keeps footers and checksums under a budget of bytes, the least recently used dropped first.
#[derive(Debug)]
pub struct Footers {
    footers: Lru<Path, Footer>,
    sums: Lru<Path, Arc<ExtentSums>>,
}

impl Footers {
    /// An empty cache of about `budget` bytes.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        // A sum is 4 bytes per 64 KiB of file; an eighth is more than they take beside footers.
        Self { footers: Lru::new(budget - budget / 8), sums: Lru::new(budget / 8) }
    }

    /// The checksums of `file`, from memory or the store.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when they are missing or altered.
    pub async fn sums(&self, file: &ColdFile) -> Result<Arc<ExtentSums>> {
        if let Some(sums) = self.sums.get(file.path()) {
            return Ok(sums);
        }
        let sums = Arc::new(file.load_sums().await?);
        self.sums.insert(file.path().clone(), Arc::clone(&sums), sums.memory_bytes() + 256);
        Ok(sums)
    }

    /// The footer of `file`, from memory or the store.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when it is missing, altered, or not what the manifest describes;
    /// `Unsupported` for a format of another version.
    pub async fn footer(&self, file: &ColdFile) -> Result<Footer> {
        if let Some(footer) = self.footers.get(file.path()) {
            return Ok(footer);
        }
        let sums = self.sums(file).await?;
        let footer = load(file, &sums).await?;
        self.footers.insert(file.path().clone(), footer.clone(), footer.memory_bytes());
        Ok(footer)
    }

    /// The footer of `file`, if it is in memory.
    pub(super) fn kept(&self, file: &ColdFile) -> Option<Footer> {
        self.footers.get(file.path())
    }

    /// Drops what is kept of a file.
    pub fn forget(&self, path: &Path) {
        self.footers.remove_if(|p| p == path);
        self.sums.remove_if(|p| p == path);
    }
}

/// Reads and checks the footer of `file`, whose row groups have to be those of its entry.
pub(super) async fn load(file: &ColdFile, sums: &ExtentSums) -> Result<Footer> {
    let metadata = load_any(file, sums).await?;
    let groups: Vec<i64> = metadata.row_groups().iter().map(|g| g.num_rows()).collect();
    let expected = &file.entry().row_groups;
    if !groups.iter().copied().eq(expected.iter().map(|rows| i64::from(*rows))) {
        return Err(file.damaged(&format!("expected row groups of {expected:?} rows, found {groups:?}")));
    }
    let plain = metadata.clone().into_builder().set_column_index(None).set_offset_index(None).build();
    let options = ArrowReaderOptions::new();
    let reader = ArrowReaderMetadata::try_new(Arc::new(metadata), options).map_err(|e| named(file, e))?;
    Ok(Footer { reader, plain: Arc::new(plain), bounds: Arc::default() })
}

/// Reads the footer of `file`, of whose entry only name, size and checksums are known.
pub(super) async fn load_any(file: &ColdFile, sums: &ExtentSums) -> Result<ParquetMetaData> {
    let size = file.entry().bytes;
    // The last whole extent and what follows it usually hold footer and page index, and are read whole
    // for their checksums anyway.
    let tail = usize::try_from(size.min(EXTENT_BYTES + size % EXTENT_BYTES)).unwrap_or(usize::MAX);
    let metadata = ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Optional)
        .with_prefetch_hint(Some(tail))
        .load_and_finish(Fetch { file, sums }, size)
        .await
        .map_err(|e| named(file, e))?;
    check_format(file, &metadata)?;
    check_scope(file, &metadata)?;
    Ok(metadata)
}

fn check_format(file: &ColdFile, metadata: &ParquetMetaData) -> Result<()> {
    let pairs = metadata.file_metadata().key_value_metadata();
    let format = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == FORMAT_KEY));
    match format.and_then(|pair| pair.value.as_deref()) {
        Some(FILE_FORMAT) => Ok(()),
        Some(other) => Err(Error::unsupported(format!(
            "batch file {} has format {other}, this version reads format {FILE_FORMAT}",
            file.path()
        ))),
        None => Err(file.damaged(&format!("expected {FORMAT_KEY} in its footer, found none"))),
    }
}

/// Refuses the rows of another user, however they came to lie in this scope's directory.
fn check_scope(file: &ColdFile, metadata: &ParquetMetaData) -> Result<()> {
    let pairs = metadata.file_metadata().key_value_metadata();
    let scope = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == SCOPE_KEY));
    let scope = scope.and_then(|pair| pair.value.as_deref());
    let parts: Vec<_> = file.path().parts().collect();
    let dir = parts.iter().rev().nth(1).map(AsRef::as_ref);
    if scope == dir {
        return Ok(());
    }
    let [dir, scope] = [dir, scope].map(Option::unwrap_or_default);
    Err(file.damaged(&format!("expected the rows of scope {dir}, found those of {scope}")))
}

/// Errors of the Parquet reader speak of a file without naming it.
pub(super) fn named(file: &ColdFile, error: ParquetError) -> Error {
    match error {
        ParquetError::External(_) => Error::from(error),
        other => file.damaged(&format!("{other}")).with_source(other),
    }
}

struct Fetch<'a> {
    file: &'a ColdFile,
    sums: &'a ExtentSums,
}

impl MetadataFetch for Fetch<'_> {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move {
            let (parts, _) = self.file.read(self.sums, &[range]).await?;
            Ok(parts.into_iter().next().unwrap_or_default())
        }
        .boxed()
    }
}
