//! One table at one snapshot, as DataFusion sees it.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::row::Rows;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use datafusion::scalar::ScalarValue;
use parking_lot::RwLock;

use crate::catalog::{DELETED_COLUMN, FIELD_ID_KEY, SEQ_COLUMN, TableDef};
use crate::cold::state::ColdState;
use crate::error::{Error, Result};
use crate::hot::memtable::{Chunk, Memtable, Version};
use crate::hot::scope::ScopeState;
use crate::manifest::Wanted;
use crate::scan::floor::check_floor;
use crate::scan::hidden::hidden_since;
use crate::scan::hot_read::{found_rows, shown, visible_rows};
use crate::scan::indexed::search;
use crate::scan::keyed::rows_by_key;
use crate::scan::report::ScanReport;
use crate::scan::since::lowest_seq;
use crate::scan::tombstones::retained;
use crate::tiers::Tiers;
use crate::txn::writes::altered;
use crate::types::{ColumnId, SeqId};

/// The blob store's name among DataFusion's object stores.
pub const BLOBS_URL: &str = "firndb://blobs/";
/// The id that `_deleted` goes by; no batch file has it.
pub const DELETED_ID: ColumnId = ColumnId(u32::MAX);
/// Past so many keys a scan beats as many look-ups.
const MAX_PROBES: usize = 64;

/// What a statement reads of one scope: the rows at a snapshot, under a transaction's own writes.
#[derive(Debug, Clone)]
pub struct TableReads {
    /// The shared state.
    pub tiers: Arc<Tiers>,
    /// The table as the statement sees it.
    pub def: Arc<TableDef>,
    /// The scope.
    pub scope: Arc<ScopeState>,
    /// The snapshot.
    pub seq: SeqId,
    /// The last `_seq` whose committed version is expired at the statement's time; [`SeqId::ZERO`] when none can be.
    pub expired: SeqId,
    /// The transaction's own writes.
    pub overlay: Option<Arc<RwLock<Memtable>>>,
}

impl TableReads {
    /// Per key of `keys` the version that counts, if it is not cold: the transaction's own, else the hot one unless it
    /// is expired; and the cold state for the keys that have none.
    ///
    /// What a transaction has written has no time yet, and does not expire before it is committed.
    ///
    /// # Errors
    /// As [`Self::expect_all_there`].
    pub fn versions_of(&self, keys: &Rows) -> Result<(Vec<Option<Version>>, Arc<ColdState>)> {
        let (hot, cold) = self.scope.look_up(keys.iter().map(|key| key.data()), self.seq);
        self.expect_all_there()?;
        let own = |key: &[u8]| self.overlay.as_ref()?.read().latest(key, SeqId::MAX);
        let alive = |version: &Version| version.seq() > self.expired;
        let versions = keys.iter().zip(hot).map(|(key, hot)| own(key.data()).or(hot.filter(alive)));
        Ok((versions.collect(), cold))
    }

    /// Checks that nothing was evicted that the statement sees: what it has read is whole then. The times of statements
    /// hold evictions back, but who shortens the life of rows beside a statement lets more expire than it knows.
    ///
    /// # Errors
    /// `Conflict`.
    fn expect_all_there(&self) -> Result<()> {
        if self.scope.evicting_through() <= self.expired {
            return Ok(());
        }
        Err(altered(&self.def))
    }

    /// The transaction's own writes, as chunks.
    #[must_use]
    pub fn overlay_chunks(&self) -> Arc<Vec<Arc<Chunk>>> {
        self.overlay.as_ref().map(|o| o.read().chunks()).unwrap_or_default()
    }
}

/// Which system columns a table reference shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// `_seq` is a column.
    pub seq: bool,
    /// `_deleted` is a column, and tombstones are rows.
    pub deleted: bool,
}

/// A table reference of one statement.
#[derive(Debug)]
pub struct FirnTable {
    pub(super) reads: TableReads,
    pub(super) schema: SchemaRef,
    pub(super) report: Arc<ScanReport>,
    shown: Shown,
}

impl FirnTable {
    /// The table that `reads` describes, with the system columns `shown` asks for after its own.
    #[must_use]
    pub fn new(reads: TableReads, shown: Shown, report: Arc<ScanReport>) -> Self {
        let mut fields: Vec<_> = reads.def.arrow_schema().fields().iter().map(without_id).collect();
        if shown.seq {
            fields.push(Arc::new(Field::new(SEQ_COLUMN, DataType::Int64, false)));
        }
        if shown.deleted {
            fields.push(Arc::new(Field::new(DELETED_COLUMN, DataType::Boolean, false)));
        }
        if shown.deleted {
            // A tombstone has no values but its key, whatever the table promises of its rows.
            fields = fields.iter().map(|f| Arc::new(f.as_ref().clone().with_nullable(true))).collect();
        }
        Self { reads, schema: Arc::new(Schema::new(fields)), report, shown }
    }

