//! What reading a table took, for EXPLAIN and the engine's counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use datafusion::physical_plan::metrics::MetricValue;
use parking_lot::Mutex;

use crate::cold::{ColdFile, ColdReaderFactory, FileOutcome, FileRecord};
use crate::scan::provider::TableReads;
use crate::stats::Stats;

/// How much of one table a statement considered, left out and read.
#[derive(Debug, Default)]
pub struct ScanReport {
    /// `namespace.table`.
    pub table: String,
    /// Row versions in memory that the statement looked through.
    pub hot_rows: AtomicU64,
    /// Batch files of the scope.
    pub files_total: AtomicU64,
    /// Left out because the manifest's statistics exclude the predicate.
    pub files_pruned_stats: AtomicU64,
    /// Left out because a Bloom filter excludes the key.
    pub files_pruned_bloom: AtomicU64,
    /// Row groups that Bloom filters exclude, of files that are read, before they are opened.
    pub groups_pruned_bloom: AtomicU64,
    /// Opened by look-ups.
    pub files_read: AtomicU64,
    /// Cold rows left out because a deletion vector hides them.
    pub rows_hidden: AtomicU64,
    /// Cold rows left out because only a newer hot version hides them.
    pub rows_hidden_by_hot: AtomicU64,
    scope: Option<String>,
    files: Option<Arc<FileRecord>>,
    scan: Mutex<Option<Arc<ColdReaderFactory>>>,
    index: Mutex<Option<String>>,
}

