//! Reading batch files, every byte verified.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileMetrics;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::file::metadata::ParquetMetaData;

use crate::cold::ColdCaches;
use crate::cold::checksums::{EXTENT_BYTES, ExtentSums};
use crate::cold::footers;
use crate::cold::names;
use crate::cold::source::ReadCounters;
use crate::error::{Error, Result};
use crate::manifest::{BatchEntry, Checksum};

/// Bytes read at a time when a whole file is verified.
const VERIFY_BYTES: u64 = 64 * EXTENT_BYTES;

/// A batch file of the manifest, in its store. Cheap to clone.
#[derive(Clone)]
pub struct ColdFile {
    store: Arc<dyn ObjectStore>,
    path: Path,
    sums_path: Path,
    entry: Arc<BatchEntry>,
}

impl fmt::Debug for ColdFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColdFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl ColdFile {
    /// The file that `entry` of the scope's directory `dir` describes.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, dir: &Path, entry: Arc<BatchEntry>) -> Self {
        let path = dir.clone().join(entry.path.as_str());
        let sums_path = dir.clone().join(names::sums(entry.number));
        Self { store, path, sums_path, entry }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the manifest says of it.
    #[must_use]
    pub fn entry(&self) -> &Arc<BatchEntry> {
        &self.entry
    }

    /// The file as a scan by DataFusion takes it; [`ColdReaderFactory`] finds this file in it.
    ///
    /// [`ColdReaderFactory`]: crate::cold::ColdReaderFactory
    #[must_use]
    pub fn partitioned(&self) -> PartitionedFile {
        let meta = ObjectMeta {
            location: self.path.clone(),
            last_modified: chrono::DateTime::UNIX_EPOCH,
            size: self.entry.bytes,
            e_tag: None,
            version: None,
        };
        PartitionedFile::new_from_meta(meta).with_extension(self.clone())
    }

    /// Reads the checksums of the file's extents from the store.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when they are missing or not those the manifest knows.
    pub(super) async fn load_sums(&self) -> Result<ExtentSums> {
        let bytes = match self.store.get(&self.sums_path).await {
            Ok(found) => found.bytes().await?,
            Err(e) => return Err(missing(&self.sums_path, e)),
        };
        let sums = ExtentSums::decode(self.sums_path.as_ref(), &bytes)?;
        let (expected, found) = (self.entry.sum, sums.checksum());
        if found != expected {
            return Err(Error::corrupt(format!(
                "checksums {}: expected checksum {expected}, found {found}",
                self.sums_path
            )));
        }
        if sums.total() != self.entry.bytes {
            return Err(Error::corrupt(format!(
                "checksums {}: expected a batch file of {} bytes, found one of {}",
                self.sums_path,
                self.entry.bytes,
                sums.total()
            )));
        }
        Ok(sums)
    }

    /// Reads `ranges`, widened to whole extents, verifies what came, and cuts the ranges out of it.
    /// Returns them in order, and how many bytes were read.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when it is missing, shorter than written or altered.
    pub(super) async fn read(&self, sums: &ExtentSums, ranges: &[Range<u64>]) -> Result<(Vec<Bytes>, u64)> {
        let total = sums.total();
        if let Some(outside) = ranges.iter().find(|r| r.end > total || r.start > r.end) {
            return Err(self.damaged(&format!(
                "expected a file of at least {} bytes, the manifest has {total}",
                outside.end
            )));
        }
        let wide = merged(ranges.iter().filter(|r| !r.is_empty()).map(|r| sums.widen(r)).collect());
        let parts = self.fetch(&wide).await?;
        let mut read = 0;
        for (range, bytes) in wide.iter().zip(&parts) {
            let expected = range.end - range.start;
            if bytes.len() as u64 != expected {
                return Err(self.damaged(&format!(
                    "expected {expected} bytes at offset {}, found {}",
                    range.start,
                    bytes.len()
                )));
            }
            sums.verify(range.start, bytes).map_err(|why| self.damaged(&why))?;
            read += expected;
        }
        let cut = |range: &Range<u64>| {
            if range.is_empty() {
                return Some(Bytes::new());
            }
            let at = wide.partition_point(|w| w.end <= range.start);
            let (outer, bytes) = (wide.get(at)?, parts.get(at)?);
            let start = usize::try_from(range.start - outer.start).ok()?;
            let end = usize::try_from(range.end - outer.start).ok()?;
            (end <= bytes.len()).then(|| bytes.slice(start..end))
        };
        let cuts: Option<Vec<Bytes>> = ranges.iter().map(cut).collect();
        let cuts = cuts.ok_or_else(|| Error::internal(format!("a range of {} was not read", self.path)))?;
        Ok((cuts, read))
    }

