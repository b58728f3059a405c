//! What reading a table took, for `EXPLAIN ANALYZE` and the engine's counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::physical_plan::metrics::MetricValue;
use parking_lot::Mutex;

use crate::cold::ColdReaderFactory;
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

    /// The counters as `name=value` pairs, in a fixed order.
    #[must_use]
    pub fn line(&self) -> String {
        let get = |c: &AtomicU64| c.load(Ordering::Relaxed);
        let index = self.index.lock().as_ref().map(|name| format!(", index={name}")).unwrap_or_default();
        let by_stats = self.pruned(&["row_groups_pruned_statistics", "row_groups_pruned_dynamic_filter"]);
        let by_bloom = get(&self.groups_pruned_bloom) + self.pruned(&["row_groups_pruned_bloom_filter"]);
        format!(
            "files_total={}, files_pruned_stats={}, files_pruned_bloom={}, files_pruned_dynamic={}, \
             files_read={}, row_groups_pruned={}, row_groups_pruned_bloom={by_bloom}, pages_pruned={}, \
             rows_pruned_late={}, rows_hidden={}, hot_rows={}{index}",
            get(&self.files_total),
            get(&self.files_pruned_stats),
            get(&self.files_pruned_bloom),
            self.pruned(&["files_ranges_pruned_statistics"]),
            self.files_opened(),
            by_stats + by_bloom,
            self.pruned(&["page_index_pages_pruned"]),
            self.pruned(&["pushdown_rows_pruned"]),
            get(&self.rows_hidden) + get(&self.rows_hidden_by_hot),
            get(&self.hot_rows),
        )
    }
}

/// The reports of one statement, one per table reference that was scanned.
#[derive(Debug, Clone, Default)]
pub struct ScanReports(Arc<Mutex<Vec<Arc<ScanReport>>>>);

impl ScanReports {
    /// A new report for `table`.
    #[must_use]
    pub fn start(&self, table: String) -> Arc<ScanReport> {
        let report = Arc::new(ScanReport { table, ..ScanReport::default() });
        self.0.lock().push(Arc::clone(&report));
        report
    }

    /// All reports, in the order of planning.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<ScanReport>> {
        self.0.lock().clone()
    }

    /// Adds what the scans did to the counters of the engine.
    pub fn count_in(&self, stats: &Stats) {
        for report in self.all() {
            stats.deletion_vector_rows_hidden.add(report.rows_hidden.load(Ordering::Relaxed));
            stats.files_opened.add(report.files_opened());
        }
    }
}