impl ScanReport {
    /// Adds to a count.
    pub fn add(counter: &AtomicU64, n: usize) {
        counter.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// Takes files opened, row groups and pages from the readers that `scan` makes.
    pub fn watch(&self, scan: Arc<ColdReaderFactory>) {
        *self.scan.lock() = Some(scan);
    }

    /// Notes the index that hot rows were found by.
    pub fn used(&self, index: &str) {
        *self.index.lock() = Some(index.to_owned());
    }

    /// Batch files opened, by look-ups and by the scan.
    #[must_use]
    pub fn files_opened(&self) -> u64 {
        let scanned = self.scan.lock().as_ref().map_or(0, |s| s.counters().files());
        self.files_read.load(Ordering::Relaxed) + scanned
    }

    /// What the scan's metrics of these names say was left out.
    fn pruned(&self, names: &[&str]) -> u64 {
        let Some(set) = self.scan.lock().as_ref().and_then(|s| s.metrics()) else { return 0 };
        let metrics = set.clone_inner();
        let mut total = 0;
        for metric in metrics.iter() {
            match metric.value() {
                MetricValue::PruningMetrics { name, pruning_metrics } if names.contains(&name.as_ref()) => {
                    total += pruning_metrics.pruned();
                }
                MetricValue::Count { name, count } if names.contains(&name.as_ref()) => {
                    total += count.value()
                }
                _ => {}
            }
        }
        total as u64
    }

    /// Notes what became of a file, if that is asked for.
    pub(super) fn note(&self, file: Option<&ColdFile>, outcome: FileOutcome) {
        if let (Some(record), Some(file)) = (&self.files, file) {
            record.note(file.entry().number, outcome);
        }
    }

    /// Where is noted what becomes of each file, if that is asked for.
    pub(super) fn files(&self) -> Option<&Arc<FileRecord>> {
        self.files.as_ref()
    }

    /// The scope, by its directory name, if each file is asked for.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The index that hot rows were found by.
    #[must_use]
    pub fn index(&self) -> Option<String> {
        self.index.lock().clone()
    }

    /// What became of each file, by number; nothing if that is not asked for. Of a statement that was not run every
    /// file is left that nothing excludes.
    #[must_use]
    pub fn outcomes(&self, was_run: bool) -> Vec<(u64, &'static str)> {
        // DataFusion leaves out a file that it comes to, if a dynamic filter excludes it, and does not open it.
        let leaves_out = self.pruned_dynamically() > 0;
        let name = |outcome: FileOutcome| match outcome {
            FileOutcome::PrunedByStatistics => "pruned_by_statistics",
            FileOutcome::PrunedByBloom => "pruned_by_bloom",
            FileOutcome::NotNeeded => "not_needed",
            _ if !was_run => "kept",
            FileOutcome::Read => "read",
            FileOutcome::Reached if leaves_out => "pruned_dynamically",
            // A LIMIT was met before.
            FileOutcome::Reached | FileOutcome::Kept => "not_needed",
        };
        let files = self.files.as_ref().map(|files| files.all()).unwrap_or_default();
        files.into_iter().map(|(number, outcome)| (number, name(outcome))).collect()
    }

    fn pruned_dynamically(&self) -> u64 {
        self.pruned(&["files_ranges_pruned_statistics"])
    }

    /// Cold rows left out because a deletion vector or a hot version hides them.
    fn hidden(&self) -> u64 {
        self.rows_hidden.load(Ordering::Relaxed) + self.rows_hidden_by_hot.load(Ordering::Relaxed)
    }

    /// The counters by name, in a fixed order.
    #[must_use]
    pub fn counts(&self) -> [(&'static str, u64); 11] {
        let get = |c: &AtomicU64| c.load(Ordering::Relaxed);
        let by_stats = self.pruned(&["row_groups_pruned_statistics", "row_groups_pruned_dynamic_filter"]);
        let by_bloom = get(&self.groups_pruned_bloom) + self.pruned(&["row_groups_pruned_bloom_filter"]);
        [
            ("files_total", get(&self.files_total)),
            ("files_pruned_stats", get(&self.files_pruned_stats)),
            ("files_pruned_bloom", get(&self.files_pruned_bloom)),
            ("files_pruned_dynamic", self.pruned_dynamically()),
            ("files_read", self.files_opened()),
            ("row_groups_pruned", by_stats + by_bloom),
            ("row_groups_pruned_bloom", by_bloom),
            ("pages_pruned", self.pruned(&["page_index_pages_pruned"])),
            ("rows_pruned_late", self.pruned(&["pushdown_rows_pruned"])),
            ("rows_hidden", self.hidden()),
            ("hot_rows", get(&self.hot_rows)),
        ]
    }

    /// The counters as `name=value` pairs.
    #[must_use]
    pub fn line(&self) -> String {
        let counts = self.counts().map(|(name, count)| format!("{name}={count}")).join(", ");
        let index = self.index().map(|name| format!(", index={name}")).unwrap_or_default();
        format!("{counts}{index}")
    }
}

/// The reports of one statement, one per table reference that was scanned.
#[derive(Debug, Clone, Default)]
pub struct ScanReports {
    all: Arc<Mutex<Vec<Arc<ScanReport>>>>,
    by_file: Arc<AtomicBool>,
}

impl ScanReports {
    /// Notes from here on what becomes of each file.
    pub fn by_file(&self) {
        self.by_file.store(true, Ordering::Relaxed);
    }

    /// A new report for what `reads` reads.
    #[must_use]
    pub fn start(&self, reads: &TableReads) -> Arc<ScanReport> {
        let by_file = self.by_file.load(Ordering::Relaxed);
        let report = Arc::new(ScanReport {
            table: reads.def.full_name().to_string(),
            scope: by_file.then(|| reads.scope.scope.dir()),
            files: by_file.then(Arc::default),
            ..ScanReport::default()
        });
        self.all.lock().push(Arc::clone(&report));
        report
    }

    /// All reports, in the order of planning.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<ScanReport>> {
        self.all.lock().clone()
    }

    /// Adds what the scans did to the counters of the engine.
    pub fn count_in(&self, stats: &Stats) {
        for report in self.all() {
            stats.deletion_vector_rows_hidden.add(report.rows_hidden.load(Ordering::Relaxed));
            stats.files_opened.add(report.files_opened());
        }
    }
}