    /// Reads all of the file and its checksums from the store, whatever is kept in memory, and holds them
    /// against the manifest entry.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, at the first thing that is not as written.
    pub async fn verify(&self) -> Result<()> {
        let sums = self.load_sums().await?;
        let mut checksum = 0;
        let mut at = 0;
        while at < sums.total() {
            let end = sums.total().min(at + VERIFY_BYTES);
            let (parts, _) = self.read(&sums, std::slice::from_ref(&(at..end))).await?;
            checksum = parts.iter().fold(checksum, |sum, part| crc32c::crc32c_append(sum, part));
            at = end;
        }
        let (expected, found) = (self.entry.checksum, Checksum(checksum));
        if found != expected {
            return Err(self.damaged(&format!("expected checksum {expected}, found {found}")));
        }
        footers::load(self, &sums).await.map(|_| ())
    }

    async fn fetch(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let fetched = match ranges {
            [] => return Ok(Vec::new()),
            [one] => self.store.get_range(&self.path, one.clone()).await.map(|bytes| vec![bytes]),
            many => self.store.get_ranges(&self.path, many).await,
        };
        match fetched {
            Ok(parts) => Ok(parts),
            Err(e) => Err(self.diagnosed(e).await),
        }
    }

    /// A read past the end of a shortened file fails in as many ways as there are stores; its size
    /// tells damage from a store that cannot be reached.
    async fn diagnosed(&self, error: object_store::Error) -> Error {
        if let object_store::Error::NotFound { .. } = error {
            return missing(&self.path, error);
        }
        match self.store.head(&self.path).await {
            Ok(found) if found.size != self.entry.bytes => self
                .damaged(&format!("expected {} bytes, found {}", self.entry.bytes, found.size))
                .with_source(error),
            Err(gone @ object_store::Error::NotFound { .. }) => missing(&self.path, gone),
            _ => Error::from(error).context(format!("reading {}", self.path)),
        }
    }

    pub(super) fn damaged(&self, why: &str) -> Error {
        Error::corrupt(format!("batch file {}: {why}", self.path))
    }
}

/// The error for a file that the manifest lists and the store does not give.
pub(super) fn missing(path: &Path, error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { .. } => {
            Error::corrupt(format!("{path}: expected the file, which the manifest lists, found none"))
                .with_source(error)
        }
        other => Error::from(other).context(format!("reading {path}")),
    }
}

/// Sorted ranges in which overlapping and adjacent ones are one.
fn merged(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|r| r.start);
    let mut out: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// Reads one batch file for the Parquet reader.
#[derive(Debug)]
pub struct VerifiedReader {
    file: ColdFile,
    caches: Arc<ColdCaches>,
    counters: Arc<ReadCounters>,
    metrics: Option<ParquetFileMetrics>,
    by_page: bool,
}

impl VerifiedReader {
    /// A reader that counts what it reads in `counters`.
    #[must_use]
    pub fn new(file: ColdFile, caches: Arc<ColdCaches>, counters: Arc<ReadCounters>) -> Self {
        Self { file, caches, counters, metrics: None, by_page: true }
    }

    /// Also reports the bytes it reads to the metrics of a scan.
    #[must_use]
    pub fn with_metrics(mut self, metrics: ParquetFileMetrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Whether it gives the page index unasked; else a scan that wants it reads it.
    #[must_use]
    pub fn by_page(mut self, by_page: bool) -> Self {
        self.by_page = by_page;
        self
    }

    /// The verified bytes of `ranges`, in order.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when any byte around them is not as written.
    pub async fn ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let sums = self.caches.footers.sums(&self.file).await?;
        let (parts, read) = self.file.read(&sums, ranges).await?;
        self.counters.add_bytes(read);
        if let Some(metrics) = &self.metrics {
            metrics.bytes_scanned.add(usize::try_from(read).unwrap_or(usize::MAX));
        }
        Ok(parts)
    }
}

