//! Which batch files a scan reads, decided before any is opened: by the manifest's ranges, then by Bloom
//! filters; and what else of the manifest the scan takes along.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Statistics};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::scalar::ScalarValue;

use crate::catalog::SEQ_COLUMN;
use crate::cold::state::ColdState;
use crate::cold::{ColdFile, FileOutcome, FileSchema, Left, Probes, ReadCounters};
use crate::error::Result;
use crate::manifest::{ColumnBounds, Wanted, prune};
use crate::scan::provider::TableReads;
use crate::scan::report::ScanReport;

/// A file that may hold a row of the answer.
#[derive(Debug)]
pub(super) struct Chosen {
    /// Its position among the files of the cold state.
    pub(super) at: usize,
    /// Per row group whether it may hold one, where filters rule some out.
    pub(super) groups: Option<Vec<bool>>,
}

impl TableReads {
    /// The files of `cold` that `predicate` leaves.
    pub(super) async fn choose(
        &self,
        cold: &ColdState,
        schema: &FileSchema,
        predicate: Option<&Arc<dyn PhysicalExpr>>,
        report: &ScanReport,
    ) -> Result<Vec<Chosen>> {
        let levels = self.tiers.config.pruning;
        let within = self.within();
        let total = within.count(&cold.entries);
        ScanReport::add(&report.files_total, total);
        let mut kept = match predicate.filter(|_| levels.manifest) {
            Some(predicate) => prune(&cold.entries, schema, predicate).keep,
            None => (0..cold.files.len()).collect(),
        };
        if total < cold.files.len() {
            kept.retain(|at| cold.files.get(*at).is_some_and(|file| within.includes(file.entry())));
        }
        ScanReport::add(&report.files_pruned_stats, total - kept.len());
        if let Some(record) = report.files() {
            let all = cold.files.iter().map(ColdFile::entry).filter(|entry| within.includes(entry));
            all.for_each(|entry| record.note(entry.number, FileOutcome::PrunedByStatistics));
        }
        let wanted = predicate.filter(|_| levels.bloom).map(|p| Wanted::of(schema, p)).unwrap_or_default();
        let Some(probes) = Probes::of(&wanted) else {
            return Ok(kept.into_iter().map(|at| Chosen { at, groups: None }).collect());
        };
        let counters = Arc::new(ReadCounters::default());
        let mut chosen = Vec::with_capacity(kept.len());
        for at in kept {
            let Some(file) = cold.files.get(at) else { continue };
            match probes.left_of(file, &self.tiers.caches, &counters).await? {
                Left::Nothing => {
                    ScanReport::add(&report.files_pruned_bloom, 1);
                    report.note(Some(file), FileOutcome::PrunedByBloom);
                }
                Left::All => chosen.push(Chosen { at, groups: None }),
                Left::Groups(groups) => {
                    ScanReport::add(&report.groups_pruned_bloom, groups.iter().filter(|g| !**g).count());
                    chosen.push(Chosen { at, groups: Some(groups) });
                }
            }
        }
        Ok(chosen)
    }
}

/// What the manifest knows of the columns that a scan reads: with it DataFusion leaves out files once a join, a
/// sort or an aggregate knows which values it needs.
#[derive(Debug)]
pub(super) struct KnownRanges {
    /// Per column of the scan's table; absent where it is not read.
    columns: Vec<Option<Arc<ColumnBounds>>>,
}

impl KnownRanges {
    pub(super) fn new(
        cold: &ColdState,
        schema: &FileSchema,
        shown: &SchemaRef,
        projection: Option<&Vec<usize>>,
    ) -> Self {
        let is_read = |at: usize| projection.is_none_or(|projection| projection.contains(&at));
        let bounds = |name: &str| {
            if name == SEQ_COLUMN {
                return Some(cold.entries.seqs());
            }
            schema.column_named(name).map(|column| cold.entries.column(column))
        };
        let fields = shown.fields().iter().enumerate();
        let columns = fields.map(|(at, field)| is_read(at).then(|| bounds(field.name())).flatten()).collect();
        Self { columns }
    }

    /// Those of the file at position `at`.
    pub(super) fn of_file(&self, at: usize) -> Arc<Statistics> {
        let end = |ends: &Option<ArrayRef>| match ends {
            Some(ends) if ends.is_valid(at) => {
                ScalarValue::try_from_array(ends, at).map_or(Precision::Absent, Precision::Exact)
            }
            _ => Precision::Absent,
        };
        let of_column = |bounds: &Option<Arc<ColumnBounds>>| match bounds {
            // A count of NULLs would let DataFusion take bounds for the values of a column whose bounds are equal.
            Some(bounds) => ColumnStatistics {
                min_value: end(&bounds.min),
                max_value: end(&bounds.max),
                ..ColumnStatistics::new_unknown()
            },
            None => ColumnStatistics::new_unknown(),
        };
        Arc::new(Statistics {
            num_rows: Precision::Absent,
            total_byte_size: Precision::Absent,
            column_statistics: self.columns.iter().map(of_column).collect(),
        })
    }
}
