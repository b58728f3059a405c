//! How DataFusion's Parquet scan gets at batch files.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetAccessPlan;
use datafusion::datasource::physical_plan::{ParquetFileMetrics, ParquetFileReaderFactory};
use datafusion::error::Result as DataFusionResult;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use parking_lot::Mutex;
use parquet::arrow::async_reader::AsyncFileReader;

use crate::cold::ColdCaches;
use crate::cold::file::{ColdFile, VerifiedReader};
use crate::cold::outcomes::{FileOutcome, FileRecord};
use crate::error::Error;

/// What was read of batch files, counted as it happens.
#[derive(Debug, Default)]
pub struct ReadCounters {
    files: AtomicU64,
    bytes: AtomicU64,
    record: Option<Arc<FileRecord>>,
}

impl ReadCounters {
    /// Batch files whose footers were looked at.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// Bytes that came from the store for data; footers found in memory count nothing.
    #[cfg(test)]
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn add_file(&self, file: &ColdFile) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.note(file, FileOutcome::Read);
    }

    fn note(&self, file: &ColdFile, outcome: FileOutcome) {
        if let Some(record) = &self.record {
            record.note(file.entry().number, outcome);
        }
    }

    pub(super) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Makes verifying readers for one scan, for files made by [`ColdFile::partitioned`].
#[derive(Debug)]
pub struct ColdReaderFactory {
    caches: Arc<ColdCaches>,
    counters: Arc<ReadCounters>,
    by_page: bool,
    metrics: Mutex<Option<ExecutionPlanMetricsSet>>,
}

impl ColdReaderFactory {
    /// A factory whose readers share `caches`, of a scan that is told of a predicate and so may read single pages,
    /// or is not.
    #[must_use]
    pub fn new(caches: Arc<ColdCaches>, by_page: bool) -> Self {
        Self { caches, counters: Arc::default(), by_page, metrics: Mutex::new(None) }
    }

    /// The same, which notes the files that it comes to.
    #[must_use]
    pub fn recording(mut self, record: Option<Arc<FileRecord>>) -> Self {
        self.counters = Arc::new(ReadCounters { record, ..ReadCounters::default() });
        self
    }

    /// What its readers have read.
    #[must_use]
    pub fn counters(&self) -> &Arc<ReadCounters> {
        &self.counters
    }

    /// The metrics of the scan, once it has opened a file: row groups and pages pruned, and the like.
    #[must_use]
    pub fn metrics(&self) -> Option<ExecutionPlanMetricsSet> {
        self.metrics.lock().clone()
    }
}

impl ParquetFileReaderFactory for ColdReaderFactory {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        _metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> DataFusionResult<Box<dyn AsyncFileReader + Send>> {
        let Some(cold) = file.extension::<ColdFile>() else {
            return Err(
                Error::internal(format!("{} is scanned without its manifest entry", file.path())).into()
            );
        };
        self.metrics.lock().get_or_insert_with(|| metrics.clone());
        self.counters.note(cold, FileOutcome::Reached);
        let of_file = ParquetFileMetrics::new(partition, file.path().as_ref(), metrics);
        let reader = VerifiedReader::new(cold.clone(), Arc::clone(&self.caches), Arc::clone(&self.counters));
        // Only a selection of rows is cut by page. What a join adds to the scan later still finds the index of the
        // others; of these it reads it.
        let by_page = self.by_page || file.extension::<ParquetAccessPlan>().is_none();
        Ok(Box::new(reader.with_metrics(of_file).by_page(by_page)))
    }
}