impl AsyncFileReader for VerifiedReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move {
            // DataFusion reads Bloom filters one by one, and again for each query.
            if let Some(filter) = self.caches.blooms.written(&self.file, self, &range).await? {
                return Ok(filter);
            }
            let parts = self.ranges(&[range]).await?;
            Ok(parts.into_iter().next().unwrap_or_default())
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        async move { Ok(self.ranges(&ranges).await?) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            self.counters.add_file(&self.file);
            let footer = self.caches.footers.footer(&self.file).await?;
            Ok(Arc::clone(if self.by_page { footer.metadata() } else { footer.plain() }))
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use futures::executor::block_on;
    use object_store::memory::InMemory;

    use super::*;
    use crate::error::ErrorKind;
    use crate::manifest::BatchStatus;
    use crate::types::SeqId;

    fn stored(bytes: &[u8]) -> (Arc<InMemory>, ColdFile, ExtentSums) {
        let sums = ExtentSums::of(bytes);
        let entry = BatchEntry {
            number: 3,
            path: names::batch(3),
            sum: sums.checksum(),
            status: BatchStatus::Active,
            rows: 0,
            bytes: bytes.len() as u64,
            checksum: Checksum::of(bytes),
            schema_version: 1,
            min_seq: SeqId::ZERO,
            max_seq: SeqId::ZERO,
            row_groups: vec![],
            columns: BTreeMap::new(),
            filters: BTreeMap::new(),
            deletes: None,
            replaces: vec![],
            full: false,
            archived_at_ms: None,
        };
        let store = Arc::new(InMemory::new());
        let file = ColdFile::new(store.clone(), &Path::from("ns/t/u-a"), Arc::new(entry));
        block_on(store.put(file.path(), bytes.to_vec().into())).unwrap();
        block_on(store.put(&file.sums_path, sums.encode().into())).unwrap();
        (store, file, sums)
    }

    #[test]
    fn ranges_come_in_order_and_verified() {
        let bytes: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
        let (_, file, sums) = stored(&bytes);
        let ranges = [200_000..200_010, 0..0, 5..70_000, 299_999..300_000, 65_536..65_537];
        let (parts, read) = block_on(file.read(&sums, &ranges)).unwrap();
        for (range, part) in ranges.iter().zip(&parts) {
            assert_eq!(part, &bytes[range.start as usize..range.end as usize]);
        }
        assert_eq!(read, 131_072 + 65_536 + (300_000 - 262_144));
        assert_eq!(block_on(file.load_sums()).unwrap(), sums);
    }

    #[test]
    fn missing_short_long_and_altered_files_are_corrupt() {
        let bytes = vec![7u8; 200_000];
        let check = |change: &dyn Fn(&InMemory, &ColdFile), range: Range<u64>| {
            let (store, file, sums) = stored(&bytes);
            change(&store, &file);
            let error = block_on(file.read(&sums, &[range])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(error.to_string().contains("batch-3.parquet"), "{error}");
        };
        let put = |store: &InMemory, file: &ColdFile, bytes: Vec<u8>| {
            block_on(store.put(file.path(), bytes.into())).unwrap();
        };
        check(&|s, f| block_on(s.delete(f.path())).unwrap(), 0..1);
        check(&|s, f| put(s, f, bytes[..199_999].to_vec()), 199_000..199_100);
        check(&|s, f| put(s, f, bytes[..100].to_vec()), 150_000..150_100);
        check(&|s, f| put(s, f, vec![]), 0..1);
        check(
            &|s, f| {
                let mut altered = bytes.clone();
                altered[70_000] ^= 1;
                put(s, f, altered);
            },
            65_536..65_540,
        );
        check(&|_, _| (), 199_999..200_001);
    }

    #[test]
    fn altered_or_missing_checksums_are_corrupt() {
        let (store, file, _) = stored(&[1, 2, 3]);
        block_on(store.put(&file.sums_path, ExtentSums::of(&[1, 2, 4]).encode().into())).unwrap();
        let error = block_on(file.load_sums()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        block_on(store.delete(&file.sums_path)).unwrap();
        let error = block_on(file.load_sums()).unwrap_err();
        assert!(error.kind() == ErrorKind::Corrupt && error.to_string().contains("batch-3.sum"), "{error}");
    }
}