    /// The keys, one array per key column, when `filters` allow only a few.
    fn probed_keys(&self, filters: &[Expr]) -> Option<Vec<ArrayRef>> {
        let def = &self.reads.def;
        let key: Vec<_> = def.key_columns().into_iter().filter_map(|i| def.columns.get(i)).collect();
        let names: Vec<&str> = key.iter().map(|c| c.name.as_str()).collect();
        let mut values: Vec<Option<Vec<ScalarValue>>> = vec![None; names.len()];
        for filter in filters.iter().flat_map(split_conjunction) {
            if let Some((name, candidates)) = equality(filter)
                && let Some(at) = names.iter().position(|n| *n == name)
                && let Some(slot) = values.get_mut(at)
                && slot.is_none()
            {
                *slot = Some(candidates);
            }
        }
        let values: Vec<Vec<ScalarValue>> = values.into_iter().collect::<Option<_>>()?;
        // A list of candidates is only a list of keys when the key is that one column.
        if names.len() > 1 && values.iter().any(|v| v.len() != 1) {
            return None;
        }
        let mut columns = Vec::with_capacity(values.len());
        for (column, mut candidates) in key.iter().zip(values) {
            candidates.retain(|v| !v.is_null());
            candidates.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
            candidates.dedup();
            if candidates.iter().any(|v| v.data_type() != column.ty.arrow()) || candidates.len() > MAX_PROBES
            {
                return None;
            }
            if candidates.is_empty() {
                columns.push(arrow::array::new_empty_array(&column.ty.arrow()));
            } else {
                columns.push(ScalarValue::iter_to_array(candidates).ok()?);
            }
        }
        let rows = columns.first()?.len();
        columns.iter().all(|c| c.len() == rows).then_some(columns)
    }

    async fn read_keyed(
        &self,
        keys: &[ArrayRef],
        projection: Option<&Vec<usize>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (rows, _) = if keys.first().is_some_and(|k| k.is_empty()) {
            (RecordBatch::new_empty(self.reads.def.row_schema()), Vec::new())
        } else {
            rows_by_key(&self.reads, keys, self.shown.deleted, Some(&self.report)).await?
        };
        let rows = shown(&rows, &self.schema)?;
        let plan =
            MemorySourceConfig::try_new_exec(&[vec![rows]], Arc::clone(&self.schema), projection.cloned())?;
        Ok(plan)
    }

    async fn read_all(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let predicate = match conjunction(filters.to_vec()) {
            Some(filter) => {
                let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
                Some(state.create_physical_expr(filter, &schema)?)
            }
            None => None,
        };
        let parts = self.parts(predicate, lowest_seq(filters), false, projection, limit).await?;
        if self.shown.deleted {
            // After the blocks of tombstones were read: one that is forgotten meanwhile is then known to be.
            check_floor(&self.reads, filters).await?;
        }
        let mut inputs: Vec<Arc<dyn ExecutionPlan>> = parts.cold.into_iter().collect();
        if !parts.hot.is_empty() || inputs.is_empty() {
            let schema = Arc::clone(&self.schema);
            inputs.push(MemorySourceConfig::try_new_exec(&[parts.hot], schema, projection.cloned())?);
        }
        match inputs.as_slice() {
            [only] => Ok(Arc::clone(only)),
            _ => Ok(UnionExec::try_new(inputs)?),
        }
    }

