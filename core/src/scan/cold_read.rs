//! The cold part of a read: batch files, less the rows that must not be seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::Statistics;
use datafusion::common::config::TableParquetOptions;
use datafusion::common::stats::Precision;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::physical_expr::{PhysicalExpr, conjunction_opt};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::scalar::ScalarValue;
use roaring::RoaringBitmap;

use crate::cold::locate::{Located, Position, Within, locate_in};
use crate::cold::state::ColdState;
use crate::cold::{
    ColdFile, ColdReaderFactory, FieldIdAdapterFactory, FileColumn, FileOutcome, FileSchema, ReadCounters,
    read_rows, to_access_plan,
};
use crate::error::{Error, Result};
use crate::manifest::{Entries, Wanted};
use crate::scan::cold_files::KnownRanges;
use crate::scan::late::{hulls, pays};
use crate::scan::provider::{BLOBS_URL, DELETED_ID, FirnTable, TableReads};
use crate::scan::report::ScanReport;
use crate::types::{ColumnId, SeqId};

/// Lists of values up to this length are held against row groups and pages value by value, longer ones from their
/// lowest to their highest.
const MAX_EXPANDED: usize = 64;

impl TableReads {
    /// Where the keys in `columns` have a visible cold row.
    pub(crate) async fn find_cold(&self, cold: &ColdState, columns: &[ArrayRef]) -> Result<Located> {
        self.find_cold_in(cold, columns, self.within()).await
    }

    /// As [`Self::find_cold`], and tells `report` what it took.
    pub(super) async fn find_cold_for(
        &self,
        report: &ScanReport,
        cold: &ColdState,
        columns: &[ArrayRef],
    ) -> Result<Located> {
        let schema = self.def.file_schema()?;
        let record = report.files().map(AsRef::as_ref);
        let located = locate_in(&self.tiers.caches, &schema, cold, columns, self.within(), record).await?;
        located.add_to(report);
        Ok(located)
    }

    /// As [`Self::find_cold`], in the files `within`.
    pub(crate) async fn find_cold_in(
        &self,
        cold: &ColdState,
        columns: &[ArrayRef],
        within: Within,
    ) -> Result<Located> {
        let schema = self.def.file_schema()?;
        locate_in(&self.tiers.caches, &schema, cold, columns, within, None).await
    }

    /// The batch files whose rows the snapshot includes. What was hot before does not become cold while
    /// somebody reads on an older snapshot; a file that was loaded as such may.
    pub(crate) fn within(&self) -> Within {
        Within::Through(self.seq)
    }

    /// Those of them that do not end before `since`.
    pub(crate) fn within_since(&self, since: SeqId) -> Within {
        Within::Reaching { through: self.seq, since }
    }

    /// The rows at `positions`, as row versions; and per position its row in the batch.
    pub(crate) async fn read_cold(
        &self,
        cold: &ColdState,
        positions: &[Option<Position>],
    ) -> Result<(RecordBatch, Vec<Option<usize>>)> {
        let schema = self.def.row_schema();
        let file_schema = self.def.file_schema()?;
        let mut wanted: Vec<(Position, usize)> =
            positions.iter().enumerate().filter_map(|(i, p)| p.map(|p| (p, i))).collect();
        wanted.sort_unstable();
        let counters = Arc::new(ReadCounters::default());
        let mut batches = Vec::new();
        for of_file in wanted.chunk_by(|a, b| a.0.batch == b.0.batch) {
            let number = of_file.first().map_or(0, |(p, _)| p.batch);
            let file = cold.file(number);
            let file =
                file.ok_or_else(|| Error::internal(format!("batch {number} is not in the manifest")))?;
            let rows: Vec<u32> = of_file.iter().map(|(p, _)| p.row).collect();
            let batch = read_rows(file, &self.tiers.caches, &counters, &file_schema, &rows).await?;
            batches.push(with_flag(&batch, &schema)?);
        }
        let mut order = vec![None; positions.len()];
        for (row, (_, key)) in wanted.iter().enumerate() {
            if let Some(slot) = order.get_mut(*key) {
                *slot = Some(row);
            }
        }
        Ok((concat_batches(&schema, &batches)?, order))
    }
}

/// Cold rows (`_seq`, columns) as row versions (`_seq`, `_deleted`, columns).
fn with_flag(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let mut columns = rows.columns().to_vec();
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![false; rows.num_rows()]));
    columns.insert(1.min(columns.len()), flags);
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

impl Located {
    /// Adds what the look-up took to a report.
    fn add_to(&self, report: &ScanReport) {
        ScanReport::add(&report.files_total, self.files_total);
        ScanReport::add(&report.files_pruned_stats, self.pruned_stats);
        ScanReport::add(&report.files_pruned_bloom, self.pruned_bloom);
        ScanReport::add(&report.files_read, self.files_read);
    }
}

