//! One statement being run: its snapshot, who asks, and the tables it names.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::common::{ParamValues, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{LogicalPlan, TableSource};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser;
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use parking_lot::Mutex;

use crate::access::Principal;
use crate::catalog::{Catalog, DELETED_SUFFIX, SEQ_SUFFIX, TableDef, TableKind, TableName};
use crate::config::QueryLimits;
use crate::error::{Error, ErrorKind, Result};
use crate::heap::on_heap;
use crate::pace::Pace;
use crate::plan::direct::Direct;
use crate::plan::names;
use crate::plan::paced::paced;
use crate::plan::panics::{caught, caught_each};
use crate::plan::planner::{Planner, Tables};
use crate::scan::{FirnTable, ScanReports, Shown, TableReads};
use crate::sql::rewrite_system_columns;
use crate::tiers::Tiers;
use crate::txn::statement_times::StatementTime;
use crate::txn::writes::{WriteSet, altered};
use crate::types::{Scope, SeqId, TableId};

/// What a statement is run with.
#[derive(Debug)]
pub struct StatementContext<'a> {
    /// The shared state.
    pub tiers: &'a Arc<Tiers>,
    /// DataFusion.
    pub planner: &'a Planner,
    /// The definitions when the statement started.
    pub catalog: Arc<Catalog>,
    /// The definitions when its transaction began.
    pub pinned: Option<&'a Catalog>,
    /// Where bare table names are looked up.
    pub namespace: &'a str,
    /// For whom it runs.
    pub who: &'a Principal,
    /// The snapshot.
    pub seq: SeqId,
    /// What the transaction has written.
    pub writes: &'a WriteSet,
    /// The values of `$1…`.
    pub params: &'a [ScalarValue],
    /// The time of the statement, Unix microseconds.
    pub now_micros: i64,
    /// Keeps what is alive at that time from being evicted, once the statement reads rows that expire.
    pub time: OnceLock<StatementTime>,
    /// When it pauses, and whether it is cancelled.
    pub pace: Pace,
    /// What its scans did.
    pub reports: ScanReports,
    /// What it was planned to read.
    pub read_scopes: Mutex<BTreeSet<(TableId, Scope)>>,
}