    /// The rows from `since` on that `predicate` may match, by tier; they are still to be checked. DataFusion puts the predicate of
    /// a filter above into the scan of cold rows; where there is none it is to be `told`.
    ///
    /// # Errors
    /// What reading the manifest, filters and the positions of hidden rows reports.
    pub async fn parts(
        &self,
        predicate: Option<Arc<dyn PhysicalExpr>>,
        since: SeqId,
        told: bool,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Parts> {
        let reads = &self.reads;
        let overlay = reads.overlay_chunks();
        let by_index =
            match predicate.as_ref().filter(|_| !reads.def.indexes.is_empty() && !self.shown.deleted) {
                Some(predicate) => search(&reads.def, &Wanted::of(&reads.def.file_schema()?, predicate)),
                None => None,
            };
        let (view, hits) = match &by_index {
            Some(by_index) => reads.scope.search(&reads.def, by_index, reads.seq)?,
            None => (reads.scope.view(), None),
        };
        reads.expect_all_there()?;
        let hot = match (&by_index, hits) {
            (Some(by_index), Some(hits)) => {
                self.report.used(&by_index.name);
                ScanReport::add(&self.report.hot_rows, hits.iter().map(|h| h.rows.len()).sum());
                found_rows(&reads.def, &hits, &overlay)?
            }
            _ => {
                let through = |seq| view.chunks.iter().map(|c| c.rows_through(seq)).sum::<usize>();
                ScanReport::add(
                    &self.report.hot_rows,
                    through(reads.seq).saturating_sub(through(reads.expired)),
                );
                visible_rows(
                    &reads.def,
                    &view.chunks,
                    &overlay,
                    (reads.expired, reads.seq),
                    self.shown.deleted,
                )?
            }
        };
        let mut hot = hot.iter().map(|b| shown(b, &self.schema)).collect::<Result<Vec<_>>>()?;
        if self.shown.deleted {
            let retained = retained(reads, &view.cold, &view.chunks, &overlay, since).await?;
            hot.extend(retained.map(|rows| shown(&rows, &self.schema)).transpose()?);
        }
        let hidden = hidden_since(reads, &view.cold, &view.chunks, &overlay, since).await?;
        let cold = self.cold_plan(&view.cold, &hidden, (predicate, told), projection, limit).await?;
        Ok(Parts { hot, cold })
    }
}

/// What a table reference reads, by tier.
#[derive(Debug)]
pub struct Parts {
    /// Hot rows, all columns of the reference's schema.
    pub hot: Vec<RecordBatch>,
    /// A scan of cold rows, of the columns asked for, if a file is left.
    pub cold: Option<Arc<dyn ExecutionPlan>>,
}

/// A column without its id: a query compares fields, of which those that it computes have none.
fn without_id(field: &Arc<Field>) -> Arc<Field> {
    let mut metadata = field.metadata().clone();
    metadata.remove(FIELD_ID_KEY);
    Arc::new(field.as_ref().clone().with_metadata(metadata))
}

/// The column and the values it may have, when `filter` is `column = literal` or `column IN (literals)`.
fn equality(filter: &Expr) -> Option<(&str, Vec<ScalarValue>)> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            match (left.as_ref(), right.as_ref()) {
                (Expr::Column(c), Expr::Literal(v, _)) | (Expr::Literal(v, _), Expr::Column(c)) => {
                    Some((c.name.as_str(), vec![v.clone()]))
                }
                _ => None,
            }
        }
        // The optimizer writes a short IN list as equalities joined by OR.
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let (name, mut values) = equality(left)?;
            let (other, more) = equality(right)?;
            values.extend(more);
            (name == other && values.len() <= MAX_PROBES).then_some((name, values))
        }
        Expr::InList(list) if !list.negated && list.list.len() <= MAX_PROBES => {
            let Expr::Column(column) = list.expr.as_ref() else { return None };
            let values = list.list.iter().map(|e| match e {
                Expr::Literal(v, _) => Some(v.clone()),
                _ => None,
            });
            Some((column.name.as_str(), values.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

#[async_trait]
impl TableProvider for FirnTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let by_key = self.reads.tiers.config.pruning.manifest && !self.shown.deleted;
        let plan = match self.probed_keys(filters) {
            Some(keys) if by_key => self.read_keyed(&keys, projection).await,
            _ => self.read_all(state, projection, filters, limit).await,
        };
        plan.map_err(|e: Error| e.into())
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        // Inexact: files, row groups and pages are left out by it, rows are checked above the scan.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::error::ErrorKind;
    use crate::scan::ScanReports;
    use crate::storage::Stores;
    use crate::types::{Scope, UserId};
    use crate::{Config, Engine};

    #[test]
    fn a_read_whose_rows_are_being_evicted_is_refused() {
        block_on(async {
            let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
            let made = "CREATE STREAM TABLE t (id BIGINT PRIMARY KEY) WITH (TTL_SECONDS = 30); INSERT INTO t VALUES (1)";
            engine.session().execute(made).await.unwrap();
            let tiers = Arc::clone(&engine.shared.tiers);
            let def = Arc::clone(tiers.catalog().table("main", "t").unwrap());
            let scope = tiers.scope(&def, &Scope::User(UserId::root())).await.unwrap();
            let key: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![1]));
            let keys = scope.encoder.encode(&[key]).unwrap();
            let seq = tiers.seqs.last().await;
            let reads = |expired: SeqId| TableReads {
                tiers: Arc::clone(&tiers),
                def: Arc::clone(&def),
                scope: Arc::clone(&scope),
                seq,
                expired,
                overlay: None,
            };
            let scanned = async |reads: TableReads| {
                let report = ScanReports::default().start(&reads);
                let table = FirnTable::new(reads, Shown::default(), report);
                let parts = table.parts(None, SeqId::ZERO, false, None, None).await?;
                Ok::<usize, Error>(parts.hot.iter().map(RecordBatch::num_rows).sum())
            };
            let looked_up =
                |reads: &TableReads| reads.versions_of(&keys).map(|(v, _)| v.iter().flatten().count());
            let before = reads(SeqId::ZERO);
            assert_eq!((looked_up(&before).unwrap(), scanned(before.clone()).await.unwrap()), (1, 1));

            scope.begin_eviction(seq);
            assert_eq!(looked_up(&before).unwrap_err().kind(), ErrorKind::Conflict);
            assert_eq!(scanned(before).await.unwrap_err().kind(), ErrorKind::Conflict);
            let later = reads(seq);
            assert_eq!((looked_up(&later).unwrap(), scanned(later).await.unwrap()), (0, 0));
        });
    }
}