impl FirnTable {
    /// A Parquet scan of the files that `predicate` may match, less dead and `hidden` rows. Its rows are still
    /// to be checked: `predicate` only chooses what is read, and whether the scan is told of it besides.
    pub(super) async fn cold_plan(
        &self,
        cold: &ColdState,
        hidden: &BTreeMap<u64, RoaringBitmap>,
        (predicate, told): (Option<Arc<dyn PhysicalExpr>>, bool),
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let schema = with_deleted(self.reads.def.file_schema()?);
        let chosen = self.reads.choose(cold, &schema, predicate.as_ref(), &self.report).await?;
        let levels = self.reads.tiers.config.pruning;
        let known = levels.dynamic.then(|| KnownRanges::new(cold, &schema, &self.schema, projection));
        let mut files = Vec::with_capacity(chosen.len());
        let mut rows = 0;
        for one in chosen {
            let Some(file) = cold.files.get(one.at) else { continue };
            let (mut file, visible) = self.partitioned(cold, file, hidden, one.groups.as_deref());
            if visible == 0 {
                self.report.note(cold.files.get(one.at), FileOutcome::NotNeeded);
                continue;
            }
            self.report.note(cold.files.get(one.at), FileOutcome::Kept);
            if let Some(known) = &known {
                file = file.with_statistics(known.of_file(one.at));
            }
            rows += visible;
            files.push(file);
        }
        if files.is_empty() {
            return Ok(None);
        }
        let source = self.source(&schema, &cold.entries, (predicate, told), projection);
        let url = ObjectStoreUrl::parse(BLOBS_URL)?;
        let statistics = Statistics {
            num_rows: Precision::Inexact(usize::try_from(rows).unwrap_or(usize::MAX)),
            ..Statistics::new_unknown(&self.schema)
        };
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(vec![FileGroup::new(files)])
            .with_statistics(statistics)
            .with_expr_adapter(Some(Arc::new(FieldIdAdapterFactory::new(&schema))))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(Some(DataSourceExec::from_data_source(config)))
    }

    /// What reads the files.
    fn source(
        &self,
        schema: &FileSchema,
        entries: &Entries,
        (predicate, told): (Option<Arc<dyn PhysicalExpr>>, bool),
        projection: Option<&Vec<usize>>,
    ) -> ParquetSource {
        let levels = self.reads.tiers.config.pruning;
        let wanted = predicate.as_ref().map(|predicate| Wanted::of(schema, predicate)).unwrap_or_default();
        let share = |id: ColumnId, low: &ScalarValue, high: &ScalarValue| {
            entries.column(schema.column(id)?).share(low, high)
        };
        let late = levels.late
            && predicate.as_ref().is_some_and(|p| pays(&wanted, p, &self.schema, projection, share));
        let hulls = hulls(&wanted, schema, &self.schema, MAX_EXPANDED).filter(|_| levels.row_groups);
        // One that it is not told of here reaches it from the filter above.
        let by_page = predicate.is_some();
        let predicate = conjunction_opt(hulls.into_iter().chain(predicate.filter(|_| told)));

        let caches = Arc::clone(&self.reads.tiers.caches);
        let reader = ColdReaderFactory::new(caches, by_page).recording(self.report.files().cloned());
        let reader = Arc::new(reader);
        self.report.watch(Arc::clone(&reader));
        let mut options = TableParquetOptions::default();
        options.global.pruning = levels.row_groups;
        options.global.bloom_filter_on_read = levels.bloom;
        options.global.enable_page_index = levels.pages;
        options.global.max_in_list_size = MAX_EXPANDED;
        let source = ParquetSource::new(TableSchema::from(Arc::clone(&self.schema)))
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(reader)
            .with_pushdown_filters(late);
        match predicate {
            Some(predicate) => source.with_predicate(predicate),
            None => source,
        }
    }

    /// The file without the rows that must not be seen and the row groups that need not, and how many rows that
    /// leaves. A file of which nothing is left out is read as plain Parquet.
    fn partitioned(
        &self,
        cold: &ColdState,
        file: &ColdFile,
        hidden: &BTreeMap<u64, RoaringBitmap>,
        groups: Option<&[bool]>,
    ) -> (PartitionedFile, u64) {
        let entry = file.entry();
        let dead = cold.dead_in(entry.number);
        let dead_rows = dead.map_or(0, |d| d.len());
        let invisible = match (dead, hidden.get(&entry.number)) {
            (None, None) if groups.is_none() => return (file.partitioned(), entry.rows),
            (None, None) => RoaringBitmap::new(),
            (Some(dead), None) => dead.as_ref().clone(),
            (None, Some(hot)) => hot.clone(),
            (Some(dead), Some(hot)) => dead.as_ref() | hot,
        };
        let count = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        ScanReport::add(&self.report.rows_hidden, count(dead_rows));
        ScanReport::add(&self.report.rows_hidden_by_hot, count(invisible.len().saturating_sub(dead_rows)));
        let mut plan = to_access_plan(&invisible, &entry.row_groups);
        for (group, _) in groups.unwrap_or_default().iter().enumerate().filter(|(_, left)| !**left) {
            plan.skip(group);
        }
        (file.partitioned().with_extension(plan), entry.rows.saturating_sub(invisible.len()))
    }
}

/// `schema` with `_deleted`, which no file has: cold rows are live.
fn with_deleted(mut schema: FileSchema) -> FileSchema {
    schema.columns.push(FileColumn {
        id: DELETED_ID,
        name: "_deleted".to_owned(),
        data_type: DataType::Boolean,
        nullable: false,
        missing: ScalarValue::Boolean(Some(false)),
    });
    schema
}