impl StatementContext<'_> {
    /// The table called `name`.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it was altered since the transaction began.
    pub fn table(&self, name: &TableName) -> Result<Arc<TableDef>> {
        self.table_in(name, self.namespace)
    }

    /// The table called `name`, which the statement writes to.
    ///
    /// # Errors
    /// As [`Self::table`]; `PermissionDenied`.
    pub fn written_table(&self, name: &TableName) -> Result<Arc<TableDef>> {
        let def = self.table(name)?;
        self.who.expect_may_write(&def)?;
        Ok(def)
    }

    /// As [`Self::table`], where a bare name is of `namespace`.
    fn table_in(&self, name: &TableName, namespace: &str) -> Result<Arc<TableDef>> {
        let def = self.catalog.resolve(name, namespace)?;
        if let Some(pinned) = self.pinned {
            let same = pinned.table_by_id(def.id).is_some_and(|p| p.schema_version == def.schema_version);
            if !same {
                return Err(altered(&def));
            }
        }
        Ok(def)
    }

    /// What DataFusion plans and runs its queries with.
    ///
    /// # Errors
    /// As [`Planner::state_of`].
    pub fn state(&self) -> Result<SessionState> {
        self.planner.state_of(self.who.subject(), self.now_micros)
    }

    /// What the statement reads of `def`.
    ///
    /// # Errors
    /// What opening the scope reports.
    pub async fn reads(&self, def: &Arc<TableDef>) -> Result<TableReads> {
        self.who.expect_may_read(def)?;
        let scope = self.who.scope_of(def);
        self.read_scopes.lock().insert((def.id, scope.clone()));
        let overlay = self.writes.get(def.id, &scope).map(|w| w.overlay());
        let expires = def.kind == TableKind::Stream;
        if expires {
            self.time.get_or_init(|| self.tiers.statement_times.hold(self.now_micros));
        }
        let scope = self.tiers.scope(def, &scope).await?;
        // Asked after the time is held: what evictions go further is nothing that this statement sees.
        let expired = match expires {
            true => def.expired_through(self.now_micros).max(scope.evicting_through()),
            false => SeqId::ZERO,
        };
        let seq = self.seq;
        Ok(TableReads { tiers: Arc::clone(self.tiers), def: Arc::clone(def), scope, seq, expired, overlay })
    }

    /// The logical plan of `query`, with parameters bound; `extra` tables win over the catalog's.
    ///
    /// # Errors
    /// What planning reports.
    pub async fn logical(
        &self,
        state: &SessionState,
        query: ast::Query,
        extra: Vec<(TableReference, Arc<dyn TableSource>)>,
    ) -> Result<LogicalPlan> {
        let plan = self.logical_in(state, query, extra, self.namespace).await?;
        if self.params.is_empty() {
            return Ok(plan);
        }
        Ok(plan.with_param_values(ParamValues::from(self.params.to_vec()))?)
    }

    /// The logical plan of `query`, in which parameters are without values.
    ///
    /// # Errors
    /// What planning reports.
    pub async fn unbound(&self, mut query: ast::Query) -> Result<(SessionState, LogicalPlan)> {
        names::distinguish(&mut query);
        let state = self.state()?;
        let plan = self.logical_in(&state, query, Vec::new(), self.namespace).await?;
        Ok((state, plan))
    }

    /// The columns of `plan`, its types made to fit with `params` for parameters; as far as they are known without,
    /// if they do not fit.
    #[must_use]
    pub fn columns(&self, state: &SessionState, plan: &LogicalPlan, params: ParamValues) -> SchemaRef {
        let analyzed = plan
            .clone()
            .with_param_values(params)
            .and_then(|plan| state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {}));
        let schema = Arc::clone(analyzed.as_ref().unwrap_or(plan).schema().inner());
        names::restored(&schema).unwrap_or(schema)
    }

    /// The logical plan of `query`, where bare names are of `namespace`; parameters stay.
    pub(super) async fn logical_in(
        &self,
        state: &SessionState,
        mut query: ast::Query,
        extra: Vec<(TableReference, Arc<dyn TableSource>)>,
        namespace: &str,
    ) -> Result<LogicalPlan> {
        rewrite_system_columns(&mut query)?;
        let extra: Tables = extra.into_iter().collect();
        let statement =
            parser::Statement::Statement(Box::new(ast::Statement::Query(Box::new(query.clone()))));
        let (references, _) = resolve_table_references(&statement, true)?;
        let mut tables = Tables::new();
        for reference in references {
            let source = match extra.get(&reference) {
                Some(source) => Arc::clone(source),
                None => match self.source(state, &reference, namespace).await {
                    Ok(source) => source,
                    // The tree names functions in FROM as it does tables; the planner tells them apart.
                    Err(e) if e.kind() == ErrorKind::NotFound && is_function(state, &reference) => continue,
                    Err(e) => return Err(e),
                },
            };
            tables.insert(reference, source);
        }
        Planner::logical(state, tables, query)
    }

    async fn source(
        &self,
        state: &SessionState,
        reference: &TableReference,
        namespace: &str,
    ) -> Result<Arc<dyn TableSource>> {
        let (name, shown) = match reference.table() {
            t if t.ends_with(DELETED_SUFFIX) => {
                (t.trim_end_matches(DELETED_SUFFIX), Shown { seq: true, deleted: true })
            }
            t if t.ends_with(SEQ_SUFFIX) => {
                (t.trim_end_matches(SEQ_SUFFIX), Shown { seq: true, deleted: false })
            }
            t => (t, Shown::default()),
        };
        if let Some(catalog) = reference.catalog() {
            return Err(Error::not_found(format!(
                "there is no database {catalog}: a table is named namespace.table"
            )));
        }
        let name = TableName { namespace: reference.schema().map(str::to_owned), name: name.to_owned() };
        let there = name.namespace.as_deref().unwrap_or(namespace);
        if let Some(view) = self.catalog.view(there, &name.name) {
            return self.view_source(state, view).await;
        }
        if let Some(table) = Box::pin(self.own_table(there, &name.name)).await? {
            return Ok(table);
        }
        let def = self.table_in(&name, namespace)?;
        let reads = self.reads(&def).await?;
        let report = self.reports.start(&reads);
        Ok(provider_as_source(Arc::new(FirnTable::new(reads, shown, report))))
    }

    /// The physical plan of `query`, and the state to run it with.
    ///
    /// # Errors
    /// What planning reports.
    pub async fn physical(
        &self,
        query: ast::Query,
        extra: Vec<(TableReference, Arc<dyn TableSource>)>,
    ) -> Result<(Arc<dyn ExecutionPlan>, SessionState)> {
        let state = self.state()?;
        let logical = self.logical(&state, query, extra).await?;
        let plan = state.create_physical_plan(&logical).await?;
        Ok((paced(plan, &self.pace)?, state))
    }

    /// The rows of `query`: by a direct plan if it has one, else by DataFusion.
    ///
    /// # Errors
    /// What planning and running it report.
    pub async fn rows(
        &self,
        query: ast::Query,
        extra: Vec<(TableReference, Arc<dyn TableSource>)>,
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let (schema, batches) = self.stream(query, extra).await?;
        let batches = batches.try_collect().await?;
        self.reports.count_in(&self.tiers.stats);
        Ok((schema, batches))
    }

    /// As [`Self::rows`], of a query whose rows are answered at once.
    ///
    /// # Errors
    /// As [`Self::rows`]; `LimitExceeded` past the limits of results.
    pub async fn answer(&self, query: ast::Query) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let limits = self.tiers.config.query;
        let (schema, mut stream) = self.stream(query, Vec::new()).await?;
        let (mut batches, mut rows, mut bytes) = (Vec::new(), 0_u64, 0_u64);
        while let Some(batch) = stream.try_next().await? {
            rows = rows.saturating_add(batch.num_rows() as u64);
            bytes = bytes.saturating_add(size_of_rows(&batch) as u64);
            if rows > limits.result_rows || bytes > limits.result_bytes {
                return Err(too_large(&limits, rows > limits.result_rows));
            }
            batches.push(batch);
        }
        self.reports.count_in(&self.tiers.stats);
        Ok((schema, batches))
    }

    /// As [`Self::rows`], a batch at a time; DataFusion does no more than what is asked for.
    ///
    /// # Errors
    /// What planning reports, and with the rows what running reports.
    pub async fn stream(
        &self,
        query: ast::Query,
        extra: Vec<(TableReference, Arc<dyn TableSource>)>,
    ) -> Result<(SchemaRef, BoxStream<'static, Result<RecordBatch>>)> {
        let (schema, batches) = caught(on_heap(|| self.begin(query, extra))).await?;
        Ok((schema, caught_each(batches)))
    }

    async fn begin(
        &self,
        query: ast::Query,
        extra: Vec<(TableReference, Arc<dyn TableSource>)>,
    ) -> Result<(SchemaRef, BoxStream<'static, Result<RecordBatch>>)> {
        if extra.is_empty()
            && let Some(direct) = Direct::of(self, &query)
        {
            return direct.stream(self).await;
        }
        let mut query = query;
        names::distinguish(&mut query);
        let (plan, state) = on_heap(|| self.physical(query, extra)).await?;
        self.run(&state, plan)
    }

    /// As [`Self::rows`] without `extra`; and per column the table that it is of, if it is one's.
    ///
    /// # Errors
    /// What planning and running it report.
    pub async fn qualified_rows(
        &self,
        mut query: ast::Query,
    ) -> Result<(Vec<Option<TableReference>>, SchemaRef, Vec<RecordBatch>)> {
        names::distinguish(&mut query);
        let state = self.state()?;
        let logical = self.logical(&state, query, Vec::new()).await?;
        let tables = logical.schema().iter().map(|(table, _)| table.cloned()).collect();
        let run = async {
            let plan = paced(state.create_physical_plan(&logical).await?, &self.pace)?;
            let (schema, batches) = self.run(&state, plan)?;
            Ok((schema, batches.try_collect().await?))
        };
        let (schema, batches) = caught(on_heap(|| run)).await?;
        self.reports.count_in(&self.tiers.stats);
        Ok((tables, schema, batches))
    }

    /// Runs `plan`, and takes the marks off its columns.
    fn run(
        &self,
        state: &SessionState,
        plan: Arc<dyn ExecutionPlan>,
    ) -> Result<(SchemaRef, BoxStream<'static, Result<RecordBatch>>)> {
        let marked = plan.schema();
        let batches = self.planner.execute(state, plan)?;
        let Some(schema) = names::restored(&marked) else {
            return Ok((marked, batches.map_err(Error::from).boxed()));
        };
        let shown = Arc::clone(&schema);
        let renamed = batches
            .map(move |batch| Ok(RecordBatch::try_new(Arc::clone(&shown), batch?.columns().to_vec())?));
        Ok((schema, renamed.boxed()))
    }
}

