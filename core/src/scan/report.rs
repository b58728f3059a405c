//! What reading a table took, for `EXPLAIN ANALYZE` and the engine's counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricValue};
use parking_lot::Mutex;

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
    /// Opened.
    pub files_read: Arc<AtomicU64>,
    /// Cold rows left out because a deletion vector or a newer hot version hides them.
    pub rows_hidden: AtomicU64,
    /// Metrics of the Parquet readers.
    pub metrics: Arc<Mutex<Vec<ExecutionPlanMetricsSet>>>,
}

impl ScanReport {
    /// Adds to a count.
    pub fn add(counter: &AtomicU64, n: usize) {
        counter.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// The sum of the pruned side of the readers' metrics named `name`; readers share one set per scan.
    fn pruned(&self, names: &[&str]) -> u64 {
        let sets = self.metrics.lock();
        let Some(set) = sets.first() else { return 0 };
        let metrics = set.clone_inner();
        let mut total = 0;
        for metric in metrics.iter() {
            match metric.value() {
                MetricValue::PruningMetrics { name, pruning_metrics } if names.contains(&name.as_ref()) => {
                    total += pruning_metrics.pruned();
                }
                MetricValue::Count { name, count } if names.contains(&name.as_ref()) => total += count.value(),
                _ => {}
            }
        }
        total as u64
    }

    /// The counters as `name=value` pairs, in a fixed order.
    #[must_use]
    pub fn line(&self) -> String {
        let get = |c: &AtomicU64| c.load(Ordering::Relaxed);
        let row_groups =
            self.pruned(&["row_groups_pruned_statistics", "row_groups_pruned_bloom_filter"]);
        format!(
            "files_total={}, files_pruned_stats={}, files_pruned_bloom={}, files_read={}, \
             row_groups_pruned={row_groups}, pages_pruned={}, rows_hidden={}, hot_rows={}",
            get(&self.files_total),
            get(&self.files_pruned_stats),
            get(&self.files_pruned_bloom),
            get(&self.files_read),
            self.pruned(&["page_index_pages_pruned"]),
            get(&self.rows_hidden),
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
}