/// Bytes of the rows of `batch` alone: it may be a part of arrays that many batches share.
fn size_of_rows(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(size_of_values).sum()
}

fn size_of_values(values: &ArrayRef) -> usize {
    // A part of a list array keeps the elements of all.
    if let Some(lists) = values.as_list_opt::<i32>() {
        let offsets = lists.value_offsets();
        let [from, to] =
            [offsets.first(), offsets.last()].map(|o| o.map_or(0, |o| usize::try_from(*o).unwrap_or(0)));
        return size_of_val(offsets) + size_of_values(&lists.values().slice(from, to.saturating_sub(from)));
    }
    let data = values.to_data();
    data.get_slice_memory_size().unwrap_or_else(|_| data.get_array_memory_size())
}

fn too_large(limits: &QueryLimits, by_rows: bool) -> Error {
    let (most, setting) = if by_rows {
        (format!("{} rows", limits.result_rows), "query.result_rows")
    } else {
        (format!("{} bytes of rows", limits.result_bytes), "query.result_bytes")
    };
    Error::limit(format!(
        "the result has more than {most}, the most that are answered at once ({setting}): ask for fewer, or read \
         them as a stream"
    ))
}

fn is_function(state: &SessionState, reference: &TableReference) -> bool {
    reference.schema().is_none() && state.table_functions().contains_key(reference.table())
}
